"""The report for a person at a terminal: a table by call, then the differences with what C did, what Python did, why,
and how to have it C's way, or, of many, a list with one as an example. rich finds the terminal's width and colours;
piped, the text is plain."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pysock_raw.conformance.compare import Report
from pysock_raw.report import syscalls
from pysock_raw.report.json import Document, to_json
from pysock_raw.report.terminal import fields, heading, print_to, some
from pysock_raw.report.view import (
    Case,
    Finding,
    by_call,
    counted,
    findings,
    grouped,
    headline,
    how_it_went,
    inexpressible,
    last_line,
    ran,
    readable,
    said,
    script,
    sides,
    skipped,
    unexplained,
    unexplained_answers,
)
from pysock_raw.trace_text import printable

WORDS = {"differs": "differ"}
COLOURS = {"same": "green", "unexplained": "bold red"}
SIDES = {"c": "C", "python": "the Python fallback", "stdlib": "the stdlib's socket"}
NARROW = 110  # columns
IN_FULL = 6  # differences, and reasons for having no words; of more there is a list
LISTED = 40  # differences in a list; of more, those that most cases show
FOR_EACH_CALL = 3
SHOWN = 5  # unexplained calls of one case


def render(report: Report, file: IO[str]) -> None:
    def both(out: Console) -> None:
        show(to_json(report), out, report.script)
        syscalls.render(out, report)

    print_to(file, both)


def show(document: Document, out: Console, path: Path | None = None) -> None:
    """`path` is that of the script, if it is known."""
    document = readable(document)
    found = findings(document)
    out.print(escape(headline(document)), style="dim")
    out.print(escape(_sentence(document, found)))
    if script(document) is None:
        out.print()
        out.print(_by_call(document, narrow=out.width < NARROW))
    _differences(out, document, found)
    _inexpressible(out, document)
    _script(out, document)
    _trouble(out, document)
    _skipped(out, document)
    good = document["summary"]["status"] == 0
    out.print("\n" + escape(last_line(document)), style="bold green" if good else "bold red")
    _next(out, document, found, path)


def _sentence(document: Document, found: list[Finding]) -> str:
    """What was done, and what came of it."""
    about = script(document)
    what = f"{about['id']}, run" if about else f"{counted(len(ran(document)), 'case')}, each run"
    where = [SIDES[side] for side in sides(document)]
    on = f"{what} on {', '.join(where[:-1])} and {where[-1]}." if where[1:] else f"{what} on {where[0]}."
    trouble = document["summary"]["unexplained"] + document["summary"]["nonconforming"]
    if trouble:
        return f"{on} {counted(trouble, 'surprise')}: below in red."
    if not found:
        return f"{on} No difference."
    return f"{on} {counted(len(found), 'known difference')} found; nothing else differs."


def _by_call(document: Document, narrow: bool) -> Table:
    """The verdicts by call. A narrow one leaves out what goes without saying."""
    rows = by_call(document)
    reference, *others = sides(document)
    specified = not narrow or any(row.conforming != row.cases for row in rows)
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    table.add_column("call", no_wrap=True)
    table.add_column("cases", justify="right")
    if specified:
        table.add_column("as specified", justify="right")
    for side in others:
        table.add_column({"python": "fallback"}.get(side, side) + f" vs {_title(reference)}")
    for row in rows:
        conforming = "?" if row.conforming is None else str(row.conforming)
        if row.conforming not in (None, row.cases):
            conforming = f"[bold red]{conforming}[/]"
        cells = [_verdicts(row.verdicts[side], narrow) for side in others]
        table.add_row(row.call, str(row.cases), *[conforming] * specified, *cells)
    return table


def _title(side: str) -> str:
    return {"c": "C", "python": "the fallback"}.get(side, side)


def _verdicts(counts: dict[str, int], narrow: bool) -> str:
    """`11 same, 3 differ`, the worst in red."""
    parts = []
    for verdict, count in counts.items():
        if narrow and verdict == "same" and len(counts) > 1:
            continue
        word = f"{count} {verdict if count == 1 else WORDS.get(verdict, verdict)}"
        parts.append(f"[{COLOURS[verdict]}]{word}[/]" if verdict in COLOURS else word)
    return ", ".join(parts)


def _differences(out: Console, document: Document, found: list[Finding]) -> None:
    if len(found) <= IN_FULL or script(document):  # each at its line
        for finding in found:
            _difference(out, document, finding)
        return
    _list(out, grouped(found), FOR_EACH_CALL if len(found) > LISTED else len(found))
    _difference(out, document, _most_telling(found))


def _most_telling(found: list[Finding]) -> Finding:
    """The one that most cases show."""
    return max(found, key=lambda finding: len(finding.cases))


def _list(out: Console, groups: dict[str, list[Finding]], most: int) -> None:
    """Differences by call, each a line."""
    heading(out, "bold", "known differences", "by call, with the number of cases that show each")
    names = max(len(finding.id) for group in groups.values() for finding in group)
    room = out.width - max(map(len, groups)) - names - 11
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", style="dim", no_wrap=True, min_width=3)
    table.add_column(style="yellow", no_wrap=True)
    for call, group in groups.items():
        for number, finding in enumerate(group[:most]):
            title = escape(_cut(finding.entry["title"], room))
            table.add_row("" if number else call, str(len(finding.cases)), escape(finding.id), title)
        if group[most:]:
            table.add_row("", "", f"[dim]and {len(group) - most} more[/]", f"[dim]pysock-raw compare --call {call}[/]")
    out.print(table)


def _cut(text: str, room: int) -> str:
    """A text that is too long for its line, cut."""
    return text if len(text) <= room else f"{text[: max(room, 2) - 1]}…"


def _difference(out: Console, document: Document, finding: Finding) -> None:
    example, reference = finding.example, sides(document)[0]
    where = ("at", ", ".join(finding.lines)) if script(document) else ("cases", some(finding.cases, 3))
    heading(out, "yellow", finding.id, finding.entry["title"])
    fields(
        out,
        (reference, example.shown(reference)),
        (example.side, example.shown(example.side)),
        ("why", finding.entry["why"]),
        ("C in Python", finding.entry["instead"]),
        where,
    )


def _inexpressible(out: Console, document: Document) -> None:
    """What the sides could not say at all, by reason; of many, those of most cases."""
    reasons = sorted(inexpressible(document).items(), key=lambda reason: -len(reason[1]))
    if not reasons:
        return
    shown = reasons if len(reasons) <= IN_FULL else reasons[:FOR_EACH_CALL]
    heading(out, "default", "inexpressible", "what a side has no words for")
    fields(out, *((side, f"{reason} ({some(cases, 2)})") for (side, reason), cases in shown))
    if len(reasons) > len(shown):
        fields(out, ("", f"and {len(reasons) - len(shown)} more reasons (compare --call NAME shows those of a call)"))


def _script(out: Console, document: Document) -> None:
    case = script(document)
    rows = how_it_went(case) if case else []
    if case and rows:
        heading(out, "default", case["id"], "how it went")
        fields(out, *rows)


def _trouble(out: Console, document: Document) -> None:
    """Nonconforming and unexplained cases, with the whole story."""
    reference = sides(document)[0]
    for case in ran(document):
        if case["nonconforming"]:
            heading(out, "red", "nonconforming", f"{case['id']}   {case['shows']}")
            allowed = " or ".join(map(str, case["allowed"]))
            fields(out, (reference, f"{case['nonconforming']}: {case['sides'][reference]['outcome']}"))
            if allowed:
                fields(out, ("allowed", allowed))
        for side in unexplained(case):
            heading(out, "red", "unexplained", f"{case['id']}   {case['shows']}")
            fields(out, *_unexplained(case, reference, side))


def _unexplained(case: Case, reference: str, side: str) -> Iterator[tuple[str, str]]:
    for remark in case["sides"][side]["remarks"]:
        yield side, remark
    answers = list(unexplained_answers(case, side))
    for beside, answer in answers[:SHOWN]:
        yield reference, f"{said(beside)}   at {beside['where']}"
        yield side, said(answer)
    if len(answers) > SHOWN:
        yield side, f"and {len(answers) - SHOWN} more calls (all are in --format json)"


def _skipped(out: Console, document: Document) -> None:
    lacks = skipped(document)
    if lacks:
        heading(out, "default", "skipped", "for want of")
        fields(out, *((str(len(cases)), f"{lack} ({some(cases, 2)})") for lack, cases in lacks.items()))


def _next(out: Console, document: Document, found: list[Finding], path: Path | None) -> None:
    """What to type now."""
    rows: list[tuple[str, str]] = []
    if found:
        rows.append((f"pysock-raw explain {_most_telling(found).id}", "why, with the evidence run on the spot"))
    if len(by_call(document)) > 1:
        rows.append((f"pysock-raw compare {by_call(document)[0].call}", "one call, with its differences in full"))
    again = f"{_word(path)} " if path else ""
    rows.append((f"pysock-raw compare {again}-o report.html", "every call on every side, to browse"))
    if script(document) is None:
        rows.append(("pysock-raw compare SCRIPT.py", "a program of your own"))
    if max(len(command) for command, _ in rows) > out.width - len("next  "):  # the terminal breaks it, uncut
        commands = "\n      ".join(command for command, _ in rows)
        out.print(f"next  [bold]{escape(commands)}[/]", soft_wrap=True)
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    for no_wrap in (True, True, False):
        table.add_column(no_wrap=no_wrap)
    for number, (command, purpose) in enumerate(rows):
        table.add_row("" if number else "next", f"[bold]{escape(command)}[/]", f"[dim]{escape(purpose)}[/]")
    out.print(table)


def _word(path: Path) -> str:
    """A path as a word of a shell's command; of one that cannot be shown, the usual name."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text) if text.isprintable() else "SCRIPT.py"


def render_diff(changes: Document, file: IO[str]) -> None:
    print_to(file, lambda out: show_diff(changes, out))


def show_diff(changes: Document, out: Console) -> None:
    """What changed between two comparisons: first where they ran, then case by case."""
    changes = readable(changes)
    for name in "ab":
        out.print(f"[bold]{name.upper()}[/]  {escape(changes[name]['file'])}   ", end="")
        out.print(escape(headline(changes[name])), style="dim")
    if changes["environment"]:
        heading(out, "bold", "environment", "")
        fields(out, *((change["what"], f"{change['a']} → {change['b']}") for change in changes["environment"]))
    for case in changes["cases"]:
        heading(out, "yellow", case["id"], case["shows"])
        fields(out, *(row for change in case["changes"] for row in _changed(change)))
    for name, other in ("ab", "ba"):
        if changes["only"][name]:
            heading(out, "yellow", f"only in {name.upper()}", f"{other.upper()} has no such cases")
            fields(out, *(("", printable(id)) for id in changes["only"][name]))
    changed = changes["summary"]["changed"]
    text = f"{counted(changes['summary']['cases'], 'case')} in both · {counted(changed, 'change')}"
    out.print(f"\n{text}", style="bold red" if changed else "bold green")


def _changed(change: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if change["what"] != "calls":
        a, b = (", ".join(change[name]) if change["what"] == "differences" else change[name] for name in "ab")
        yield change["side"] or "case", f"{change['what']}: {a or 'none'} → {b or 'none'}"
        return
    yield change["side"], f"call {change['at'][0] + 1}:"
    yield from (("A", text) for text in change["a"])
    yield from (("B", text) for text in change["b"])

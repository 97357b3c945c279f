"""The report for a person at a terminal: a table by call, then each difference with what C did, what Python did,
why, and how to have it C's way. rich finds the terminal's width and colours; piped, the text is plain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pysock_raw.conformance.compare import Report, Result
from pysock_raw.conformance.differences import CATALOGUE, Difference
from pysock_raw.conformance.environment import environment
from pysock_raw.conformance.verdicts import ACCEPTABLE, Comparison, Judged
from pysock_raw.report import syscalls
from pysock_raw.trace_text import line, printable

WORDS = {"differs": "differ"}
COLOURS = {"same": "green", "unexplained": "bold red"}
PIPED_WIDTH = 120
SHOWN = 5  # unexplained calls of one case


def console(file: IO[str]) -> Console:
    return Console(
        file=file, highlight=False, soft_wrap=not file.isatty(), width=None if file.isatty() else PIPED_WIDTH
    )


def render(report: Report, file: IO[str]) -> None:
    out = console(file)
    out.print(escape(headline()))
    if report.results and report.results[0].case.call is not None:
        out.print(_by_call(report))
    for difference in CATALOGUE:
        _difference(out, report, difference)
    _inexpressible(out, report)
    _script(out, report)
    syscalls.render(out, report)
    _trouble(out, report)
    for skipped in (result for result in report.results if result.skipped):
        out.print(f"skipped  {skipped.case.id}: {escape(skipped.skipped or '')}")
    out.print(escape(_last_line(report)), style="green" if report.status == 0 else "bold red")


def headline() -> str:
    """What was compared, in one line; without the C backend, that first."""
    facts = environment()
    c = facts["c_backend"]
    backend = f"C backend ({c['compiler']})"
    if c["missing"]:
        backend = f"the Python fallback stands in for C: {c['missing']}"
    return " · ".join(
        [f"pysock_raw {facts['pysock_raw']}", backend, facts["python"], f"{facts['kernel']} {facts['machine']}"]
    )


def _by_call(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    table.add_column("call")
    table.add_column("cases", justify="right")
    table.add_column("as specified", justify="right")
    others = report.sides[1:]
    for side in others:
        table.add_column({"python": "fallback"}.get(side, side) + f" vs {_title(report.sides[0])}")
    for call in dict.fromkeys(result.case.call for result in report.ran):
        results = [result for result in report.ran if result.case.call == call]
        conforming = sum(not result.nonconforming for result in results) if report.sides[0] == "c" else "?"
        cells = [_verdicts(result.comparisons[side].verdict for result in results) for side in others]
        table.add_row(str(call), str(len(results)), str(conforming), *cells)
    return table


def _title(side: str) -> str:
    return {"c": "C", "python": "the fallback"}.get(side, side)


def _verdicts(verdicts: Iterable[str]) -> str:
    """`11 same, 3 differ`, the worst in red."""
    parts = []
    for verdict, count in Counter(verdicts).most_common():
        word = f"{count} {verdict if count == 1 else WORDS.get(verdict, verdict)}"
        parts.append(f"[{COLOURS[verdict]}]{word}[/]" if verdict in COLOURS else word)
    return ", ".join(parts)


def _difference(out: Console, report: Report, difference: Difference) -> None:
    found = _found(report, difference.id)
    if not found:
        return
    result, side, judged = next((found for found in found if found[0].case.id == difference.evidence), found[0])
    if result.case.call is None:
        where = ("at", ", ".join(dict.fromkeys(judged.pair.c["where"] for _, _, judged in found)))
    else:
        where = ("cases", _some([result.case.id for result, _, _ in found], 3))
    _heading(out, "yellow", difference.id, difference.title)
    _fields(
        out,
        (report.sides[0], _shown(result, report.sides[0], judged)),
        (side, _shown(result, side, judged)),
        ("why", difference.why),
        ("C in Python", difference.instead),
        where,
    )


def _heading(out: Console, colour: str, name: str, text: str) -> None:
    out.print(f"\n[bold {colour}]{escape(printable(name))}[/]   {escape(printable(text))}")


def _fields(out: Console, *rows: tuple[str, str]) -> None:
    """Names and their texts in two columns; a text that is too long for a terminal goes on below itself."""
    if not out.is_terminal:
        for name, text in rows:
            out.print(f"  {name:<11} {printable(text)}", markup=False)
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", min_width=13, no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(f"  {escape(name)}", escape(printable(text)))
    out.print(table)


def _some(names: Iterable[str], most: int) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - most} more" if len(unique) > most else ""
    return ", ".join(unique[:most]) + more


def _found(report: Report, difference: str) -> list[tuple[Result, str, Judged]]:
    """Where a difference was found, the stdlib's before the fallback's."""
    return [
        (result, side, judged)
        for side in reversed(report.sides)
        for result in report.ran
        if side in result.comparisons
        for judged in result.comparisons[side].judged
        if judged.difference == difference
    ]


def _shown(result: Result, side: str, judged: Judged) -> str:
    """The call that differs, after the call that the case is about where that is another, and what was seen."""
    record = judged.pair.c if side == result.reference else judged.pair.other
    shown = [line(record)]
    about = [pair.c for pair in judged.pair.before if pair.call == result.case.call]
    if record["call"] != result.case.call and about:
        shown.insert(0, line(about[-1]))
    seen = [str(run.observed) for run in result.runs.values() if not run.ended]
    if len(set(seen)) > 1 and not result.runs[side].ended:
        shown.append(str(result.runs[side].observed))
    return ", then ".join(shown)


def _inexpressible(out: Console, report: Report) -> None:
    """What the sides could not say at all, by reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in report.ran:
        for side, comparison in result.comparisons.items():
            for judged in comparison.judged:
                if judged.verdict == "inexpressible" and judged.difference is None:
                    reason = judged.pair.other["raised"].partition(": ")[2]
                    reasons.setdefault((side, reason), []).append(result.case.id)
    if reasons:
        _heading(out, "white", "inexpressible", "what a side has no words for")
        _fields(out, *((side, f"{reason} ({_some(cases, 2)})") for (side, reason), cases in reasons.items()))


def _last_words(printed: str) -> str:
    lines = printed.strip().splitlines()
    return f"; the last that it printed: {lines[-1]}" if lines else ""


def _script(out: Console, report: Report) -> None:
    """What a script did besides its calls: how it ended, and what could not be compared."""
    for result in report.ran:
        rows = [
            (side, f"ended with {run.ended}{_last_words(run.printed)}")
            for side, run in result.runs.items()
            if result.case.call is None and run.ended
        ]
        rows += [
            (side, f"{found.uncompared} calls of {report.sides[0]} after that difference have no counterpart")
            for side, found in result.comparisons.items()
            if result.case.call is None and found.uncompared
        ]
        if result.case.call is None and not any(run.trace for run in result.runs.values()):
            rows.append(("calls", "none: it made no call through pysock_raw, so nothing was compared"))
        if rows:
            _heading(out, "white", result.case.id, "how it went")
            _fields(out, *rows)


def _trouble(out: Console, report: Report) -> None:
    """Nonconforming and unexplained cases, with the whole story."""
    for result in report.ran:
        if result.nonconforming:
            _heading(out, "red", "nonconforming", f"{result.case.id}   {result.case.shows}")
            allowed = " or ".join(str(outcome.to_json()) for outcome in result.case.allowed)
            _fields(out, (result.reference, f"{result.nonconforming}: {result.outcome(result.reference)}"))
            if allowed:
                _fields(out, ("allowed", allowed))
        for side, comparison in result.comparisons.items():
            if comparison.verdict not in ACCEPTABLE[side]:
                _heading(out, "red", "unexplained", f"{result.case.id}   {result.case.shows}")
                _fields(out, *_unexplained(result.reference, side, comparison))


def _unexplained(reference: str, side: str, comparison: Comparison) -> Iterator[tuple[str, str]]:
    for remark in comparison.remarks:
        yield side, remark
    worst = [judged for judged in comparison.judged if judged.verdict not in ACCEPTABLE[side]]
    for judged in worst[:SHOWN]:
        yield reference, f"{line(judged.pair.c)}   at {judged.pair.c['where']}"
        yield side, line(judged.pair.other)
    if len(worst) > SHOWN:
        yield side, f"and {len(worst) - SHOWN} more calls (all are in --format json)"


def _last_line(report: Report) -> str:
    lacks = Counter(result.skipped for result in report.results if result.skipped)
    skipped = f"{sum(lacks.values())} skipped" + (f" ({', '.join(str(lack) for lack in lacks)})" if lacks else "")
    count = len(report.ran)
    parts = [
        f"{count} case{'' if count == 1 else 's'}" if report.results[0].case.call else report.results[0].case.id,
        f"{len(report.unexplained)} unexplained",
        f"{len(report.nonconforming)} nonconforming",
        skipped,
        f"{report.seconds:.1f} s",
    ]
    return "\n" + " · ".join(parts)

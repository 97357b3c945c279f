"""What reports for people show, worked out from the document of json.py: of a run, or read from a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pysock_raw.backends.contract import CALLS
from pysock_raw.conformance.pairs import UNSAID
from pysock_raw.conformance.verdicts import ACCEPTABLE, VERDICTS
from pysock_raw.report.json import Document
from pysock_raw.trace_text import line, printable, printable_lines

Case = dict[str, Any]
TITLES = {"c": "C", "python": "fallback", "stdlib": "stdlib"}
NAMES = {"id", "shows", "where", "file"}  # of scripts: a file's name can have lines
SYSCALLS_OF = 20  # cases of which a person wants to read the system calls at once


def readable(value: Any, key: str = "") -> Any:
    """A document, or what it has for a key, whose texts cannot write to a terminal, nor names look like lines of a
    report. Keys are ours, except ids of differences."""
    if isinstance(value, str):
        return printable(value) if key in NAMES else printable_lines(value)
    if isinstance(value, dict):
        return {name: readable(member, name) for name, member in value.items()}
    return [readable(item, key) for item in value] if isinstance(value, list) else value


def sides(document: Document) -> list[str]:
    found: list[str] = document["environment"]["sides"]
    return found


def ran(document: Document) -> list[Case]:
    return [case for case in document["cases"] if case["skipped"] is None]


def script(document: Document) -> Case | None:
    """The script that was compared, if it was not cases."""
    return next((case for case in document["cases"] if case["call"] is None), None)


def headline(document: Document) -> str:
    """What was compared, in one line; without the C backend, that first."""
    facts = document["environment"]
    c = facts["c_backend"]
    backend = f"C backend ({c['compiler']})"
    if c["missing"]:
        backend = f"the Python fallback stands in for C: {c['missing']}"
    return " · ".join(
        [f"pysock_raw {facts['pysock_raw']}", backend, facts["python"], f"{facts['kernel']} {facts['machine']}"]
    )


def named(call: dict[str, Any]) -> dict[str, Any]:
    """A call with names for the numbers that differ from run to run."""
    return {**call, **call["named"]}


def answers(case: Case, side: str) -> Iterator[dict[str, Any]]:
    """What a side has beside the calls of the first: its own, and its end if that came instead of one."""
    run = case["sides"][side]
    yield from run["trace"]
    if run["ended_before"]:
        yield {**run["ended_before"], "raised": run["ended"]}


def said(answer: dict[str, Any]) -> str:
    return line(named(answer)) if "call" in answer else f"ended before it made this call: {answer['raised']}"


def with_syscalls(document: Document) -> int:
    """In how many cases the calls have their system calls."""
    reference = sides(document)[0]
    return sum(any("syscalls" in call for call in case["sides"][reference]["trace"]) for case in ran(document))


def too_many_syscalls(cases: int) -> str:
    return f"The system calls of {cases:,} cases are in --format json; of at most {SYSCALLS_OF} they are shown here."


def unexplained(case: Case) -> list[str]:
    """The sides whose verdict is not acceptable."""
    return [side for side, verdict in case["verdicts"].items() if verdict not in ACCEPTABLE[side]]


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@dataclass
class ByCall:
    """The cases about one call."""

    call: str
    cases: int
    conforming: int | None
    """How many C answered as specified; None where C is not there to say."""
    verdicts: dict[str, dict[str, int]]
    """For each other side the verdicts that it got, from best to worst."""


def by_call(document: Document) -> list[ByCall]:
    reference, *others = sides(document)
    groups: dict[str, list[Case]] = {}
    for case in ran(document):
        groups.setdefault(case["call"], []).append(case)
    return [
        ByCall(
            call,
            len(cases),
            sum(not case["nonconforming"] for case in cases) if reference == "c" else None,
            {side: _counted(case["verdicts"][side] for case in cases) for side in others},
        )
        for call, cases in groups.items()
    ]


def _counted(verdicts: Iterable[str]) -> dict[str, int]:
    counts = Counter(verdicts)
    return {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]}


@dataclass
class Place:
    """One answer to a call that a difference explains."""

    case: Case
    reference: str
    side: str
    answer: dict[str, Any]

    @property
    def beside(self) -> dict[str, Any]:
        """Its counterpart on the first side."""
        found: dict[str, Any] = self.case["sides"][self.reference]["trace"][self.answer["beside"]]
        return found

    def shown(self, side: str) -> str:
        """What a side did here: the call that differs, after the call that the case is about where that is another,
        and what was observed if that differs too."""
        lines = [said(self.beside if side == self.reference else self.answer)]
        earlier = range(self.answer["beside"])
        about = [
            call
            for at, call in enumerate(self.case["sides"][side]["trace"])
            if call["call"] == self.case["call"] and call.get("beside", at) in earlier
        ]
        if self.beside["call"] != self.case["call"] and about:
            lines.insert(0, said(about[-1]))
        found = {name: str(run["outcome"]["observed"]) for name, run in self.case["sides"].items() if not run["ended"]}
        if len(set(found.values())) > 1 and side in found:
            lines.append(f"observed {found[side]}")
        return ", then ".join(lines)


@dataclass
class Finding:
    """A difference, and where it was found."""

    id: str
    entry: dict[str, str]
    places: list[Place] = field(default_factory=list)

    @property
    def cases(self) -> list[str]:
        return list(dict.fromkeys(place.case["id"] for place in self.places))

    @property
    def lines(self) -> list[str]:
        """Where in a script."""
        return list(dict.fromkeys(place.beside["where"] for place in self.places))

    @property
    def example(self) -> Place:
        return next((place for place in self.places if place.case["id"] == self.entry["evidence"]), self.places[0])

    @property
    def call(self) -> str:
        """The call that it belongs to: that of its evidence."""
        return self.entry["evidence"].partition("/")[0]


def findings(document: Document) -> list[Finding]:
    """The differences that were found, in the catalogue's order; the stdlib's places before the fallback's."""
    found = {id: Finding(id, entry) for id, entry in document["differences"].items()}
    reference, *others = sides(document)
    for side in reversed(others):
        for case in ran(document):
            for answer in answers(case, side):
                if answer["difference"] is not None:
                    found[answer["difference"]].places.append(Place(case, reference, side, answer))
    return list(found.values())


def grouped(found: Iterable[Finding]) -> dict[str, list[Finding]]:
    """By call, and for each those first that most cases show."""
    groups: dict[str, list[Finding]] = {}
    for finding in sorted(found, key=lambda finding: (CALLS.index(finding.call), -len(finding.cases))):
        groups.setdefault(finding.call, []).append(finding)
    return groups


def inexpressible(document: Document) -> dict[tuple[str, str], list[str]]:
    """What sides have no words for: (side, reason): cases."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for case in ran(document):
        for side in case["verdicts"]:
            for answer in answers(case, side):
                if answer["verdict"] == "inexpressible" and answer["difference"] is None:
                    reasons.setdefault((side, _unsaid(case, answer)), []).append(case["id"])
    return reasons


def _unsaid(case: Case, answer: dict[str, Any]) -> str:
    """Why the call, or its counterpart where the fallback stands in for C, is inexpressible."""
    reference = next(iter(case["sides"].values()))
    both = [answer["raised"], reference["trace"][answer["beside"]]["raised"]]
    return next(str(raised) for raised in both if raised and raised.startswith(tuple(UNSAID))).partition(": ")[2]


def how_it_went(script: Case) -> list[tuple[str, str]]:
    """What a script did besides its calls, by side: how it ended, and what could not be compared."""
    reference = next(iter(script["sides"]))
    rows = [
        (side, f"ended with {run['ended']}{_last_words(run['printed'])}")
        for side, run in script["sides"].items()
        if run["ended"]
    ]
    rows += [
        (side, f"{counted(number, 'call')} of {reference} without a counterpart after that difference")
        for side, number in script["uncompared"].items()
        if number
    ]
    if not any(run["trace"] for run in script["sides"].values()):
        rows.append(("calls", "none: it made no call through pysock_raw, so nothing was compared"))
    return rows


def _last_words(printed: str) -> str:
    lines = printed.strip().splitlines()
    return f"; the last that it printed: {lines[-1]}" if lines else ""


def skipped(document: Document) -> dict[str, list[str]]:
    """What the machine lacked: the cases that were not run for it."""
    lacks: dict[str, list[str]] = {}
    for case in document["cases"]:
        if case["skipped"] is not None:
            lacks.setdefault(case["skipped"], []).append(case["id"])
    return lacks


def unexplained_answers(case: Case, side: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The answers of a side that nothing explains, each after the call of the first side that it stands beside."""
    reference = next(iter(case["sides"]))
    for answer in answers(case, side):
        if answer["verdict"] is not None and answer["verdict"] not in ACCEPTABLE[side]:
            yield case["sides"][reference]["trace"][answer["beside"]], answer


def last_line(document: Document) -> str:
    summary, about = document["summary"], script(document)
    return " · ".join(
        [
            about["id"] if about else counted(summary["cases"], "case"),
            f"{summary['unexplained']} unexplained",
            f"{summary['nonconforming']} nonconforming",
            f"{summary['skipped']} skipped",
            f"{summary['seconds']:.1f} s",
        ]
    )

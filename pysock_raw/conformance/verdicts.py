"""From two traces to verdicts: each call of one side beside its counterpart on the reference side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pysock_raw.conformance.naming import named
from pysock_raw.conformance.pairs import UNSAID, Pair, Program, kind
from pysock_raw.conformance.runner import STOPPED, Run
from pysock_raw.trace import Record

VERDICTS = ("same", "emulated", "inexpressible", "differs", "refused", "unexplained")
"""From best to worst: the verdict of a case is the worst of its calls'."""

ACCEPTABLE = {"c": VERDICTS[:1], "python": VERDICTS[:3], "stdlib": VERDICTS[:5]}


@dataclass(frozen=True)
class Judged:
    """A pair that is not the same, with its verdict and the difference that explains it."""

    pair: Pair
    verdict: str
    difference: str | None = None


@dataclass
class Comparison:
    """What comparing one side with the reference side found."""

    verdict: str = "same"
    pairs: list[Pair] = field(default_factory=list)
    """All that were compared."""
    judged: list[Judged] = field(default_factory=list)
    """Those that are not the same."""
    remarks: list[str] = field(default_factory=list)
    """What is unexplained and is no pair of calls."""
    uncompared: int = 0
    """Calls of C after the programs parted, which have no counterpart."""

    @property
    def differences(self) -> list[str]:
        return list(dict.fromkeys(judged.difference for judged in self.judged if judged.difference))

    def note(self, verdict: str) -> None:
        self.verdict = max(self.verdict, verdict, key=VERDICTS.index)

    def unexplained(self, remark: str) -> None:
        self.remarks.append(remark)
        self.note("unexplained")


def compare(side: str, c: Run, other: Run, differences: Sequence[Any]) -> Comparison:
    """Compare a side's run with the reference side's."""
    comparison = Comparison()
    calls, others = named(c.trace, c.forks), named(other.trace, other.forks)
    program = Program()
    actors = sorted(calls.keys() | others.keys())
    for actor in actors:
        program.append([])
        for mine, theirs in zip(calls.get(actor, []), others.get(actor, []), strict=False):
            if mine["call"] != theirs["call"]:
                break
            program[-1].append(Pair(mine, theirs, program[-1], len(program[-1]), program))
    exception = _exception(c, other)
    if actors and exception is not None:
        _end_as_answer(program, calls.get(actors[0], []), other)
    for actor, pairs in zip(actors, program, strict=True):
        left = calls.get(actor, [])[len(pairs) :], others.get(actor, [])[len(pairs) :]
        if exception is not None and actor != actors[0] and not left[1]:
            comparison.uncompared += len(left[0])  # the program ended before it had this one
            left = [], []
        _compare_calls(comparison, side, pairs, left, program.parted, differences)
    if kind(c.ended) in UNSAID:
        comparison.note("inexpressible")
    elif c.ended != other.ended and not _ended_by(program, c, other):
        comparison.unexplained(f"{side} ended with {other.ended or 'no error'}, C with {c.ended or 'no error'}")
    if c.observed != other.observed and comparison.verdict in ("same", "emulated"):
        comparison.unexplained(f"{side} observed {other.observed!r}, C {c.observed!r}")
    if len(other.leaked) > len(c.leaked):
        comparison.unexplained(f"{side} leaked or lost the descriptors {other.leaked}")
    return comparison


def _exception(c: Run, other: Run) -> str | None:
    """The exception that ended a program on one side alone."""
    ended = other.ended
    return None if ended is None or ended == c.ended or ended.startswith(STOPPED) else ended


def _ended_beside(last: Pair, run: Run) -> bool:
    """Whether the side itself raised what ended it, and not in this call: because it lacks something (a name, say)."""
    return run.lacks and last.other["raised"] != run.ended


def _end_as_answer(program: Program, calls: list[Record], other: Run) -> None:
    """Where the call before it had the same answers, or what the side itself lacks ended the program, the exception is
    what it has instead of C's next call. It never made that one: its counterpart has no place (`at`) in its trace."""
    pairs = program[0]
    alike = not pairs or pairs[-1].equal() or _ended_beside(pairs[-1], other)
    if len(pairs) < len(calls) and alike:
        mine = calls[len(pairs)]
        asked = {key: mine[key] for key in ("call", "args")}
        theirs = {**asked, "result": None, "errno": None, "raised": other.ended, "emulated": False, "at": None}
        pairs.append(Pair(mine, theirs, pairs, len(pairs), program))


def _ended_by(program: Program, c: Run, other: Run) -> bool:
    """Whether a run's end follows from the last call of the program's own thread: one that differs may end in an
    exception, but not in another that the side itself raised; and only a call that never returned explains a program
    that was stopped."""
    if not program or not program[0]:
        return False
    last, ended = program[0][-1], other.ended or ""
    if last.equal():  # the same exception on both sides, in other words
        return None not in (c.ended, other.ended, last.c["raised"]) and kind(c.ended) == kind(ended)
    if _ended_beside(last, other):
        return program.parted < math.inf
    unfinished = last.other["result"] is None and last.other["raised"] is None
    return unfinished or not ended.startswith(STOPPED)


def _compare_calls(
    comparison: Comparison,
    side: str,
    pairs: list[Pair],
    left: tuple[list[Record], list[Record]],
    parted: float,
    differences: Sequence[Any],
) -> None:
    """One thread's calls: pairs, and what is left on both sides after them. After a call that differs the programs may
    part ways, and once their descriptors have parted what differs, and nothing explains, is a consequence and has no
    counterpart to be compared with."""
    for pair in pairs:
        judged = _judged(side, pair, differences)
        if judged and judged.verdict not in ACCEPTABLE[side] and parted < pair.c["at"]:
            comparison.uncompared += len(pairs) - pair.index + len(left[0])
            return
        comparison.pairs.append(pair)
        if judged:
            comparison.note(judged.verdict)
            comparison.judged.append(judged)
    if not any(left):
        return
    comparison.uncompared += len(left[0])
    if parted == math.inf and (not pairs or pairs[-1].equal()):
        called = [f"called {some[0]['call']}" if some else "made no more calls" for some in left]
        comparison.unexplained(f"C {called[0]} where {side} {called[1]}")


def _judged(side: str, pair: Pair, differences: Sequence[Any]) -> Judged | None:
    """The verdict of a pair, or None if there is nothing to say of it."""
    if pair.equal() and not pair.unsaid():
        return Judged(pair, "emulated") if pair.other["emulated"] else None
    if kind(pair.c["raised"]) in UNSAID:  # on the fallback, where it stands in for C
        return Judged(pair, "inexpressible")
    found = next((entry for entry in differences if entry.recognises(pair)), None)
    if side == "python":
        unnoticed = found is not None and found.no_fallback
        verdict = "inexpressible" if pair.unsaid() or unnoticed else "unexplained"
    elif found is None:
        verdict = "unexplained"
    else:
        verdict = "inexpressible" if pair.unsaid() else "refused" if pair.other["raised"] else "differs"
    return Judged(pair, verdict, found.id if found else None)

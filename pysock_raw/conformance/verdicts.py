"""From two traces to verdicts: each call of one side beside its counterpart on the reference side."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pysock_raw.conformance.naming import named
from pysock_raw.conformance.past import Past
from pysock_raw.conformance.runner import STOPPED, Run
from pysock_raw.trace import Record
from pysock_raw.trace_values import PARAMETERS

VERDICTS = ("same", "emulated", "inexpressible", "differs", "refused", "unexplained")
"""From best to worst: the verdict of a case is the worst of its calls'."""

UNSAID = {"Inexpressible", "Lacking"}
"""What is raised where a side has no words for a call, or no name for a number of it."""

PLACES = {call: {name: place for place, name in enumerate(names)} for call, names in PARAMETERS.items()}
"""Where the arguments of each call stand: predicates that look back ask for them very often."""

ACCEPTABLE = {"c": VERDICTS[:1], "python": VERDICTS[:3], "stdlib": VERDICTS[:5]}

TRANSFERS = ("read", "write", "send", "recv", "sendto", "recvfrom", "sendmsg", "recvmsg")
SENDS = ("connect", "write", "send", "sendto", "sendmsg", "sendmmsg")
"""Calls that need a port."""


@dataclass(frozen=True, eq=False, repr=False)
class Pair:
    """A call on the reference side (C) and its counterpart. Numbers that may differ have names (naming.py)."""

    c: Record
    other: Record
    pairs: Sequence[Pair] = ()
    """All pairs of its thread, of which this one is at `index`."""
    index: int = 0
    program: Program | None = None
    """The pairs of each thread and process of the program, if these are not all."""

    @property
    def past(self) -> Past:
        """What the program did before, in all threads and processes."""
        return Past(self.pairs[: self.index]) if self.program is None else self.program.past

    @property
    def call(self) -> str:
        return str(self.c["call"])

    def argument(self, name: str) -> Any:
        """The argument of this name as C had it, or None where the call has or was given none."""
        place, args = PLACES[self.c["call"]].get(name), self.c["args"]
        return args[place] if place is not None and place < len(args) else None

    def equal(self) -> bool:
        same = all(self.c[key] == self.other[key] for key in ("call", "args", "result", "errno"))
        return same and _kind(self.c["raised"]) == _kind(self.other["raised"])

    def unsaid(self) -> bool:
        """Whether one of the sides has no words for the call, so that there is nothing to compare."""
        return not UNSAID.isdisjoint({_kind(self.c["raised"]), _kind(self.other["raised"])})

    def parted(self) -> bool:
        """Whether the call succeeded, goes on by itself, or moved its bytes on one side alone, so that the
        descriptors are in another state since."""
        if self._bound_by_one():
            return True
        under_way = {record["errno"] == "EINPROGRESS" for record in (self.c, self.other) if not record["raised"]}
        bytes_moved = {record["result"] for record in (self.c, self.other)} if self.call in TRANSFERS else set()
        return succeeded(self.c) != succeeded(self.other) or 2 in (len(under_way), len(bytes_moved))

    def _bound_by_one(self) -> bool:
        """Whether C's call failed on a socket without a port, which the kernel gave it first (inet_autobind), and the
        other side never made it."""
        if self.call not in SENDS or self.other["raised"] is None or succeeded(self.c):
            return False
        file = self.past.file(self.argument("fd"))
        maker = self.past.makers.get(file)
        if maker is None or maker.argument("domain") not in ("AF_INET", "AF_INET6"):
            return False
        return not any(succeeded(old.c) for call in ("bind", "connect") for old in self.past.before(self, call, file))


class Program(list[list[Pair]]):
    """The pairs of each thread and process of a program."""

    @functools.cached_property
    def past(self) -> Past:
        return Past(itertools.chain.from_iterable(self))

    @functools.cached_property
    def parted(self) -> float:
        """When a call first left the descriptors of the two sides in different states."""
        pairs = itertools.chain.from_iterable(self)
        return min((pair.c["at"] for pair in pairs if pair.parted()), default=math.inf)


def succeeded(record: Record) -> bool:
    """A result that is no failure: a name of a descriptor, or a number from 0."""
    result = record["result"]
    return isinstance(result, str) or (result is not None and result >= 0)


def _kind(raised: str | None) -> str | None:
    """The class of an exception: its words may differ."""
    return raised and raised.partition(":")[0]


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
    if _kind(c.ended) in UNSAID:
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
        return None not in (c.ended, other.ended, last.c["raised"]) and _kind(c.ended) == _kind(ended)
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
    if _kind(pair.c["raised"]) in UNSAID:  # on the fallback, where it stands in for C
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

"""From two traces to verdicts: each call of one side beside its counterpart on the reference side."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pysock_raw.conformance.naming import named
from pysock_raw.conformance.runner import STOPPED, Run
from pysock_raw.trace import Record
from pysock_raw.trace_values import PARAMETERS

VERDICTS = ("same", "emulated", "inexpressible", "differs", "refused", "unexplained")
"""From best to worst: the verdict of a case is the worst of its calls'."""

ACCEPTABLE = {"python": VERDICTS[:3], "stdlib": VERDICTS[:5]}

TRANSFERS = ("read", "write", "send", "recv", "sendto", "recvfrom")


@dataclass(frozen=True, eq=False, repr=False)
class Pair:
    """A call on the reference side (C) and its counterpart. Numbers that may differ have names (naming.py)."""

    c: Record
    other: Record
    pairs: Sequence[Pair] = ()
    """All pairs of the trace, of which this one is at `index`."""
    index: int = 0

    @property
    def before(self) -> Sequence[Pair]:
        """The pairs before this one."""
        return self.pairs[: self.index]

    @property
    def call(self) -> str:
        return str(self.c["call"])

    def argument(self, name: str) -> Any:
        """The argument of this name as C had it, or None where the call has or was given none."""
        return dict(zip(PARAMETERS[self.call], self.c["args"], strict=False)).get(name)

    def equal(self) -> bool:
        same = all(self.c[key] == self.other[key] for key in ("call", "args", "result", "errno"))
        return same and _kind(self.c["raised"]) == _kind(self.other["raised"])

    def unsaid(self) -> bool:
        """Whether one of the sides has no words for the call, so that there is nothing to compare."""
        return "Inexpressible" in (_kind(self.c["raised"]), _kind(self.other["raised"]))

    def parted(self) -> bool:
        """Whether the call succeeded, goes on by itself, or moved its bytes on one side alone, so that the
        descriptors are in another state since."""
        under_way = {record["errno"] == "EINPROGRESS" for record in (self.c, self.other) if not record["raised"]}
        bytes_moved = {record["result"] for record in (self.c, self.other)} if self.call in TRANSFERS else set()
        return succeeded(self.c) != succeeded(self.other) or 2 in (len(under_way), len(bytes_moved))


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
    judged: list[Judged] = field(default_factory=list)
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
    actors_c, actors_other = named(c.trace), named(other.trace)
    last = None
    for actor in sorted(actors_c.keys() | actors_other.keys(), reverse=True):  # the program's own last
        last = _compare_calls(comparison, side, actors_c.get(actor, []), actors_other.get(actor, []), differences)
    if c.ended != other.ended and not _ended_by(last, c.ended, other.ended):
        comparison.unexplained(f"{side} ended with {other.ended or 'no error'}, C with {c.ended or 'no error'}")
    if c.observed != other.observed and comparison.verdict in ("same", "emulated"):
        comparison.unexplained(f"{side} observed {other.observed!r}, C {c.observed!r}")
    if other.leaked and not c.leaked:
        comparison.unexplained(f"{side} leaked or lost the descriptors {other.leaked}")
    return comparison


def _ended_by(last: Pair | None, c_ended: str | None, ended: str | None) -> bool:
    """Whether a run's end follows from its last call: one that differs may end in an exception, but only a call
    that never returned explains a program that was stopped."""
    if last is None:
        return False
    if last.equal():  # the same exception on both sides, in other words
        return None not in (c_ended, ended, last.c["raised"]) and _kind(c_ended) == _kind(ended)
    unfinished = last.other["result"] is None and last.other["raised"] is None
    return unfinished or not (ended or "").startswith(STOPPED)


def _compare_calls(
    comparison: Comparison, side: str, c: list[Record], other: list[Record], differences: Sequence[Any]
) -> Pair | None:
    """One actor's calls; the last pair that was compared. After a call that differs the programs may part ways, and
    after one that succeeded on one side alone its descriptors are in another state: what then differs, and nothing
    explains, is a consequence and has no counterpart to be compared with."""
    pairs: list[Pair] = []
    parted = False
    for mine, theirs in itertools.zip_longest(c, other):
        if mine is None or theirs is None or mine["call"] != theirs["call"]:
            comparison.uncompared += len(c) - len(pairs)
            if not pairs or (pairs[-1].equal() and not parted):
                called = [f"called {call['call']}" if call else "made no more calls" for call in (mine, theirs)]
                comparison.unexplained(f"C {called[0]} where {side} {called[1]}")
            break
        pairs.append(Pair(mine, theirs, pairs, len(pairs)))
        judged = _judged(side, pairs[-1], differences)
        if parted and judged and judged.verdict not in ACCEPTABLE[side]:
            comparison.uncompared += len(c) - len(pairs) + 1
            break
        if judged:
            comparison.note(judged.verdict)
            comparison.judged.append(judged)
        parted = parted or pairs[-1].parted()
    return pairs[-1] if pairs else None


def _judged(side: str, pair: Pair, differences: Sequence[Any]) -> Judged | None:
    """The verdict of a pair, or None if there is nothing to say of it."""
    if pair.equal() and not pair.unsaid():
        return Judged(pair, "emulated") if pair.other["emulated"] else None
    found = next((difference for difference in differences if difference.recognises(pair)), None)
    if side == "python":
        unnoticed = found is not None and found.no_fallback
        verdict = "inexpressible" if pair.unsaid() or unnoticed else "unexplained"
    elif found is None:
        verdict = "unexplained"
    else:
        verdict = "inexpressible" if pair.unsaid() else "refused" if pair.other["raised"] else "differs"
    return Judged(pair, verdict, found.id if found else None)

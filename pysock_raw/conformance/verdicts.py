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

UNSAID = {"Inexpressible", "Lacking"}
"""What is raised where a side has no words for a call, or no name for a number of it."""

ACCEPTABLE = {"python": VERDICTS[:3], "stdlib": VERDICTS[:5]}


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
        return not UNSAID.isdisjoint({_kind(self.c["raised"]), _kind(self.other["raised"])})


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
    lacking = _kind(other.ended) == "Lacking"
    if lacking:  # a name: what the program would have called next is what this side cannot say
        made = actors_other.setdefault(0, [])
        made += [
            {**call, "result": None, "errno": None, "raised": other.ended} for call in actors_c[0][len(made) :][:1]
        ]
        comparison.note("inexpressible")
    last = None
    for actor in sorted(actors_c.keys() | actors_other.keys(), reverse=True):  # the program's own last
        mine, theirs = actors_c.get(actor, []), actors_other.get(actor, [])
        if actor and not theirs and _kind(other.ended) in UNSAID:
            comparison.uncompared += len(mine)  # the program ended before it had this helper
            continue
        last = _compare_calls(comparison, side, mine, theirs, differences)
    if c.ended != other.ended and not lacking and not _ended_by(last, c.ended, other.ended):
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
    """One actor's calls; the last pair that was compared. Right after a call that differs the programs may part
    ways: what follows is then a consequence, and has no counterpart to be compared with."""
    pairs: list[Pair] = []
    for mine, theirs in itertools.zip_longest(c, other):
        if mine is None or theirs is None or mine["call"] != theirs["call"]:
            comparison.uncompared += len(c) - len(pairs)
            if not pairs or pairs[-1].equal():
                called = [f"called {call['call']}" if call else "made no more calls" for call in (mine, theirs)]
                comparison.unexplained(f"C {called[0]} where {side} {called[1]}")
            break
        pairs.append(Pair(mine, theirs, pairs, len(pairs)))
        _judge(comparison, side, pairs[-1], differences)
    return pairs[-1] if pairs else None


def _judge(comparison: Comparison, side: str, pair: Pair, differences: Sequence[Any]) -> None:
    if pair.equal() and not pair.unsaid():
        if pair.other["emulated"]:
            comparison.note("emulated")
            comparison.judged.append(Judged(pair, "emulated"))
        return
    judged = _explained(side, pair, differences)
    comparison.note(judged.verdict)
    comparison.judged.append(judged)


def _explained(side: str, pair: Pair, differences: Sequence[Any]) -> Judged:
    if pair.unsaid():
        return Judged(pair, "inexpressible")
    raised = pair.other["raised"]
    for difference in differences:
        if difference.recognises(pair):
            if side == "python":
                verdict = "inexpressible" if difference.no_fallback else "unexplained"
            else:
                verdict = "refused" if raised else "differs"
            return Judged(pair, verdict, difference.id)
    return Judged(pair, "unexplained")

"""A call on the reference side beside its counterpart on another, and what the program did before. That is found
without reading all of it again: a predicate may ask for it at every call of a long program."""

from __future__ import annotations

import functools
import itertools
import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pysock_raw.trace import Record
from pysock_raw.trace_arguments import PARAMETERS

UNSAID = {"Inexpressible", "Lacking"}
"""What is raised where a side has no words for a call, or no name for a number of it."""

PLACES = {call: {name: place for place, name in enumerate(names)} for call, names in PARAMETERS.items()}
"""Where the arguments of each call stand: predicates that look back ask for them very often."""

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
        return same and kind(self.c["raised"]) == kind(self.other["raised"])

    def unsaid(self) -> bool:
        """Whether one of the sides has no words for the call, so that there is nothing to compare."""
        return not UNSAID.isdisjoint({kind(self.c["raised"]), kind(self.other["raised"])})

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


def kind(raised: str | None) -> str | None:
    """The class of an exception: its words may differ."""
    return raised and raised.partition(":")[0]


ANY = object()
"""In place of a file: of all of them."""


class Past:
    """The pairs of a program in the order of C's calls, by what was called and on which open file description. The
    name of a descriptor stands for one description all the time (naming.py)."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._files: dict[object, object] = {}
        self._calls: dict[tuple[str, object], list[Pair]] = {}
        self.makers: dict[object, Pair] = {}
        """For the name of a descriptor the call that handed it out."""
        for pair in sorted(pairs, key=place):
            self._add(pair)

    def _add(self, pair: Pair) -> None:
        for word in _words(pair):
            for file in (self.file(pair.argument("fd")), ANY):
                self._calls.setdefault((word, file), []).append(pair)
        ends = pair.argument("sv")
        for name in (pair.c["result"], *(ends if isinstance(ends, list) else ())):
            if isinstance(name, str):
                self.makers.setdefault(name, pair)
                if str(pair.argument("cmd")).startswith("F_DUPFD"):
                    self._files[name] = self.file(pair.argument("fd"))

    def file(self, fd: object) -> object:
        """A descriptor's open file description, by the name of its first descriptor."""
        return self._files.get(fd, fd) if isinstance(fd, (str, int)) else None

    def before(self, pair: Pair, word: str, file: object = ANY) -> Iterator[Pair]:
        """The calls on a file before this one, the last one first. `word`: a call, a command of fcntl, an option that
        was set, or FOR_NOTHING."""
        calls = self._calls.get((word, file), []) if file is not None else []
        return map(calls.__getitem__, reversed(range(bisect_left(calls, place(pair), key=place))))


def place(pair: Pair) -> int:
    """Where a call is among C's."""
    at: int = pair.c["at"]
    return at


FOR_NOTHING = "recv of 0 bytes"
"""The word for such a call."""


def _words(pair: Pair) -> list[str]:
    detail = {"fcntl": "cmd", "setsockopt": "optname"}.get(pair.call)
    nothing = pair.call == "recv" and pair.argument("len") == 0
    return [pair.call, *([str(pair.argument(detail))] if detail else []), *([FOR_NOTHING] if nothing else [])]

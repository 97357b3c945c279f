"""What a catalogued difference is: one way in which the stdlib's socket does something else than the C call
beneath it.

A predicate is exact: it recognises the pair of calls that its difference makes, with the arguments that cause it
and the answers that show it, and nothing else. No predicate recognises a pair of equal calls.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass

from pysock_raw.conformance.pairs import Pair
from pysock_raw.structures import PYPY

OLDEST = "3.10"
"""The first CPython that this package runs on."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    id: str
    """The call, and what differs in it: listen-negative-backlog."""
    title: str
    c: str
    """What C does."""
    python: str
    """What Python does."""
    why: str
    """Where in CPython, or by which PEP."""
    recipe: str = ""
    """How to get C's behaviour in plain Python: what to write in place of the call (recipes.py runs it)."""
    no_recipe: str = ""
    """Why there is none."""
    evidence: str
    """The case that shows it."""
    predicate: Callable[[Pair], bool]
    since: str = OLDEST
    """The first CPython that it holds on; nothing older than 3.10 was tried."""
    until: str = ""
    """The last CPython that it holds on, where a newer one has mended it."""
    cpython: bool = True
    """Whether it holds on CPython."""
    pypy: bool = True
    """Whether it holds on PyPy."""
    no_fallback: bool = False
    """Whether it happens inside Python's own retrying or closing, or outside of all calls, so that no fallback can
    even notice."""

    demonstrated: bool = True
    """Whether the evidence shows it. It does not where it would show memory that the kernel never wrote: then it is a
    case that is the same in C and in a way of Python's that is safe, and no predicate has anything to recognise."""

    def __post_init__(self) -> None:
        if bool(self.recipe) == bool(self.no_recipe):
            raise ValueError(f"{self.id} has to say how to get C's behaviour, or why that cannot be")

    @property
    def call(self) -> str:
        """The call that it is about."""
        return self.id.partition("-")[0]

    @property
    def instead(self) -> str:
        """The recipe, or why there is none."""
        return self.recipe or f"none: {self.no_recipe}"

    @functools.cached_property
    def holds(self) -> bool:
        """Whether it holds on the Python that runs this."""
        if PYPY:
            return self.pypy
        first, last = (tuple(map(int, version.split("."))) for version in (self.since, self.until or "99.0"))
        return self.cpython and first <= sys.version_info[:2] <= last

    def recognises(self, pair: Pair) -> bool:
        return self.holds and self.predicate(pair) and not pair.equal()


def raised(pair: Pair, *starts: str) -> bool:
    """Python raised one of these before it asked the kernel, and C made the call."""
    raised = pair.other["raised"]
    return raised is not None and pair.c["raised"] is None and raised.startswith(starts)


def unfinished(pair: Pair) -> bool:
    """Python's call never returned, and C's did."""
    return pair.other["result"] is None and pair.other["raised"] is None and pair.c["result"] is not None

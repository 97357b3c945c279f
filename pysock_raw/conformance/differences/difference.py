"""What a catalogued difference is: one way in which the stdlib's socket does something else than the C call
beneath it.

A predicate is exact: it recognises the pair of calls that its difference makes, with the arguments that cause it
and the answers that show it, and nothing else. No predicate recognises a pair of equal calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pysock_raw.conformance.verdicts import Pair


@dataclass(frozen=True)
class Difference:
    id: str
    title: str
    c: str
    """What C does."""
    python: str
    """What Python does."""
    why: str
    """Where in CPython, or by which PEP."""
    instead: str
    """How to get C's behaviour in plain Python."""
    evidence: str
    """The case that shows it."""
    predicate: Callable[[Pair], bool]
    no_fallback: bool = False
    """Whether it happens inside Python's own retrying or closing, so that no fallback can even notice."""

    def recognises(self, pair: Pair) -> bool:
        return not pair.equal() and self.predicate(pair)


def raised(pair: Pair, *starts: str) -> bool:
    """Python raised one of these before it asked the kernel, and C made the call."""
    raised = pair.other["raised"]
    return raised is not None and pair.c["raised"] is None and raised.startswith(starts)


def succeeded(record: dict[str, Any]) -> bool:
    """A result that is no failure: a name of a descriptor, or a number from 0."""
    return isinstance(record["result"], str) or (record["result"] is not None and record["result"] >= 0)

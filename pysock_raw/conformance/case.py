"""A case: a small program over `api` about one call, with the outcomes that its sources allow.

    @case("bind/tcp/in-use", "a port that somebody listens on is taken", error("EADDRINUSE", "POSIX.1 bind"))
    def _(c: Backend, box: Box) -> None:
        _, address = listener(c, TCP)
        c.bind(TCP.socket(c), *address)

The part of the id before the first slash is the call that the case is about; the last such call that the program
makes is its outcome. What a program returns is part of its outcome too, as `observed`: a literal that says
what errno cannot.
"""

from __future__ import annotations

import fnmatch
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pysock_raw.backends.contract import CALLS, Backend
from pysock_raw.conformance.box import Box

Program = Callable[[Backend, Box], Any]


@dataclass(frozen=True)
class Outcome:
    """What one call may answer, and who says so. result is a literal, or "fd" for any descriptor."""

    result: int | str
    errno: str | None
    observed: Any
    source: str

    def matches(self, outcome: dict[str, Any]) -> bool:
        result = outcome["result"]
        fits = isinstance(result, int) and result >= 0 if self.result == "fd" else result == self.result
        return fits and outcome["errno"] == self.errno and outcome["observed"] == self.observed

    def to_json(self) -> dict[str, Any]:
        observed = {} if self.observed is None else {"observed": self.observed}
        return {"result": self.result, "errno": self.errno, **observed, "source": self.source}


def error(errno: str, source: str, observed: Any = None) -> Outcome:
    return Outcome(-1, errno, observed, source)


def success(source: str, observed: Any = None, result: int | str = 0) -> Outcome:
    return Outcome(result, None, observed, source)


def descriptor(source: str, observed: Any = None) -> Outcome:
    return Outcome("fd", None, observed, source)


@dataclass(frozen=True)
class Case:
    id: str
    shows: str
    allowed: tuple[Outcome, ...]
    program: Program
    needs: tuple[str, ...] = ()
    statement: str | None = None
    """The sentence of the documents that the case checks."""
    slow: bool = False
    """Whether it waits for a timer of the kernel that cannot be made shorter."""

    @property
    def call(self) -> str | None:
        return self.id.partition("/")[0]


_cases: dict[str, Case] = {}


def case(
    id: str,
    shows: str,
    *allowed: Outcome,
    needs: Iterable[str] = (),
    statement: str | None = None,
    slow: bool = False,
) -> Callable[[Program], Program]:
    """Put a program into the catalogue."""

    def register(program: Program) -> Program:
        if id in _cases:
            raise ValueError(f"there are two cases with the id {id}")
        _cases[id] = Case(id, shows, allowed, program, tuple(needs), statement, slow)
        return program

    return register


def catalogue() -> list[Case]:
    """All cases: by call in the contract's order, and for each in the order of the modules that define them."""
    from pysock_raw.conformance import cases

    for module in sorted(found.name for found in pkgutil.iter_modules(cases.__path__)):
        importlib.import_module(f"{cases.__name__}.{module}")
    return sorted(_cases.values(), key=lambda case: CALLS.index(case.id.partition("/")[0]))


def chosen(patterns: Iterable[str], call: str | None) -> list[Case]:
    """The cases whose ids match one of the patterns (ids, globs or a call; none: all) and that are about `call`.
    LookupError names a pattern that matches nothing."""
    everything = [case for case in catalogue() if call in (None, case.call)]
    if call is not None and not everything:
        raise LookupError(f"no case is about a call named {call!r} (pysock-raw compare --list names them)")
    wanted = [f"{pattern}/*" if pattern in CALLS else pattern for pattern in patterns] or ["*"]
    for pattern in wanted:
        if not any(fnmatch.fnmatchcase(case.id, pattern) for case in everything):
            raise LookupError(f"no case is named {pattern!r} (pysock-raw compare --list names them)")
    return [case for case in everything if any(fnmatch.fnmatchcase(case.id, pattern) for pattern in wanted)]

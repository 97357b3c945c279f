"""A catalogued difference for a person at a terminal: the list by call, and one entry with its evidence, each call
beside its counterparts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from pysock_raw.conformance.compare import Result
from pysock_raw.conformance.differences import Difference
from pysock_raw.conformance.naming import named
from pysock_raw.trace_text import lines, printable

OF_ALL = "all"  # how a call is headed that is the same on all sides


def listed(differences: Iterable[Difference]) -> Iterator[str]:
    """Ids and titles by call."""
    for call, entries in itertools.groupby(differences, lambda entry: entry.call):
        yield f"\n{call}"
        for entry in entries:
            yield f"  {entry.id:<40} {entry.title}"


def entry(difference: Difference) -> Iterator[str]:
    yield f"{difference.id}   {difference.title}\n"
    cpython = f"CPython {difference.since} and later"
    holds = f"{cpython}{'' if difference.pypy else '; not on PyPy'}" if difference.cpython else "PyPy alone"
    rows = {
        "C": difference.c,
        "Python": difference.python,
        "why": difference.why,
        "holds on": holds,
        "C in Python": difference.instead,
    }
    for name, text in rows.items():
        first, *rest = text.splitlines()
        yield f"  {name:<12} {first}"
        yield from (f"  {'':<12} {more}" for more in rest)


def evidence(result: Result) -> Iterator[str]:
    """The calls of the first process's main thread, those of all sides together where they are the same."""
    yield f"\nevidence     {result.case.id}: {result.case.shows}\n"
    sides = list(result.runs)
    traces = [next(iter(named(run.trace, run.forks).values()), []) for run in result.runs.values()]
    for texts in itertools.zip_longest(*map(lines, traces), fillvalue="no such call"):
        if len(set(texts)) == 1:
            yield f"  {OF_ALL:<8} {texts[0]}"
        else:
            yield from _apart(sides, texts)
    for side, run in result.runs.items():
        if run.observed is not None:
            yield f"  {side:<8} observed {printable(str(run.observed))}"


def _apart(sides: Sequence[str], texts: Sequence[str]) -> Iterator[str]:
    """Sides that differ below each other, marked."""
    for number, (side, text) in enumerate(zip(sides, texts, strict=True)):
        yield f"{'>' if number == 0 else ' '} {side:<8} {text}"

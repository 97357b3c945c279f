"""A catalogued difference for a person at a terminal: the list by call, and one entry with its evidence, each call
beside its counterparts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from pysock_raw.conformance.compare import Result
from pysock_raw.conformance.differences import Difference
from pysock_raw.conformance.naming import named
from pysock_raw.conformance.runner import Run
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
    cpython = f"CPython {difference.since} {f'to {difference.until}' if difference.until else 'and later'}"
    holds = f"{cpython}{'' if difference.pypy else '; not on PyPy'}" if difference.cpython else "PyPy alone"
    here = "" if difference.holds else "; not here, so that the sides do the same below"
    rows = {
        "C": difference.c,
        "Python": difference.python,
        "why": difference.why,
        "holds on": f"{holds}{here}",
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
    for texts in itertools.zip_longest(*map(_lines, result.runs.values()), fillvalue="no such call"):
        if len(set(texts)) == 1:
            yield f"  {OF_ALL:<8} {texts[0]}"
        else:
            yield from _apart(sides, texts)
    for side, run in result.runs.items():
        if run.observed is not None:
            yield f"  {side:<8} observed {printable(str(run.observed))}"


def _lines(run: Run) -> list[str]:
    """The calls, and the exception that ended the program where another call would have been."""
    calls = next(iter(named(run.trace, run.forks).values()), [])
    told = run.ended is None or bool(calls and calls[-1]["raised"])
    return [*lines(calls), *([] if told else [f"ended with {printable(str(run.ended))}"])]


def _apart(sides: Sequence[str], texts: Sequence[str]) -> Iterator[str]:
    """Sides that differ below each other, marked."""
    for number, (side, text) in enumerate(zip(sides, texts, strict=True)):
        yield f"{'>' if number == 0 else ' '} {side:<8} {text}"

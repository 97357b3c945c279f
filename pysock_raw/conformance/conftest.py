"""The catalogue as tests, for whoever installed the package: pytest --pyargs pysock_raw.conformance

A test for each case and side, such as bind/tcp/in-use[stdlib]: [c] holds the kernel to what the case allows, the others
hold Python to what the catalogue of differences explains. The selected cases run as `pysock-raw compare` runs them, all
before the first test, which then only tells what came of it.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from pysock_raw.backends import SIDES, NotBuilt, load
from pysock_raw.conformance import cases
from pysock_raw.conformance.case import Case, catalogue
from pysock_raw.conformance.compare import Result, compare_cases
from pysock_raw.conformance.naming import named
from pysock_raw.conformance.pairs import Pair
from pysock_raw.conformance.verdicts import ACCEPTABLE
from pysock_raw.trace import Record
from pysock_raw.trace_text import line

RESULTS = pytest.StashKey[dict[str, Result]]()
MODULES = Path(cases.__file__).parent
WIDEST = 200  # columns of a failure's text


class Surprise(Exception):
    """The text says what the catalogue neither allows nor explains."""


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The modules of cases, which are no modules of tests to pytest."""
    if file_path.parent != MODULES or file_path.suffix != ".py":
        return None
    return Cases.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Run the cases of the tests that were selected."""
    chosen = {item.case.id: item.case for item in session.items if isinstance(item, CaseOnSide)}
    if not chosen or session.config.option.collectonly:
        return
    report = compare_cases([*chosen.values()], sides())
    session.stash[RESULTS] = {result.case.id: result for result in report.results}


def sides() -> list[str]:
    """All sides, or without the C one where it is not built. One that is stale is an error: no evidence."""
    try:
        load("c")
    except NotBuilt:
        return list(SIDES[1:])
    except ImportError as error:
        raise pytest.UsageError(f"the C backend is there and cannot be used: {error}") from error
    return list(SIDES)


class Cases(pytest.File):
    """The cases of one module."""

    def collect(self) -> Iterator[pytest.Item]:
        for case in catalogue():
            if case.program.__module__ == f"{cases.__name__}.{self.path.stem}":
                for side in sides():
                    yield CaseOnSide.from_parent(self, name=f"{case.id}[{side}]", case=case, side=side)


class CaseOnSide(pytest.Item):
    def __init__(self, *, case: Case, side: str, **options: Any) -> None:
        super().__init__(**options)
        self.case, self.side = case, side

    def runtest(self) -> None:
        result = self.session.stash[RESULTS][self.case.id]
        if result.skipped:
            pytest.skip(result.skipped)
        if self.side == result.reference and result.nonconforming:
            raise Surprise(_nonconforming(result))
        if self.side != result.reference and result.comparisons[self.side].verdict not in ACCEPTABLE[self.side]:
            raise Surprise(_unexplained(result, self.side))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, Surprise) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.program.__code__.co_firstlineno - 1, self.name


def _nonconforming(result: Result) -> str:
    allowed = [f"  allowed  {outcome.to_json()}" for outcome in result.case.allowed]
    trace = [f"  {line(record)}" for record in result.runs[result.reference].trace]
    head = f"{result.case.shows}\n{result.nonconforming}: {result.outcome(result.reference)}"
    return "\n".join([head, *allowed, "", *trace])


def _unexplained(result: Result, side: str) -> str:
    found = result.comparisons[side]
    heading = [result.case.shows, f"{found.verdict}, and nothing explains it", *found.remarks, ""]
    return "\n".join([*heading, *_side_by_side(result.reference, result, side)])


def _side_by_side(reference: str, result: Result, side: str) -> Iterator[str]:
    """The two traces, call by call. Numbers that may differ have names, and > marks the calls that are not the same."""
    width = (min(shutil.get_terminal_size().columns, WIDEST) - 5) // 2
    yield f"  {reference:<{width}} | {side}"
    mine, theirs = named(result.runs[reference].trace), named(result.runs[side].trace)
    for actor in sorted(mine.keys() | theirs.keys()):
        for c, other in zip_longest(mine.get(actor, []), theirs.get(actor, [])):
            mark = " " if c and other and Pair(c, other).equal() else ">"
            for left, right in zip_longest(_wrapped(c, width), _wrapped(other, width), fillvalue=""):
                yield f"{mark} {left:<{width}} | {right}"


def _wrapped(record: Record | None, width: int) -> list[str]:
    return textwrap.wrap(line(record), width, subsequent_indent="    ") if record else []

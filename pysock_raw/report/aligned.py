"""The traces of a case's sides beside each other, call by call. Where sides agree they share a cell; where one
differs, it has its own, with the arguments or the result that differ marked."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pysock_raw.report.view import Case, answers, counted, named, said
from pysock_raw.trace_text import argument, ending

Call = dict[str, Any]
Part = tuple[str, bool]
"""A piece of text, and whether it is marked."""

LONG = 60  # rows; of more only some of each kind are shown
OF_A_KIND = 8


@dataclass(frozen=True)
class Cell:
    """What one side did, or several that did the same. No parts: nothing that stands in this row."""

    span: int
    parts: tuple[Part, ...] = ()
    verdict: str | None = None
    difference: str | None = None


@dataclass(frozen=True)
class Row:
    call: str
    where: str
    """The line of the program."""
    cells: tuple[Cell, ...]
    syscalls: tuple[tuple[str, ...], ...] = ()
    """Of each side, where they were recorded."""
    times: int = 1
    """How often in succession."""

    @property
    def kind(self) -> str:
        """What makes it like others: the differences that it shows, or that all sides do the same."""
        return ", ".join(cell.difference or cell.verdict for cell in self.cells if cell.verdict) or "equal"


@dataclass(frozen=True)
class Fold:
    """Rows that are not shown, by kind; all of them are in the JSON."""

    kinds: dict[str, int]

    def __str__(self) -> str:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.kinds.items())
        return f"and {counted(sum(self.kinds.values()), 'more call')}: {kinds} (all are in the JSON)"


def rows(case: Case) -> list[Row | Fold]:
    found = [dataclasses.replace(row, times=len(list(alike))) for row, alike in itertools.groupby(_rows(case))]
    return [*found] if len(found) <= LONG else [*_folded(found)]


def _rows(case: Case) -> Iterator[Row]:
    reference, *others = case["sides"]
    c = case["sides"][reference]["trace"]
    beside = [{answer["beside"]: answer for answer in answers(case, side)} for side in others]
    for at, call in enumerate(c):
        others_here = [calls.get(at) for calls in beside]
        yield Row(call["call"], call["where"], _merged(call, others_here), _syscalls([call, *others_here]))
    alone = [[call for call in case["sides"][side]["trace"] if call["beside"] is None] for side in others]
    for calls in itertools.zip_longest(*alone):
        first = next(call for call in calls if call)
        each = [Cell(1, _parts(call, None)) if call else Cell(1) for call in calls]
        yield Row(first["call"], first["where"], (Cell(1), *each), _syscalls([None, *calls]))


def _syscalls(calls: Iterable[Call | None]) -> tuple[tuple[str, ...], ...]:
    found = tuple(tuple(call.get("syscalls", ())) if call else () for call in calls)
    return found if any(found) else ()


def _merged(c: Call, others: Iterable[Call | None]) -> tuple[Cell, ...]:
    """The cells of one row: the first side's goes over those that follow it and are the same."""
    parts, span, cells = _parts(c, None), 1, list[Cell]()
    for call in others:
        if call is None:
            cells.append(Cell(1))
        elif call["verdict"] == "same" and not cells and _parts(call, None) == parts:
            span += 1
        else:
            same = call["verdict"] in ("same", "emulated")
            verdict = None if call["verdict"] == "same" else call["verdict"]
            cells.append(Cell(1, _parts(call, None if same else c), verdict, call["difference"]))
    return (Cell(span, parts), *cells)


def _parts(call: Call, c: Call | None) -> tuple[Part, ...]:
    """A call's line in pieces, with those marked that differ from their counterpart's in c."""
    if "call" not in call:  # its side ended instead
        return ((said(call), True),)
    texts, ends = _texts(call)
    if c is None:
        return ((f"{call['call']}({', '.join(texts)}) = {ends}", False),)
    texts_c, ends_c = _texts(c)
    pieces: list[Part] = [(f"{call['call']}(", False)]
    for number, (text, other) in enumerate(itertools.zip_longest(texts, texts_c)):
        pieces += [(", ", False)] * bool(number and text is not None)
        pieces += [(text, text != other)] * (text is not None)
    return (*pieces, (") = ", False), (ends, ends != ends_c))


def _texts(call: Call) -> tuple[list[str], str]:
    return [argument(value) for value in named(call)["args"]], ending(named(call))


def ends(case: Case) -> Iterator[Row]:
    """Beside the calls: what the program observed, how it ended, and the descriptors that it left."""
    runs = case["sides"].values()
    for name, values in (
        ("observed", [run["outcome"]["observed"] for run in runs]),
        ("ended with", [run["ended"] for run in runs]),
        ("leaked", [run["leaked"] or None for run in runs]),
    ):
        if set(map(str, values)) != {"None"}:
            yield Row(name, "", _ends([str(value) for value in values]))


def _ends(texts: list[str]) -> tuple[Cell, ...]:
    """The first side's goes over those that follow it and are the same."""
    span = next((number for number, text in enumerate(texts) if text != texts[0]), len(texts))
    return (Cell(span, ((texts[0], False),)), *(Cell(1, ((text, text != texts[0]),)) for text in texts[span:]))


def _folded(found: list[Row]) -> Iterator[Row | Fold]:
    """The first of each kind, and the last rows; how many of which kind are left out between them."""
    seen = Counter[tuple[str, str]]()
    left_out = Counter[str]()
    for number, row in enumerate(found):
        seen[row.call, row.kind] += 1
        if seen[row.call, row.kind] > OF_A_KIND and number < len(found) - OF_A_KIND:
            left_out[row.kind] += row.times
            continue
        if left_out:
            yield Fold(dict(left_out))
            left_out.clear()
        yield row

"""The tables of the figures of bench: what stands in them, for every format that people read."""

from __future__ import annotations

from pysock_raw.bench import JOBS
from pysock_raw.bench.measure import BASE, Measured, Spread, spread
from pysock_raw.bench.targets import TARGETS
from pysock_raw.report.bench import ROWS, against

Table = list[list[str]]
"""Rows of cells, below the titles of the columns."""

TIMES = "plain C, and the ratios of the others to it; ± is half the way between the quartiles"


def times(measured: Measured) -> Table:
    here = measured.titles
    imports = {name: spread(values) for name, values in measured.imports.items()}
    return [
        ["", *here.values()],
        *([title, *(_cell(measured, job, name) for name in here)] for job, title in ROWS.items()),
        [JOBS["nothing"][0], *(_time(measured.time("nothing", name).middle) for name in here)],
        ["importing", *(f"{imports[name].middle / 1e6:.1f} ms" if name in imports else "" for name in here)],
    ]


def targets(measured: Measured) -> Table:
    rows = [["the C backend", "against", "at most", "measured", ""]]
    for target in TARGETS:
        found = target.found(measured)
        verdict = "not measured" if found is None else "met" if found.middle <= target.most else "missed"
        rows.append([target.title, against(measured, target), f"{target.most:g}", _spread(found), verdict])
    return rows


def _cell(measured: Measured, job: str, name: str) -> str:
    """The time of plain C, or of all where it is missing; the ratio of the others to it."""
    if name == BASE or BASE not in measured.titles:
        return _time(measured.time(job, name).middle)
    return _spread(measured.ratio(job, name, BASE))


def _time(nanoseconds: float) -> str:
    return f"{nanoseconds:.0f} ns" if nanoseconds < 1000 else f"{nanoseconds / 1000:.1f} µs"


def _spread(found: Spread | None) -> str:
    return "" if found is None else f"{found.middle:.2f} ±{found.width / 2:>3.0%}"

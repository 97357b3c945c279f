"""The figures of bench for a person at a terminal."""

from __future__ import annotations

from typing import IO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pysock_raw.bench import JOBS
from pysock_raw.bench.measure import BASE, Measured, Spread, spread
from pysock_raw.bench.targets import TARGETS
from pysock_raw.conformance.environment import environment
from pysock_raw.report.bench import ROWS, against, conditions, last_line, missed
from pysock_raw.report.terminal import print_to
from pysock_raw.report.view import headline


def render(measured: Measured, file: IO[str]) -> None:
    print_to(file, lambda out: show(measured, out))


def show(measured: Measured, out: Console) -> None:
    """What the run was like, the times with what importing costs, the targets, and whether they were reached."""
    out.print(escape(headline({"environment": environment()})), style="dim")
    out.print(conditions(measured))
    for name, why in measured.missing.items():
        out.print(escape(f"missing: {name}: {why}"))
    out.print("\nplain C, and the ratios of the others to it; ± is half the way between the quartiles")
    out.print(_times(measured))
    out.print()
    out.print(_targets(measured))
    if measured.noise:
        out.print(f"the machine was noisy: {measured.noise}", style="yellow")
    out.print(escape(last_line(measured)), style="bold red" if missed(measured) else "green")


def _table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    made.add_column(columns[0])
    for column in columns[1:]:
        made.add_column(column, justify="right")
    return made


def _times(measured: Measured) -> Table:
    here = measured.titles
    table = _table("", *here.values())
    for job, title in ROWS.items():
        table.add_row(title, *(_cell(measured, job, name) for name in here))
    table.add_row(JOBS["nothing"][0], *(_time(measured.time("nothing", name).middle) for name in here))
    more = {name: spread(values) for name, values in measured.imports.items()}
    table.add_row("importing", *(f"{more[name].middle / 1e6:.1f} ms" if name in more else "" for name in here))
    return table


def _targets(measured: Measured) -> Table:
    table = _table("the C backend", "against", "at most", "measured", "")
    for target in TARGETS:
        found = target.found(measured)
        verdict = "not measured" if found is None else "met" if found.middle <= target.most else "missed"
        table.add_row(target.title, against(measured, target), f"{target.most:g}", _spread(found), verdict)
    return table


def _cell(measured: Measured, job: str, name: str) -> str:
    """The time of plain C, or of all where it is missing; the ratio of the others to it."""
    if name == BASE or BASE not in measured.titles:
        return _time(measured.time(job, name).middle)
    return _spread(measured.ratio(job, name, BASE))


def _time(nanoseconds: float) -> str:
    return f"{nanoseconds:.0f} ns" if nanoseconds < 1000 else f"{nanoseconds / 1000:.1f} µs"


def _spread(found: Spread | None) -> str:
    return "" if found is None else f"{found.middle:.2f} ±{found.width / 2:>3.0%}"

"""The figures of bench for a person at a terminal."""

from __future__ import annotations

from typing import IO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pysock_raw.bench.measure import Measured
from pysock_raw.conformance.environment import environment
from pysock_raw.report.bench import conditions, last_line, missed, tables
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
    out.print(f"\n{tables.TIMES}")
    out.print(_table(tables.times(measured)))
    out.print()
    out.print(_table(tables.targets(measured)))
    if measured.noise:
        out.print(f"the machine was noisy: {measured.noise}", style="yellow")
    out.print(escape(last_line(measured)), style="bold red" if missed(measured) else "green")


def _table(content: tables.Table) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    (first, *columns), *rows = content
    made.add_column(first)
    for column in columns:
        made.add_column(column, justify="right")
    for row in rows:
        made.add_row(*map(escape, row))
    return made

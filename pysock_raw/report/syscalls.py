"""The system calls of a comparison as text: a table for each case, a row for each call, a column for each side."""

from __future__ import annotations

import re
import textwrap
from itertools import zip_longest

from rich.box import HORIZONTALS
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pysock_raw.conformance.compare import Report, Result
from pysock_raw.report.view import SYSCALLS_OF, too_many_syscalls
from pysock_raw.trace import Record
from pysock_raw.trace_text import printable

WIDTH = 33  # of a system call: three fit into a line
TITLES = {"c": "C", "python": "fallback"}
STRUCTURE = re.compile(r"\{[^{}]*\}")
WRAPPING = (
    "The fallback and the stdlib side wrap the descriptor in a socket object for each call:\n"
    "the getsockname and getsockopt before the call itself come from that."
)


def render(out: Console, report: Report) -> None:
    """Print the system calls, if the comparison recorded them."""
    results = [
        result for result in report.ran if any("syscalls" in call for call in result.runs[result.reference].trace)
    ]
    if len(results) > SYSCALLS_OF:
        out.print(f"\n{too_many_syscalls(len(results))}")
        return
    for result in results:
        out.print(f"\n[bold]{escape(printable(result.case.id))}[/]   the system calls of each call")
        out.print(_table(report, result), soft_wrap=False)
    if results:
        out.print(f"\n{WRAPPING}", style="dim")


def _table(report: Report, result: Result) -> Table:
    table = Table(box=HORIZONTALS, pad_edge=False, show_edge=False, show_lines=True)
    for title in ("call", *(TITLES.get(side, side) for side in report.sides)):
        table.add_column(title, overflow="fold")
    for calls in zip_longest(*(result.runs[side].trace for side in report.sides)):
        table.add_row(next(call["call"] for call in calls if call), *map(_cell, calls))
    return table


def _cell(call: Record | None) -> str:
    return "\n".join(map(_wrapped, call["syscalls"])) or "none" if call and "syscalls" in call else ""


def _wrapped(made: str) -> str:
    """A system call in the lines that it needs, without the members of its structures: JSON has them."""
    lines = textwrap.wrap(printable(STRUCTURE.sub("{...}", made)), WIDTH, subsequent_indent="  ")
    return escape("\n".join(lines))

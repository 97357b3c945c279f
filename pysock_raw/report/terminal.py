"""What text reports are printed with: headings, and names with their texts, as wide as the terminal is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pysock_raw.trace_text import printable

PIPED_WIDTH = 1000  # nothing is folded in a pipe


def print_to(file: IO[str], show: Callable[[Console], None]) -> None:
    """Show something as wide as the terminal is, or plain where there is none."""
    out = Console(file=file, highlight=False)
    if out.is_terminal:
        show(out)
        return
    out.width, out.soft_wrap = PIPED_WIDTH, True
    with out.capture() as captured:
        show(out)
    file.writelines(f"{text.rstrip()}\n" for text in captured.get().splitlines())


def heading(out: Console, colour: str, name: str, text: str) -> None:
    out.print(f"\n[bold {colour}]{escape(printable(name))}[/]   {escape(printable(text))}")


def fields(out: Console, *rows: tuple[str, str]) -> None:
    """Names and their texts in two columns; one of several lines, or too long for a terminal, goes on below itself."""
    lines = [(name, [printable(line) for line in text.splitlines() or [""]]) for name, text in rows]
    if not out.is_terminal:
        for name, (first, *rest) in lines:
            out.print(f"  {name:<11} {first}", *(f"  {'':<11} {line}" for line in rest), sep="\n", markup=False)
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", min_width=13, no_wrap=True)
    table.add_column(overflow="fold")
    for name, texts in lines:
        table.add_row(f"  {escape(name)}", escape("\n".join(texts)))
    out.print(table)


def some(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

"""Which constants the headers and the standard library have, and since when.

constants_since.csv has the first CPython version that knows a name, by running 3.10 to 3.15 on Linux. A name without a
version is in none of them, one that is not listed is in 3.10 already. What a Python really has depends on the headers
that it was built with, too.
"""

from __future__ import annotations

import csv
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from pysock_raw.backends import load
from pysock_raw.constants import NAMES

MODULES = ("socket", "select", "fcntl", "os", "errno")
EARLIEST, LATEST = "3.10", "3.15"


@dataclass(frozen=True)
class Row:
    name: str
    headers: int | None
    """The value at the build of the C backend; None where the headers lack the name. `python` likewise."""
    python: int | None
    module: str | None
    """The module of this Python that has it."""
    since: str | None
    """The first CPython version; 3.10 for that or an earlier one, None for none up to LATEST."""

    def lacking(self, side: str) -> bool:
        return (self.headers if side == "c" else self.python) is None


def since() -> dict[str, str | None]:
    """The names that came after 3.10 or not yet, with their versions."""
    text = (files("pysock_raw") / "constants_since.csv").read_text()
    return {row["name"]: row["since"] or None for row in csv.DictReader(text.splitlines())}


def rows() -> list[Row]:
    """All names, in the order of constants.py. ImportError if the C backend cannot be loaded."""
    headers, python, versions = load("c").CONSTANTS, load("python").CONSTANTS, since()
    return [
        Row(name, headers.get(name), python.get(name), _module(name), versions.get(name, EARLIEST)) for name in NAMES
    ]


def _module(name: str) -> str | None:
    return next((module for module in MODULES if hasattr(importlib.import_module(module), name)), None)


def text(found: Iterable[Row]) -> str:
    """A line for each name."""
    lines = [f"{'name':<32} {'headers':>12} {'Python':>12}  {'module':<6}  since CPython"]
    for row in found:
        values = ["missing" if value is None else str(value) for value in (row.headers, row.python)]
        version = {None: f"not up to {LATEST}", EARLIEST: f"{EARLIEST} or earlier"}.get(row.since, row.since)
        lines.append(f"{row.name:<32} {values[0]:>12} {values[1]:>12}  {row.module or '':<6}  {version}")
    return "\n".join(lines)

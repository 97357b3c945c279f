"""What a search found, for a person at a terminal."""

from __future__ import annotations

from typing import IO

from pysock_raw.conformance.differences import CATALOGUE
from pysock_raw.conformance.search import Found
from pysock_raw.conformance.verdicts import VERDICTS


def render(found: Found, seed: int, file: IO[str]) -> None:
    print(f"{found.programs} programs, {found.calls} calls of C, seed {seed}, {found.seconds:.0f} s", file=file)
    for side, counts in found.verdicts.items():
        told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
        print(f"  {side:<8} {told}", file=file)
    print(
        f"  {found.uncompared} calls came after one that succeeded on one side alone, and have no counterpart",
        file=file,
    )
    known = sum(entry.holds for entry in CATALOGUE)
    print(f"  {len(found.differences)} of {known} catalogued differences were met", file=file)
    if found.unsteady:
        print(f"  {len(found.unsteady)} programs differed once and not again", file=file)
    print(file=file)
    if found.unexplained:
        print("unexplained, shrunk:\n", file=file)
    else:
        print(f"{found.programs} programs · 0 unexplained", file=file)

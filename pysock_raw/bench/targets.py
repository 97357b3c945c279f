"""What the C backend has to reach, as ratios in one run (the project's fifth issue)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from pysock_raw.bench import JOBS
from pysock_raw.bench.measure import BASE, Measured, Spread, spread

SIX_CALLS = "the six calls, geometric mean"


@dataclass(frozen=True)
class Target:
    job: str
    against: str | None
    """None: importing, in milliseconds more than the interpreter alone."""
    most: float

    @property
    def title(self) -> str:
        return JOBS[self.job][0] if self.job in JOBS else {"six": SIX_CALLS}.get(self.job, "importing, in ms")

    def found(self, measured: Measured) -> Spread | None:
        """None where a contender is missing."""
        if self.against is not None:
            return measured.ratio(self.job, "c", self.against)
        times = measured.imports.get("c")
        return spread([time / 1e6 for time in times]) if times else None


TARGETS = {
    "cpython": (
        Target("connection", BASE, 1.25),
        Target("connection", "stdlib", 0.80),
        Target("tcp-echo", BASE, 1.5),
        Target("tcp-echo", "stdlib", 1.2),
        Target("udp-batch", BASE, 1.15),
        Target("udp-batch", "stdlib", 0.85),
        Target("six", "ctypes", 0.85),
        Target("import", None, 15),
    ),
    "pypy": (Target("connection", BASE, 1.10), Target("tcp-echo", BASE, 1.10)),
}.get(sys.implementation.name, ())

"""Rounds in which every contender does a block of every job, and the statistics of their ratios.

pyperf, the usual tool, runs one benchmark after the other, each in processes of its own, and compares means with their
standard deviations. On a machine that others use its two means are of two different moments, and one disturbed value
moves a mean. Here a ratio is of two blocks of the same round, milliseconds apart; of the ratios of all rounds the
median counts, and the quartiles are the spread. A block in which the kernel gave the processor to somebody else
(getrusage(2), ru_nivcsw) is done again.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from pysock_raw.bench import JOBS, SIX, imports
from pysock_raw.bench.contenders import Contender, contenders

LENGTH = 500_000  # nanoseconds of a block at most; the kernel's time slices are some times as long
TRIES = 5
WARMING = 200 if sys.implementation.name == "pypy" else 1  # blocks, until the compiler has seen the loops
NOISY = 0.1
BASE = "plain-c"


class Spread(NamedTuple):
    """The median, and the quartiles around it."""

    low: float
    middle: float
    high: float

    @property
    def width(self) -> float:
        """How far the quartiles are apart, as a share of the median."""
        return (self.high - self.low) / abs(self.middle) if self.middle else 0.0


def spread(values: list[float]) -> Spread:
    """Of at least one value."""
    return Spread(*statistics.quantiles(values * 2 if len(values) == 1 else values, n=4, method="inclusive"))


@dataclass
class Measured:
    """What a run found out."""

    rounds: int
    titles: dict[str, str] = field(default_factory=dict)
    """The contenders that were here."""
    missing: dict[str, str] = field(default_factory=dict)
    """Those that were not, and why."""
    times: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By job and contender: nanoseconds a turn, one number a round. "six" is the geometric mean of the six calls."""
    imports: dict[str, list[float]] = field(default_factory=dict)
    """By contender: nanoseconds of processor time that importing takes."""
    blocks: int = 0
    interrupted: int = 0
    load: tuple[float, float] = (0.0, 0.0)
    """The load average of the last minute, before and after."""

    def time(self, job: str, contender: str) -> Spread:
        return spread(self.times[job][contender])

    def ratio(self, job: str, of: str, to: str) -> Spread | None:
        """None where one of them is missing."""
        times = self.times[job]
        if of not in times or to not in times:
            return None
        return spread([one / other for one, other in zip(times[of], times[to], strict=True)])

    @property
    def noise(self) -> str | None:
        """What was wrong with the machine."""
        share = self.interrupted / self.blocks
        widths = [found.width for job in JOBS if job != "nothing" if (found := self.ratio(job, "c", BASE))]
        uneven = statistics.median(widths) if widths else 0.0
        if max(share, uneven) <= NOISY:
            return None
        load = f"load {self.load[1]:.1f} on {os.cpu_count()} processors"
        return f"{load}, {share:.0%} of the blocks interrupted, a typical ratio spread over {uneven:.0%}"


def measure(rounds: int, progress: Callable[[int, int], object]) -> Measured:
    """Run all jobs. RuntimeError or OSError where a call fails."""
    found = Measured(rounds)
    before, order = os.getloadavg()[0], random.Random(rounds)
    with contenders() as (here, found.missing):
        found.titles = {name: contender.title for name, contender in here.items()}
        turns = {job: {name: _turns(job, contender) for name, contender in here.items()} for job in JOBS}
        found.times = {job: {name: [] for name in here} for job in JOBS}
        for done in range(rounds):
            progress(done, rounds)
            for job in JOBS:
                for name in order.sample(list(here), len(here)):
                    times = turns[job][name]
                    found.times[job][name].append(_block(found, here[name], job, times) / times)
    found.times["six"] = {
        name: [statistics.geometric_mean(six) for six in zip(*(found.times[job][name] for job in SIX), strict=True)]
        for name in here
    }
    found.imports = imports.measure(list(here), max(rounds // 5, 3))
    found.load = before, os.getloadavg()[0]
    return found


def _turns(job: str, contender: Contender) -> int:
    """How often this contender can do the job in a block."""
    most = JOBS[job][1]
    for _ in range(WARMING):
        took, _ = contender.run(job, min(most, 4))
    return max(1, min(most, LENGTH * min(most, 4) // max(took, 1)))


def _block(found: Measured, contender: Contender, job: str, times: int) -> int:
    """The nanoseconds of a block that was not interrupted, or the least of some that all were."""
    tries = []
    contender.run(job, times)  # so that none begins with another's memory in the caches
    for _ in range(TRIES):
        took, interrupted = contender.run(job, times)
        found.blocks += 1
        if not interrupted:
            return took
        found.interrupted += 1
        tries.append(took)
    return min(tries)

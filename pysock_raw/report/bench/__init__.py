"""The figures of `pysock-raw bench` as text, a page, JSON or SVG: what all of these say."""

from __future__ import annotations

import os

from pysock_raw.bench import JOBS
from pysock_raw.bench.measure import Measured, Spread
from pysock_raw.bench.targets import SIX_CALLS, TARGETS, Target

ROWS = {job: title for job, (title, _) in JOBS.items() if job != "nothing"} | {"six": SIX_CALLS}
"""The jobs that are compared, with their titles."""


def conditions(measured: Measured) -> str:
    before, after = measured.load
    share = measured.interrupted / measured.blocks
    return (
        f"{measured.rounds} rounds · medians, and how far the quartiles are from them · "
        f"load {before:.1f} to {after:.1f} on {os.cpu_count()} processors · {share:.0%} of the blocks done again"
    )


def against(measured: Measured, target: Target) -> str:
    return "the interpreter alone" if target.against is None else measured.titles.get(target.against, target.against)


def missed(measured: Measured) -> list[tuple[Target, Spread]]:
    found = ((target, target.found(measured)) for target in TARGETS)
    return [(target, spread) for target, spread in found if spread is not None and spread.middle > target.most]


def last_line(measured: Measured) -> str:
    """Whether the targets were reached."""
    wrong = [
        f"{target.title}, {found.middle:.2f} of {against(measured, target)} and not {target.most:g}"
        for target, found in missed(measured)
    ]
    unknown = sum(target.found(measured) is None for target in TARGETS)
    said = f"missed: {'; '.join(wrong)}" if wrong else f"{len(TARGETS) - unknown} of {len(TARGETS)} targets met"
    return said + (f", {unknown} not measured" if unknown else "")

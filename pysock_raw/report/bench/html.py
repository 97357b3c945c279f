"""The figures of bench as one page: the chart, and the tables of the text."""

from __future__ import annotations

from typing import IO

from markupsafe import Markup

from pysock_raw.bench.measure import Measured
from pysock_raw.conformance.environment import environment
from pysock_raw.report.bench import last_line, missed, tables
from pysock_raw.report.bench.svg import svg
from pysock_raw.report.html import write


def render(measured: Measured, file: IO[str]) -> None:
    write(
        file,
        "bench.html",
        environment=environment(),
        measured=measured,
        chart=Markup(svg(measured)),
        tables={
            "Times": (tables.TIMES, tables.times(measured)),
            "Targets": ("What the C backend has to reach.", tables.targets(measured)),
        },
        result=last_line(measured),
        missed=bool(missed(measured)),
    )

"""JSON of bench, schema 1: a key may be added, none changes its meaning. Times are in nanoseconds."""

from __future__ import annotations

import json
import os
from typing import IO, Any

from pysock_raw.bench.measure import BASE, Measured, Spread, spread
from pysock_raw.bench.targets import TARGETS, Target
from pysock_raw.conformance.environment import environment


def render(measured: Measured, file: IO[str]) -> None:
    file.write(json.dumps(to_json(measured), indent=1) + "\n")


def to_json(measured: Measured) -> dict[str, Any]:
    return {
        "schema": 1,
        "environment": environment(),
        "rounds": measured.rounds,
        "processors": os.cpu_count(),
        "load": list(measured.load),
        "interrupted": measured.interrupted / measured.blocks,
        "noise": measured.noise,
        "missing": measured.missing,
        "jobs": {
            job: {
                name: {
                    "time": measured.time(job, name)._asdict(),
                    "to_plain_c": _as_dict(measured.ratio(job, name, BASE)),
                }
                for name in measured.titles
            }
            for job in measured.times
        },
        "imports": {name: spread(values)._asdict() for name, values in measured.imports.items()},
        "targets": [_target(measured, target) for target in TARGETS],
    }


def _as_dict(found: Spread | None) -> dict[str, float] | None:
    return None if found is None else found._asdict()


def _target(measured: Measured, target: Target) -> dict[str, Any]:
    found = target.found(measured)
    met = None if found is None else found.middle <= target.most
    return {**vars(target), "measured": _as_dict(found), "met": met}

"""JSON of compare, schema 1: a key may be added, none changes its meaning."""

from __future__ import annotations

import json
from typing import Any

from pysock_raw.conformance.compare import Report, Result
from pysock_raw.conformance.environment import environment


def render(report: Report) -> str:
    return json.dumps(to_json(report), indent=1) + "\n"


def to_json(report: Report) -> dict[str, Any]:
    return {
        "schema": 1,
        "environment": environment() | {"sides": report.sides},
        "summary": {
            "cases": len(report.ran),
            "skipped": len(report.results) - len(report.ran),
            "nonconforming": len(report.nonconforming),
            "python": report.count("python"),
            "stdlib": report.count("stdlib"),
            "seconds": round(report.seconds, 3),
        },
        "cases": [_case(result) for result in report.results],
    }


def _case(result: Result) -> dict[str, Any]:
    case = result.case
    return {
        "id": case.id,
        "call": case.call,
        "shows": case.shows,
        "statement": case.statement,
        "needs": list(case.needs),
        "skipped": result.skipped,
        "allowed": [outcome.to_json() for outcome in case.allowed],
        "nonconforming": result.nonconforming,
        "sides": {side: _side(result, side) for side in result.runs},
        "verdicts": {side: comparison.verdict for side, comparison in result.comparisons.items()},
        "differences": result.differences,
        "uncompared": {side: comparison.uncompared for side, comparison in result.comparisons.items()},
        "remarks": [remark for comparison in result.comparisons.values() for remark in comparison.remarks],
    }


def _side(result: Result, side: str) -> dict[str, Any]:
    run = result.runs[side]
    return {
        "outcome": result.outcome(side),
        "trace": run.trace,
        "ended": run.ended,
        "leaked": run.leaked,
        "printed": run.printed,
    }

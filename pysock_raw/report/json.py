"""JSON of compare, schema 1 (schemas/compare.json): a key may be added, none changes its meaning.

Beside what a trace has, each call has its numbers by name (`named`), and each call of a side other than the first
its place in the comparison: the call of the first side that it stands `beside`, the verdict and the difference. A
trace holds only calls that were made; a side whose end came instead of one has that place under `ended_before`.
"""

from __future__ import annotations

import json
from typing import IO, Any

from pysock_raw.conformance.compare import Report, Result
from pysock_raw.conformance.differences import CATALOGUE, Difference
from pysock_raw.conformance.environment import environment
from pysock_raw.conformance.naming import named
from pysock_raw.conformance.runner import Run
from pysock_raw.conformance.verdicts import Comparison

Document = dict[str, Any]
ALONE: dict[str, Any] = {"beside": None, "verdict": None, "difference": None}


def render(report: Report, file: IO[str]) -> None:
    write(to_json(report), file)


def render_diff(changes: Document, file: IO[str]) -> None:
    write(changes, file)


def write(document: Document, file: IO[str]) -> None:
    """A line for each key and for each case, so that the text can be searched and is never whole in memory."""
    file.write("{\n")
    for key, value in document.items():
        if key != "cases":
            file.write(f"{json.dumps(key)}: {json.dumps(value)},\n")
    file.write('"cases": [')
    for number, case in enumerate(document["cases"]):
        file.write((",\n" if number else "\n") + json.dumps(case))
    file.write("\n]}\n")


def to_json(report: Report) -> Document:
    found = {id for result in report.ran for id in result.differences}
    return {
        "schema": 1,
        "environment": environment() | {"sides": report.sides},
        "summary": {
            "cases": len(report.ran),
            "skipped": len(report.results) - len(report.ran),
            "nonconforming": len(report.nonconforming),
            "unexplained": len(report.unexplained),
            "python": report.count("python"),
            "stdlib": report.count("stdlib"),
            "seconds": round(report.seconds, 3),
            "status": report.status,
        },
        "differences": {entry.id: _difference(entry) for entry in CATALOGUE if entry.id in found},
        "cases": [_case(result) for result in report.results],
    }


def _difference(entry: Difference) -> dict[str, str]:
    return {key: getattr(entry, key) for key in ("title", "c", "python", "why", "instead", "evidence")}


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
        "remarks": list(dict.fromkeys(it for found in result.comparisons.values() for it in found.remarks)),
    }


def _side(result: Result, side: str) -> dict[str, Any]:
    run, comparison = result.runs[side], result.comparisons.get(side)
    compared = _compared(comparison) if comparison else {}
    return {
        "outcome": result.outcome(side),
        "trace": _trace(run, compared, ALONE if comparison else {}),
        "ended": run.ended,
        "ended_before": compared.get(None),
        "leaked": run.leaked,
        "printed": run.printed,
        "remarks": comparison.remarks if comparison else [],
    }


def _compared(comparison: Comparison) -> dict[int | None, dict[str, Any]]:
    """Beside which call of C's a side's calls were compared, by their places in its trace, and how they were judged.
    Under None: its end, if that came instead of a call."""
    found = {pair.other["at"]: ALONE | {"beside": pair.c["at"], "verdict": "same"} for pair in comparison.pairs}
    for judged in comparison.judged:
        found[judged.pair.other["at"]].update(verdict=judged.verdict, difference=judged.difference)
    return found


def _trace(run: Run, compared: dict[int | None, dict[str, Any]], alone: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls of a side, with names for their numbers and, beside C's, how they were judged."""
    records = {record["at"]: record for actor in named(run.trace, run.forks).values() for record in actor}
    return [
        {**call, "named": {key: records[at][key] for key in ("args", "result")}, **compared.get(at, alone)}
        for at, call in enumerate(run.trace)
    ]

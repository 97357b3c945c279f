"""The report for a person where rich is not installed: a line for each call, difference and surprise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from pysock_raw.conformance.compare import Report
from pysock_raw.report.json import Document, to_json
from pysock_raw.report.view import (
    by_call,
    counted,
    findings,
    headline,
    how_it_went,
    last_line,
    ran,
    readable,
    script,
    skipped,
    unexplained,
)


def render(report: Report, file: IO[str]) -> None:
    file.writelines(f"{line}\n" for line in _lines(readable(to_json(report))))


def _lines(document: Document) -> Iterator[str]:
    about = script(document)
    yield headline(document)
    for row in by_call(document) if about is None else ():
        verdicts = (
            f"{side}: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
            for side, counts in row.verdicts.items()
        )
        yield f"{row.call:<12} {counted(row.cases, 'case'):>9}   {'   '.join(verdicts)}"
    for finding in findings(document):
        where = f"at {', '.join(finding.lines)}" if about else counted(len(finding.cases), "case")
        yield f"{finding.id}   {finding.entry['title']} ({where})"
    for side, text in how_it_went(about) if about else ():
        yield f"{side:<12} {text}"
    for case in ran(document):
        if case["nonconforming"]:
            yield f"nonconforming   {case['id']}: {case['nonconforming']}"
        yield from (f"unexplained   {case['id']} on {side}" for side in unexplained(case))
    for lack, cases in skipped(document).items():
        yield f"skipped   {counted(len(cases), 'case')} for want of: {lack}"
    yield last_line(document)
    yield "more of each: pip install 'pysock_raw[cli]', pysock-raw explain DIFFERENCE, or --format json"

"""JUnit XML: a test suite for each side, with a test for each case. On the first side a test fails if its case is
nonconforming, on the others if it is unexplained; a known difference passes, and says what it is."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import IO

from pysock_raw.conformance.compare import Report
from pysock_raw.report.json import Document, to_json
from pysock_raw.report.view import Case, answers, said, sides, unexplained, unexplained_answers
from pysock_raw.trace_text import printable


def render(report: Report, file: IO[str]) -> None:
    root = suites(to_json(report))
    ET.indent(root)
    file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    file.write(ET.tostring(root, encoding="unicode") + "\n")


def suites(document: Document) -> ET.Element:
    root = ET.Element("testsuites", name="pysock_raw", time=str(document["summary"]["seconds"]))
    for side in sides(document):
        suite = ET.SubElement(root, "testsuite", name=side)
        for case in document["cases"]:
            _test(suite, case, side)
        count = {"tests": "testcase", "failures": "testcase/failure", "skipped": "testcase/skipped"}
        suite.attrib.update({name: str(len(suite.findall(path))) for name, path in count.items()}, errors="0")
    return root


def _test(suite: ET.Element, case: Case, side: str) -> None:
    test = ET.SubElement(suite, "testcase", classname=f"{side}.{case['call'] or 'script'}", name=printable(case["id"]))
    if case["skipped"] is not None:
        ET.SubElement(test, "skipped", message=printable(case["skipped"]))
        return
    failed = _failure(case, side)
    if failed:
        kind, *lines = failed
        message = f"{kind}: {case['shows']}"
        ET.SubElement(test, "failure", type=kind, message=printable(message)).text = "\n".join(map(printable, lines))
    elif case["verdicts"].get(side, "same") != "same":
        known = ", ".join(dict.fromkeys(filter(None, (answer["difference"] for answer in answers(case, side)))))
        text = f"{case['verdicts'][side]}: {known or 'see the report in JSON'}"
        ET.SubElement(test, "system-out").text = printable(text)


def _failure(case: Case, side: str) -> list[str]:
    """The kind of a failure and its lines, or nothing."""
    if side not in case["verdicts"] and case["nonconforming"]:
        trace = case["sides"][side]["trace"]
        return ["nonconforming", case["nonconforming"], *map(said, trace)]
    return ["unexplained", *_unexplained(case, side)] if side in unexplained(case) else []


def _unexplained(case: Case, side: str) -> Iterator[str]:
    yield from case["sides"][side]["remarks"]
    for beside, answer in unexplained_answers(case, side):
        yield f"{next(iter(case['sides']))}: {said(beside)}"
        yield f"{side}: {said(answer)}"

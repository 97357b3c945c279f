"""The report as one page that needs nothing else: made from the document of json.py, of a run or of a file.

Every expression of the templates is escaped twice over: control characters by `_text`, markup by jinja2. The page
may run no script but its own, and fetch nothing, whatever stands in it (Content-Security-Policy).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import IO, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pysock_raw.conformance.compare import Report
from pysock_raw.conformance.errnos import Row, rows
from pysock_raw.report import aligned, view
from pysock_raw.report.json import Document, to_json
from pysock_raw.report.stages import svg
from pysock_raw.trace_text import printable

TEMPLATES = files("pysock_raw.report") / "templates"

SIDES = {"c": "C", "python": "the Python fallback", "stdlib": "the stdlib's socket"}
ACCOUNTS = {  # of conformance/errnos.py: sign, name, meaning
    "provoked": ("●", "provoked", "a case gets it from the kernel, for the documented reason"),
    "differently": ("◐", "answered differently", "Linux answers something else, and a case shows what"),
    "injected": ("◇", "injected", "no case gets it every time; strace's error injection shows that it passes through"),
    "unreachable": ("✕", "unreachable", "nothing here can bring it about"),
}
VERDICTS = {
    "same": "Same arguments, result, errno and output.",
    "emulated": "The same, but the fallback worked it out.",
    "inexpressible": "This side has no words for it.",
    "differs": "Another answer, which a known difference explains.",
    "refused": "Python raised before it asked the kernel; a known difference explains it.",
    "unexplained": "Another answer, and nothing explains it: the run fails.",
    "nonconforming": "In C the outcome is none that its source allows: it is the kernel that surprised us.",
    "skipped": "The machine lacks what the case needs.",
}


def render(report: Report, file: IO[str]) -> None:
    page(to_json(report), file)


def page(document: Document, file: IO[str]) -> None:
    """Write the page of a comparison."""
    found = view.findings(document)
    write(
        file,
        "report.html",
        document=document,
        found=found,
        entries={finding.id: finding.entry for finding in found},
        calls=_cases_by_call(document),
        grid=_grid(document),
        picture=_picture(document),
    )


def _picture(document: Document) -> Markup:
    """The stages of a script as its first side went through them."""
    about = view.script(document)
    calls = about["sides"][view.sides(document)[0]]["trace"] if about else []
    return Markup(svg(calls)) if calls else Markup()


def render_diff(changes: dict[str, Any], file: IO[str]) -> None:
    """Write the page of what changed between two comparisons."""
    write(file, "diff.html", changes=changes)


def write(file: IO[str], template: str, **values: Any) -> None:
    """Write the page that a template makes of the values."""
    environment = Environment(
        loader=PackageLoader("pysock_raw.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_text,
    )
    style, script = ((TEMPLATES / name).read_text() for name in ("page.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.globals.update(style=Markup(style), script=Markup(script), script_hash=f"sha256-{digest}")
    environment.globals.update(view=view, rows=aligned.rows, ends=aligned.ends, verdicts=VERDICTS, accounts=ACCOUNTS)
    environment.filters.update(anchor=anchor, lines=str.splitlines, side_title=SIDES.__getitem__)
    environment.tests["fold"] = lambda row: isinstance(row, aligned.Fold)
    for part in environment.get_template(template).generate(**values):
        file.write(part)


def _text(value: Any) -> Any:
    return value if isinstance(value, Markup) else printable(str(value))


def anchor(id: str) -> str:
    """A case's id as a fragment, the same for the element and for links to it."""
    return quote(id, safe="/", errors="backslashreplace")


def _cases_by_call(document: Document) -> dict[str, list[view.Case]]:
    calls: dict[str, list[view.Case]] = {}
    for case in document["cases"]:
        calls.setdefault(case["call"] or case["id"], []).append(case)
    return calls


@dataclass(frozen=True)
class Mark:
    """One documented condition of an errno in the grid."""

    row: Row
    here: str | None
    """What this comparison says of the case that is the evidence; None if it was not among its cases."""

    @property
    def sign(self) -> str:
        return ACCOUNTS[self.row.account][0]

    @property
    def name(self) -> str:
        return ACCOUNTS[self.row.account][1]


@dataclass(frozen=True)
class Grid:
    """The account of the documented errnos of the calls that were compared."""

    calls: list[str]
    marks: list[Mark]

    @property
    def errnos(self) -> list[str]:
        return sorted({mark.row.errno for mark in self.marks})

    @property
    def accounts(self) -> set[str]:
        return {mark.row.account for mark in self.marks}

    def at(self, errno: str, call: str) -> list[Mark]:
        return [mark for mark in self.marks if (mark.row.errno, mark.row.call) == (errno, call)]

    @property
    def unprovoked(self) -> list[Row]:
        """Those whose evidence is no case, but a reason."""
        return [mark.row for mark in self.marks if mark.row.account in ("injected", "unreachable")]


def _grid(document: Document) -> Grid:
    cases = {case["id"]: case for case in document["cases"]}
    calls = {case["call"] for case in cases.values()}
    found = [row for row in rows() if row.call in calls]
    marks = [Mark(row, _here(cases.get(row.evidence))) for row in found]
    return Grid(list(dict.fromkeys(row.call for row in found)), marks)


def _here(case: view.Case | None) -> str | None:
    if case is None:
        return None
    return "skipped here" if case["skipped"] else "nonconforming here" if case["nonconforming"] else "shown here"

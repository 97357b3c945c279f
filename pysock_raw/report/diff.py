"""What changed between two comparisons: of two kernels, two Pythons, two machines. The document of `diff`, schema 1
(schemas/diff.json), from two of compare's."""

from __future__ import annotations

import difflib
import itertools
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from pysock_raw.report.json import Document
from pysock_raw.report.view import Case, named
from pysock_raw.trace_text import line

Change = dict[str, Any]


class NoReport(Exception):
    """A file that is not the JSON of compare."""


def read(path: Path) -> Document:
    """The document in a file, and under `file` its name."""
    advice = f"pysock-raw compare -o {shlex.quote(str(path))} writes one"
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise NoReport(f"cannot read {path}: {error.strerror} ({advice})") from error
    except ValueError as error:
        raise NoReport(f"{path} is not JSON: {error}") from error
    try:
        document["file"] = str(path)
        diff(document, document)  # reads everything that is needed of it
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise NoReport(f"{path} is no report of compare in JSON, schema 1 ({advice})") from error
    return cast(Document, document)


def diff(a: Document, b: Document) -> Document:
    """What changed from a to b, beside where they ran, what they printed and how long they took."""
    cases_a, cases_b = ({case["id"]: case for case in document["cases"]} for document in (a, b))
    both = [id for id in cases_a if id in cases_b]
    changed = [
        {key: cases_b[id][key] for key in ("id", "call", "shows")} | {"changes": changes}
        for id in both
        if (changes := list(_changes(cases_a[id], cases_b[id])))
    ]
    only = {"a": [id for id in cases_a if id not in cases_b], "b": [id for id in cases_b if id not in cases_a]}
    sides = [side for side in a["environment"]["sides"] if side in b["environment"]["sides"]]
    return {
        "schema": 1,
        "a": {"file": a["file"], "environment": a["environment"]},
        "b": {"file": b["file"], "environment": b["environment"]},
        "environment": list(_environment(a["environment"], b["environment"])),
        "sides": sides,
        "summary": {
            "cases": len(both),
            "changed": len(changed) + len(only["a"]) + len(only["b"]),
        },
        "only": only,
        "cases": changed,
    }


def _environment(a: dict[str, Any], b: dict[str, Any]) -> Iterator[Change]:
    """What is another machine's. That alone is no change of behaviour."""
    for name in dict.fromkeys([*a, *b]):
        if a.get(name) != b.get(name):
            yield {"what": name, "side": None, "a": a.get(name), "b": b.get(name)}


def _changes(a: Case, b: Case) -> Iterator[Change]:
    for what in ("skipped", "nonconforming"):
        if a[what] != b[what]:
            yield {"what": what, "side": None, "a": a[what], "b": b[what]}
    for side in (side for side in a["sides"] if side in b["sides"]):
        yield from _of_a_side(side, a, b)


def _of_a_side(side: str, a: Case, b: Case) -> Iterator[Change]:
    run_a, run_b = a["sides"][side], b["sides"][side]
    for what, of_a, of_b in (
        ("verdict", a["verdicts"].get(side), b["verdicts"].get(side)),
        ("differences", _differences(run_a), _differences(run_b)),
        ("observed", run_a["outcome"]["observed"], run_b["outcome"]["observed"]),
        ("ended", run_a["ended"], run_b["ended"]),
    ):
        if of_a != of_b:
            yield {"what": what, "side": side, "a": of_a, "b": of_b}
    calls_a, calls_b = _calls(run_a), _calls(run_b)
    if sorted(calls_a) != sorted(calls_b):
        yield from _changed_calls(side, [*itertools.chain(*calls_a)], [*itertools.chain(*calls_b)])


def _calls(run: dict[str, Any]) -> list[list[str]]:
    """The calls of each process and thread. In which order these take their turns is chance."""
    actors: dict[int, list[str]] = {}
    for call in run["trace"]:
        actors.setdefault(call["thread"], []).append(line(named(call)))
    return list(actors.values())


def _changed_calls(side: str, a: list[str], b: list[str]) -> Iterator[Change]:
    for tag, i, j, k, m in difflib.SequenceMatcher(None, a, b).get_opcodes():
        if tag != "equal":
            yield {"what": "calls", "side": side, "at": [i, k], "a": a[i:j], "b": b[k:m]}


def _differences(run: dict[str, Any]) -> list[str]:
    answers = [*run["trace"], run.get("ended_before") or {}]  # which a report of an older version has not
    return sorted({answer["difference"] for answer in answers if answer.get("difference")})

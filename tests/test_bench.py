"""The benchmark: that its jobs do what they say on every side, and what is said of figures. No test looks at a time."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from schemas import invalid

from pysock_raw.bench import JOBS, SIX, calls, libc, scale, stdlib
from pysock_raw.bench.measure import Measured, spread
from pysock_raw.cli import main
from pysock_raw.report.bench import html, last_line
from pysock_raw.report.bench.svg import svg

C_JOBS = re.findall(r'\{"([\w-]+)", \w+\}', (Path(__file__).parent.parent / "csrc" / "bench.c").read_text())
CPYTHON = pytest.mark.skipif(sys.implementation.name != "cpython", reason="these are the targets of CPython")


# --- the jobs ---


@pytest.mark.parametrize("jobs", [calls.JOBS, stdlib.JOBS, C_JOBS], ids=["calls", "stdlib", "C"])
def test_every_contender_has_every_job(jobs: Any) -> None:
    assert sorted(jobs) == sorted(JOBS)


def test_jobs_are_done_whole_on_every_side(tmp_path: Path, c_api: Any) -> None:
    found = benched(tmp_path)
    assert invalid("bench.json", found) == []
    assert found["missing"] == {}
    for job in JOBS:
        assert set(found["jobs"][job]) == {"plain-c", "c", "ctypes", "stdlib", "python"}
        assert all(one["time"]["middle"] > 0 for one in found["jobs"][job].values())


def benched(directory: Path) -> dict[str, Any]:
    """A short run, in a process of its own: its sockets stay open."""
    file = directory / "bench.json"
    command = [sys.executable, "-m", "pysock_raw", "bench", "--rounds", "2", "-o", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_without_a_compiler_plain_c_is_missing_and_no_target_of_it_is_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, c_api: Any
) -> None:
    monkeypatch.setenv("CC", "/nonexistent/cc")
    found = benched(tmp_path)
    assert found["missing"] == {"plain-c": "there is no compiler: /nonexistent/cc: No such file or directory"}
    assert {target["met"] for target in found["targets"] if target["against"] == "plain-c"} == {None}


def test_a_call_that_fails_ends_the_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: Any) -> Any:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setitem(stdlib.JOBS, "socket", refuses)
    monkeypatch.setattr("pysock_raw.bench.contenders.MAKERS", {"stdlib": only_sockets})
    assert main(["bench", "--rounds", "1"]) == 3
    assert "a job of the benchmark failed: [Errno 1] Operation not permitted" in capsys.readouterr().err


def only_sockets() -> Any:
    from pysock_raw.bench.contenders import by_sockets

    return by_sockets()


def test_ctypes_is_told_the_types() -> None:
    """Without them it would pass a size_t as an int."""
    library = libc.load()
    for name in libc.PROTOTYPES:
        assert getattr(library, name).argtypes, name


# --- the figures ---


def measured(**times: dict[str, list[float]]) -> Measured:
    """A run in which every job takes 100 ns in C and 200 elsewhere, except for these."""
    names = ("plain-c", "c", "ctypes", "stdlib")
    usual = {name: [100.0 if name == "plain-c" else 200.0] * 3 for name in names}
    found = Measured(3, titles={name: name.title() for name in names}, blocks=100, interrupted=2)
    found.times = {job: {**usual, **times.get(job.replace("-", "_"), {})} for job in (*JOBS, "six")}
    found.imports = {"c": [8e6, 9e6, 10e6]}
    return found


def test_a_ratio_is_the_median_of_those_of_the_rounds() -> None:
    """A round in which the machine was slow for both changes nothing."""
    found = measured(connection={"plain-c": [100, 900, 100], "c": [110, 990, 150]})
    assert found.ratio("connection", "c", "plain-c") == pytest.approx((1.1, 1.1, 1.3))


def test_a_spread_has_the_quartiles() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 3.0, 4.0)
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]).width == pytest.approx(2 / 3)
    assert spread([3.0]) == (3.0, 3.0, 3.0)


@CPYTHON
def test_the_last_line_names_each_target_that_is_missed() -> None:
    assert last_line(measured()) == (
        "missed: a TCP connection, 2.00 of Plain-C and not 1.25; a TCP connection, 1.00 of Stdlib and not 0.8; "
        "16 bytes echoed over TCP, 2.00 of Plain-C and not 1.5; 64 UDP packets, 2.00 of Plain-C and not 1.15; "
        "64 UDP packets, 1.00 of Stdlib and not 0.85; the six calls, geometric mean, 1.00 of Ctypes and not 0.85"
    )


@CPYTHON
def test_the_last_line_when_all_is_reached() -> None:
    quick = {"c": [80.0] * 3}
    found = measured(connection=quick, tcp_echo=quick, udp_batch=quick, six=quick)
    assert last_line(found) == "8 of 8 targets met"
    del found.imports["c"]
    assert last_line(found) == "7 of 8 targets met, 1 not measured"


def test_a_noisy_machine_is_said() -> None:
    assert measured().noise is None
    found = measured()
    found.interrupted = 30
    assert "30% of the blocks interrupted" in str(found.noise)
    uneven = {"c": [100.0, 200.0, 400.0]}
    found = measured(**{job.replace("-", "_"): uneven for job in JOBS})
    assert "a typical ratio spread over 75%" in str(found.noise)


def test_the_chart_has_a_bar_for_every_job_and_side() -> None:
    picture = ElementTree.fromstring(svg(measured()))
    bars = [one.get("class") for one in picture.iter() if one.tag.endswith("rect")]
    rows = len(JOBS)  # without the empty loop, with the mean of the six
    for name in ("c", "ctypes", "stdlib"):
        assert bars.count(name) == rows + 1, name  # and one in the legend
    assert "2.00" in {one.text for one in picture.iter()}


def test_the_page_has_the_chart_and_the_tables_and_needs_nothing_else() -> None:
    file = io.StringIO()
    found = measured()
    found.missing["plain-c"] = "<b>no compiler</b>"
    html.render(found, file)
    page = file.getvalue()
    assert page.count("<svg ") == 1
    assert page.count("<table>") == 2
    for title, _ in JOBS.values():
        assert f'<th scope="row">{title}</th>' in page
    assert last_line(found) in page
    assert "Missing: plain-c: &lt;b&gt;no compiler&lt;/b&gt;" in page
    assert re.findall(r"<link|<img|<iframe|@import|url\(|\bsrc=", page) == []


def test_six_are_the_documents_calls() -> None:
    assert SIX == ("socket", "setsockopt", "bind", "listen", "accept", "connect")


# --- scale ---


@pytest.mark.skipif(not hasattr(sys, "getallocatedblocks"), reason="this interpreter does not count its memory")
def test_calls_leave_nothing_in_memory(api: Any) -> None:
    scale.turns(api, 200)
    before = sys.getallocatedblocks()
    scale.turns(api, 1000)
    assert sys.getallocatedblocks() - before < 100

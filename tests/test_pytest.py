"""pytest --pyargs pysock_raw.conformance, as those who installed the package run it: in a directory of their own."""

import os
import subprocess
import sys

import pytest

WITHOUT_AN_ENTRY = """
from pysock_raw.conformance.compare import compare_cases
from pysock_raw.conformance.differences import CATALOGUE
rest = [entry for entry in CATALOGUE if entry.id != "socket-close-on-exec"]
compare_cases.__kwdefaults__["differences"] = rest
"""
WITHOUT_OUTCOMES = """
from dataclasses import replace
from pysock_raw.conformance import case
case.catalogue()
case._cases.update({id: replace(found, allowed=()) for id, found in case._cases.items()})
"""
WITHOUT_IPV6 = """
from pysock_raw.conformance import compare
compare.lacking = lambda need: "no IPv6 here"
"""


@pytest.fixture
def run(tmp_path):
    """pytest's output for the cases that match -k, with a plugin that changes something first."""

    def run(selected, *options, plugin=""):
        (tmp_path / "change.py").write_text(plugin)
        command = [sys.executable, "-m", "pytest", "--pyargs", "pysock_raw.conformance", "-p", "change", "-k", selected]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "140"}
        ran = subprocess.run([*command, *options], cwd=tmp_path, env=environment, capture_output=True, text=True)
        return ran.returncode, ran.stdout

    return run


def test_a_test_for_each_case_and_side(run, with_c):
    status, out = run("socket/no-close-on-exec", "-v")
    assert status == 0
    names = [f"cases/socket.py::socket/no-close-on-exec[{side}] PASSED" for side in ("c", "python", "stdlib")]
    assert all(name in out for name in names)
    assert "3 passed" in out


def test_a_skip_says_what_was_lacking(run):
    status, out = run("bind/tcp6/in-use", "-rs", plugin=WITHOUT_IPV6)
    assert (status, "no IPv6 here" in out, "passed" in out) == (0, True, False)


def test_an_unexplained_difference_shows_both_traces_side_by_side(run, with_c):
    status, out = run("socket/no-close-on-exec", plugin=WITHOUT_AN_ENTRY)
    assert status == 1
    assert "1 failed, 2 passed" in out
    width = (140 - 5) // 2
    assert f"  {'socket(AF_INET, SOCK_STREAM, 0) = fd1':<{width}} | socket(AF_INET, SOCK_STREAM, 0) = fd1\n" in out
    assert f"> {'fcntl(fd1, F_GETFD, 0) = 0':<{width}} | fcntl(fd1, F_GETFD, 0) = 1\n" in out


def test_a_kernel_that_surprises_fails_the_test_of_c_alone(run, with_c):
    status, out = run("socket/no-close-on-exec", plugin=WITHOUT_OUTCOMES)
    assert status == 1
    assert "1 failed, 2 passed" in out
    assert "its outcome is not among the allowed ones: {'result': 4," in out


def test_nothing_runs_when_tests_are_only_listed(run):
    status, out = run(
        "accept/tcp/in-use or bind/tcp/in-use", "--collect-only", "-q", plugin="import os; os.fork = None"
    )
    assert status == 0
    assert "cases/bind.py::bind/tcp/in-use[stdlib]\n" in out


def test_the_suite_of_the_repository_collects_none_of_them(pytestconfig):
    assert pytestconfig.getini("testpaths") == ["tests"]

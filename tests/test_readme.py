"""What the README shows of a command, the command prints; what it counts, there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from pysock_raw.conformance.case import chosen
from pysock_raw.structures import PYPY

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.mark.skipif(
    PYPY or os.geteuid() != 0 or bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="the README shows what CPython with a GIL prints to root",
)
def test_the_first_example(with_c: None) -> None:
    """But for the machine and the time, which are another's."""
    command, machine, *shown = README.split("```")[1].strip().splitlines()
    assert command == "$ pysock-raw compare --call listen"
    printed = subprocess.run(
        [sys.executable, "-m", "pysock_raw", *command.split()[2:]], capture_output=True, text=True, check=True
    ).stdout
    assert re.fullmatch(r"pysock_raw 0\.1 · C backend .* · CPython .* · Linux .*", machine)
    missing = [line for line in shown if line != "..." and re.sub(r"[\d.]+ s$", "", line) not in printed]
    assert missing == []


def test_how_many_cases_there_are() -> None:
    assert len(chosen((), None)) > 1400
    assert "\nMore than 1,400 cases: what the documents say" in README

"""The comparison notices a C file that is wrong: a copy of the project whose bind answers with another errno."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pysock_raw.conformance.compare import Result

ROOT = Path(__file__).parent.parent
RIGHT = "{ return bind(fd, addr, addrlen); }"
WRONG = "{ int result = bind(fd, addr, addrlen); if (errno == EADDRINUSE) errno = EIO; return result; }"


@pytest.fixture
def wrong_copy(tmp_path, with_c):
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "*.so", "build", "__pycache__"))
    source = copy / "csrc" / "pysock_raw.c"
    text = source.read_text()
    assert RIGHT in text
    source.write_text(text.replace(RIGHT, WRONG))
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=copy, check=True, capture_output=True
    )
    return copy


def test_a_wrong_errno_is_nonconforming(wrong_copy):
    compare = [sys.executable, "-m", "pysock_raw", "compare", "bind/*/in-use", "--format", "json"]
    ran = subprocess.run(compare, cwd=wrong_copy, capture_output=True, text=True)
    assert ran.returncode == 1
    report = json.loads(ran.stdout)
    assert report["summary"]["nonconforming"] == report["summary"]["cases"] >= 4
    assert report["cases"][0]["sides"]["c"]["outcome"]["errno"] == "EIO"
    assert report["cases"][0]["verdicts"]["python"] == "unexplained"


def test_every_case_needs_each_of_its_allowed_outcomes(whole, with_c):
    """Without what it allows, no case conforms: nothing passes for lack of an expectation."""
    for result in whole.ran:
        without = type(result.case)(result.case.id, result.case.shows, (), result.case.program)
        bare = Result(without, result.reference, runs=result.runs)
        assert bare.nonconforming == "its outcome is not among the allowed ones"

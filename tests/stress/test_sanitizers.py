"""The C backend under AddressSanitizer, UndefinedBehaviorSanitizer and valgrind: no report of ours.

The sanitizers need the extension built anew, in a copy of the tree, and the tests run there. Their reports go to
files, so that none is lost in a child or behind a test that looks at what is printed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import FULL

from pysock_raw.conformance.case import chosen

ROOT = Path(__file__).parent.parent.parent
HERE = Path(__file__).parent

TREE = ("csrc", "pysock_raw", "tests", "setup.py", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")
NOT_UNDER_SANITIZERS = {
    "tests/test_attacked.py": "crashes interpreters on purpose",
    "tests/test_page.py": "has a browser, into which they would be loaded too",
    "tests/test_readme.py::test_the_first_example": "has cases without kernel memory: they need some themselves",
    "tests/test_runner.py::test_a_crash_names_its_signal": "crashes on purpose, and they take the signal",
    "tests/test_wrong_c.py::test_every_case_needs_each_of_its_allowed_outcomes": "has those cases too",
}
TESTS = (
    ["tests", *(f"--deselect={test}" for test in NOT_UNDER_SANITIZERS)]
    if FULL
    else [
        *("tests/test_arguments.py", "tests/test_calls.py", "tests/test_errors.py"),
        *("tests/test_messages.py", "tests/test_structures.py", "tests/stress/test_fuzz.py"),
    ]
)
FLAGS = "-fsanitize=address,undefined -fno-omit-frame-pointer -g"
SUPPRESSED = "interceptor_via_fun:write_msghdr\ninterceptor_via_fun:sock_getsockopt\n"
"""The wrapper of recvmsg takes msg_namelen, which tells the length of the whole address, for what the kernel wrote,
also where it cut the address. What recvmsg writes is watched by valgrind, and by the margins of the fuzzer. The same
goes for that of getsockopt and a length beyond its room, in Python's own module."""

pytestmark = [pytest.mark.stress, pytest.mark.timeout(7200)]


def library(name: str) -> str:
    return subprocess.run(
        ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()


class Sanitized:
    """A copy of the tree with a sanitized extension."""

    def __init__(self, root: Path) -> None:
        self.root, self.reports = root / "tree", root / "reports"
        self.reports.mkdir()
        self.reports.chmod(0o1777)  # for children without privileges
        for ancestor in (root, root.parent, root.parent.parent):
            ancestor.chmod(0o755)
        self.root.mkdir()
        for name in TREE:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__", "_c.*"))
            else:
                shutil.copy(ROOT / name, self.root / name)
        (root / "suppressed").write_text(SUPPRESSED)
        self.environment = {**os.environ, "PYTHONPATH": str(self.root)}
        self.run("setup.py", "-q", "build_ext", "--inplace", PYSOCK_RAW_CFLAGS=FLAGS)
        log = f"log_path={self.reports}/report"
        self.environment |= {
            "LD_PRELOAD": " ".join(map(library, ("libasan.so", "libubsan.so"))),
            # The interpreter leaks by design. Freed memory is kept for long, but the fuzzer measures growth.
            "ASAN_OPTIONS": f"detect_leaks=0:quarantine_size_mb=1:suppressions={root}/suppressed:{log}",
            "UBSAN_OPTIONS": f"print_stacktrace=1:{log}",
            "PYTHONMALLOC": "malloc",
        }

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self.environment | environment,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, f"{ran.stdout[-5000:]}\n{ran.stderr[-5000:]}\n{self.reported()}"
        return ran

    def reported(self) -> list[str]:
        """Take the reports."""
        found = []
        for file in sorted(self.reports.iterdir()):
            found.append(file.read_text())
            file.unlink()
        return found


@pytest.fixture(scope="module")
def sanitized(with_c: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sanitized]:
    if not shutil.which("gcc") or not os.path.isabs(library("libasan.so")):
        pytest.skip("gcc with its sanitizers is not installed")
    made = Sanitized(tmp_path_factory.mktemp("sanitized"))
    yield made
    shutil.rmtree(made.root)


PAST_THE_END = """
import os
from pysock_raw.backends._c import ffi, lib
end, other = os.pipe()
os.write(other, bytes(64))
lib.pysock_raw_read(end, ffi.from_buffer(bytearray(8)), 64)
"""


def test_an_error_would_be_reported(sanitized: Sanitized) -> None:
    """Under the checks of arguments.py, where nothing bounds a length."""
    with pytest.raises(AssertionError, match="heap-buffer-overflow"):
        sanitized.run("-c", PAST_THE_END)


def test_the_tests_under_sanitizers(sanitized: Sanitized, figure: Any) -> None:
    options = ["-q", "-p", "no:cacheprovider", "-o", "timeout=1800", "-m", "not stress"]
    ran = sanitized.run("-m", "pytest", *options, *TESTS, PYSOCK_RAW_STRESS="short")
    assert sanitized.reported() == []
    figure(f"sanitizers (address, undefined): {ran.stdout.splitlines()[-1].strip(' =')}: 0 reports")


def test_the_catalogue_under_sanitizers(sanitized: Sanitized, figure: Any) -> None:
    """Not the cases without kernel memory."""
    cases = [
        case.id
        for case in chosen(() if FULL else ("getsockopt", "recvmsg", "recvmmsg", "sendmsg", "sendmmsg"), None)
        if "memory-cgroups" not in case.needs
    ]
    sides = ["--sides", "c,python,stdlib" if FULL else "c"]
    ran = sanitized.run("-m", "pysock_raw", "compare", *sides, "--deadline", "120", *cases)
    assert sanitized.reported() == []
    said = next(line for line in ran.stdout.splitlines() if "unexplained" in line and line[0].isdigit())
    figure(f"sanitizers (address, undefined): compare: {said}: 0 reports")


# --- valgrind ---

CALLS = 20_000 if FULL else 2000
UNDER_VALGRIND = f"""
import random, sys
from pysock_raw.backends import load
from pysock_raw.conformance import machine
sys.path.insert(0, {str(HERE)!r})
import fuzzer
for name in ("INTS", "ODD_INTS", "LENGTHS"):
    usual = [number for number in getattr(fuzzer, name) if type(number) is not int or 0 <= number < 2**31]
    setattr(fuzzer, name, tuple(usual))
class Calls(fuzzer.Fuzzer):
    def _harmless(self, name, args):
        short = name in ("bind", "connect", "sendto") and args[-1] == 1
        nowhere = name in ("poll", "sendmmsg", "recvmmsg") and None in args[:2]
        return not short and not nowhere and super()._harmless(name, args)
machine.network()
calls = Calls(load("c"), random.Random(1))
for number in range({CALLS}):
    if number % 1000 == 0:
        calls.check_descriptors()
    calls.call()
calls.close()
"""
"""Without negative lengths, addresses shorter than a family, and arrays at NULL: the kernel refuses them;
valgrind takes the first two for large ones, and looks at all that would be there."""


def errors(report: Path) -> list[ElementTree.Element]:
    return list(ElementTree.parse(report).getroot().iter("error"))


def ours(error: ElementTree.Element) -> bool:
    """Whether it happened in a call of the extension, and not at the NULL that the call was given: in the first page,
    which nobody can have."""
    text = " ".join(error.itertext())
    memory = not error.findtext("kind", "").startswith("Leak")  # what a process keeps until it ends
    return memory and "/_c." in text and not re.search(r"Address 0x[0-9a-f]{1,3} is not stack'd", text)


def under_valgrind(code: str, report: Path) -> subprocess.CompletedProcess[str]:
    command = [
        "valgrind",
        "--quiet",
        "--xml=yes",
        f"--xml-file={report}",
        "--num-callers=12",
        sys.executable,
        "-c",
        code,
    ]
    environment = {**os.environ, "PYTHONMALLOC": "malloc"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture
def valgrind(with_c: None) -> None:
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")


def test_an_error_would_be_reported_by_valgrind(valgrind: None, tmp_path: Path) -> None:
    under_valgrind(PAST_THE_END, tmp_path / "report.xml")
    assert any(ours(error) for error in errors(tmp_path / "report.xml"))


def test_random_calls_under_valgrind(valgrind: None, figure: Any, tmp_path: Path) -> None:
    """Without suppressions: what the interpreter does by itself is told apart by its stack."""
    ran = under_valgrind(UNDER_VALGRIND, tmp_path / "report.xml")
    assert ran.returncode == 0, ran.stderr[-4000:]
    found = errors(tmp_path / "report.xml")
    mine = [ElementTree.tostring(error, "unicode") for error in found if ours(error)]
    assert mine == []
    figure(
        f"valgrind: {CALLS:,} calls at random: 0 reports of ours, {len(found)} of the interpreter or of NULL on purpose"
    )

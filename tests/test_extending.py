"""The README's way of adding a call, a structure, a case and a difference, done in a copy of the project."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ADDING = (ROOT / "README.md").read_text().partition("\n## Adding to it\n")[2]


class Copy:
    def __init__(self, root):
        self.root = root
        shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".*", "*.so", "build", "__pycache__"))

    def add(self, heading):
        """What the README adds under this heading."""
        self.text = re.split(r"^###? .*\n", ADDING.partition(f"\n### {heading}\n")[2], flags=re.MULTILINE)[0]
        (diff,) = re.findall(r"^```diff\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)
        for file, lines in re.findall(r"^\+\+\+ (.*)\n((?:(?!\+\+\+).*\n)+)", diff, re.MULTILINE):
            for hunk in lines.split("@@\n"):
                self._change(self.root / file, hunk.splitlines(keepends=True))

    def _change(self, file, lines):
        there = "".join(line[1:] for line in lines if line[0] != "+")
        wanted = "".join(line[1:] for line in lines if line[0] != "-")
        text = file.read_text() if file.exists() else ""
        assert text.count(there) == 1 or not text, f"{there!r} is not once in {file.name}"
        file.write_text(text.replace(there, wanted) if text else wanted)

    def run(self, command, status=0):
        """What a command prints that the README names under the heading, and that has to end with this status."""
        assert f"`{command}`" in self.text
        return self.python("-m", *command.replace("pysock-raw", "pysock_raw").split(), status=status)

    def python(self, *arguments, status=0):
        ran = subprocess.run([sys.executable, *arguments], cwd=self.root, capture_output=True, text=True)
        assert ran.returncode == status, ran.stdout + ran.stderr
        return ran.stdout


def test_each_addition_in_turn(tmp_path, with_c):
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    copy = Copy(tmp_path / "copy")

    copy.add("A call")
    copy.python("setup.py", "-q", "build_ext", "--inplace")
    copy.run("pytest tests/test_contract.py tests/test_checked.py")

    copy.add("A structure")
    copy.run("pytest tests/test_structures.py")
    assert copy.python("-c", "import pysock_raw as c; print(c.in_pktinfo(2).ipi_ifindex)") == "2\n"

    copy.add("A case")
    assert "1 case · 1 unexplained" in copy.run("pysock-raw compare dup", status=1)

    copy.add("A difference")
    assert "\ndup-close-on-exec " in copy.run("pysock-raw compare dup")
    copy.run("pytest tests/test_differences.py -k dup")

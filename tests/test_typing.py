"""The types as users see them: mypy and pyright, as strict as they can be, find nothing wrong with a program that uses
every public name, which is written from the contract, and find what is wrong with another."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pysock_raw import constants, structures
from pysock_raw.backends import contract

ROOT = Path(__file__).parent.parent
HEAD = {
    "pysock_raw": "import pysock_raw as c",
    "checked": "from pysock_raw import checked as c",
}
VALUES = {
    **dict.fromkeys(("Int", "Fd", "UInt", "UInt16", "UInt32", "Size", "Socklen", "int"), ("1", "int")),
    "str": ('"1"', "str"),
    "Text": ('"1"', "str"),
    "Readable": ('b"1"', "bytes"),
    "Writable": ("bytearray(1)", "bytearray"),
    "Buffer | None": ("None", "Buffer | None"),
    "memoryview": ('memoryview(b"1")', "memoryview"),
    "SocklenPointer": ("c.socklen_t(1)", "c.socklen_t"),
    "TimespecPointer": ("c.timespec(1)", "c.timespec"),
    "msghdr": ("c.msghdr()", "c.msghdr"),
    "cmsghdr": ("c.cmsghdr()", "c.cmsghdr"),
    "cmsghdr | None": ("None", "c.cmsghdr | None"),
    "Any": ("c.msghdr()", "c.msghdr"),
}
"""What the contract calls a type: an expression of it, and what a checker calls it."""
WRONG = [
    'c.socket("AF_INET", c.SOCK_STREAM, 0)',
    "c.bind(3, 16, 16)",
    "c.accept(3, None, 16)",
    "c.accept(3, None)",
    "c.listen(fd=3, backlog=5)",
    "c.recvmmsg(3, None, 0, 0, 5)",
    'name: str = c.inet_pton(c.AF_INET, "127.0.0.1", bytearray(4))',
    "c.CMSG_NXTHDR(None, None)",
    "timeout: float = c.backend",
    'c.sockaddr_in().sin_port = "80"',
    "name: str = c.pollfd().fd",
    "c.msghdr().msg_iov = 5",
    'c.sockaddr_un().sun_path = "server"',
]


def every_name() -> list[str]:
    """Lines that use every public name as the contract has it. `assert_type` takes no Any."""
    lines = ["from typing_extensions import Buffer, assert_type"]
    for name in contract.FUNCTIONS:
        *parameters, result = vars(contract.Backend)[name].__annotations__.values()
        if name != "emulated":  # which backends have for themselves
            lines.append(
                f"assert_type(c.{name}({', '.join(VALUES[kind][0] for kind in parameters)}), {VALUES[result][1]})"
            )
    for name in structures.__all__:
        lines.append(f"assert_type(c.{name}(), c.{name})")
        members = getattr(getattr(structures, name), "_fields_", [])
        lines += [f"print(c.{name}().{member[0].removeprefix('_')})" for member in members]
        for member, kind in getattr(getattr(structures, name), "__annotations__", {}).items():
            seen = kind.removeprefix("Member[").removesuffix("]")
            if seen != "Any":
                lines.append(f"assert_type(c.{name}().{member}, {seen if seen in ('int', 'bytes') else f'c.{seen}'})")
    lines += [f"assert_type(c.{name}, int)" for name in constants.NAMES]
    return [*lines, "assert_type(c.backend, str)", "assert_type(c.backend_reason, str)", 'raise c.Inexpressible("")']


@pytest.fixture(params=["mypy", "pyright"])
def check(request, tmp_path):
    """check(lines): {number of a line of the program: what the checker finds wrong with it}"""
    checker = shutil.which(request.param, path=str(Path(sys.executable).parent))
    if checker is None:
        pytest.skip(f"{request.param} is not installed: pip install -e '.[lint]'")
    settings = {"include": ["program.py"], "strict": ["**"], "extraPaths": [str(ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = {"mypy": [checker, "--strict", "--config-file=", "program.py"], "pyright": [checker]}[request.param]

    def check(lines: list[str]) -> dict[int, str]:
        (tmp_path / "program.py").write_text("\n".join(lines) + "\n")
        ran = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(ROOT)}, capture_output=True, text=True
        )
        found = re.findall(r"program\.py:(\d+):.*?\berror\b:? *(.*)", ran.stdout)
        assert ran.returncode == bool(found), ran.stdout + ran.stderr
        return {int(number): text for number, text in found}

    return check


@pytest.mark.parametrize("module", HEAD)
def test_program_with_every_public_name(module, check):
    assert check([HEAD[module], *every_name()]) == {}


@pytest.mark.parametrize("module", HEAD)
def test_wrong_program(module, check):
    assert set(check([HEAD[module], *WRONG])) == set(range(2, 2 + len(WRONG)))

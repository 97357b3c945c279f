"""What is made of a script that Python ends with an exception: the difference before it explains what follows from it,
and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pysock_raw.conformance.compare import compare_script

FLAG = """
import pysock_raw as c
fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
flag = c.fcntl(fd, c.F_GETFD, 0)
"""
"""PEP 446: 0 in C, FD_CLOEXEC in Python."""

ENDS: dict[str, tuple[str, str, str | None]] = {
    "what the program makes of the difference": ("assert flag == 0\nc.listen(fd, 1)", "differs", None),
    "what Python itself raises": (
        "c.inet_pton(c.AF_INET, b'300.0.0.1', bytearray(4))\nc.listen(fd, 1)",
        "refused",
        "bind-text-that-is-no-address",
    ),
    "what Python itself raises at the end": (
        "c.inet_pton(c.AF_INET, b'300.0.0.1', bytearray(4))",
        "unexplained",
        None,
    ),
    "a name that Python lacks": (
        "c.setsockopt(fd, c.SOL_SOCKET, c.SO_PEEK_OFF, c.c_int(1), 4)",
        "differs",
        "setsockopt-names-of-socket-options",
    ),
    "a call that Python refuses": ("c.bind(fd, None, 16)\nc.listen(fd, 1)", "refused", "bind-null-address"),
}


@pytest.mark.parametrize(("more", "verdict", "second"), ENDS.values(), ids=ENDS)
def test_an_end_after_a_difference(
    more: str, verdict: str, second: str | None, with_c: None, sides: Any, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(FLAG + more)
    (result,) = compare_script(script, sides).results
    found = result.comparisons["stdlib"]
    assert (found.verdict, found.differences) == (verdict, ["socket-close-on-exec", *([second] if second else [])])


PORT = """
import contextlib
import pysock_raw as c
fd = c.socket(c.AF_INET, c.SOCK_DGRAM, 0)
with contextlib.suppress(Exception):
    c.sendmmsg(fd, (c.mmsghdr * 1)(), 1, 0)
c.getsockname(fd, c.sockaddr_in(), c.socklen_t(16))
"""


def test_a_port_that_the_kernel_gave_on_one_side_alone(with_c: None, sides: Any, tmp_path: Path) -> None:
    """sendmmsg to nobody fails after the kernel has bound the socket (inet_autobind); Python has no such call."""
    script = tmp_path / "script.py"
    script.write_text(PORT)
    (result,) = compare_script(script, sides).results
    found = result.comparisons["stdlib"]
    assert (found.verdict, found.differences, found.uncompared) == ("inexpressible", ["sendmmsg-missing"], 1)
    assert result.comparisons["python"].verdict == "same"

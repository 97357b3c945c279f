"""pysock_raw.checked: the same calls, which return their value or raise."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pysock_raw
from pysock_raw import checked
from pysock_raw.backends import contract

IN_USE = """
import sys
from pysock_raw import checked as c
address = c.sockaddr_in(sin_family=c.AF_INET)
fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
c.bind(fd, address, c.sizeof(address))
c.getsockname(fd, address, c.socklen_t(c.sizeof(address)))
c.bind(c.socket(c.AF_INET, c.SOCK_STREAM, 0), address, c.sizeof(address))
"""

FAILURES: list[tuple[str, tuple[Any, ...], type[OSError], str]] = [
    ("socket", (-1, 1, 0), OSError, "EAFNOSUPPORT"),
    ("setsockopt", (-1, 1, 2, None, 0), OSError, "EBADF"),
    ("bind", (-1, None, 0), OSError, "EBADF"),
    ("listen", (-1, 1), OSError, "EBADF"),
    ("accept", (-1, None, None), OSError, "EBADF"),
    ("connect", (-1, None, 0), OSError, "EBADF"),
    ("accept4", (-1, None, None, 0), OSError, "EBADF"),
    ("socketpair", (-1, 1, 0, bytearray(8)), OSError, "EAFNOSUPPORT"),
    ("getsockopt", (-1, 1, 3, bytearray(4), pysock_raw.socklen_t(4)), OSError, "EBADF"),
    ("getsockname", (-1, None, None), OSError, "EBADF"),
    ("getpeername", (-1, None, None), OSError, "EBADF"),
    ("shutdown", (-1, 2), OSError, "EBADF"),
    ("sendmsg", (-1, None, 0), OSError, "EBADF"),
    ("recvmsg", (-1, None, 0), OSError, "EBADF"),
    ("sendmmsg", (-1, None, 1, 0), OSError, "EBADF"),
    ("recvmmsg", (-1, None, 1, 0, None), OSError, "EBADF"),
    ("close", (-1,), OSError, "EBADF"),
    ("read", (-1, bytearray(1), 1), OSError, "EBADF"),
    ("write", (-1, b"x", 1), OSError, "EBADF"),
    ("send", (-1, b"x", 1, 0), OSError, "EBADF"),
    ("recv", (-1, bytearray(1), 1, 0), OSError, "EBADF"),
    ("sendto", (-1, b"x", 1, 0, None, 0), OSError, "EBADF"),
    ("recvfrom", (-1, bytearray(1), 1, 0, None, None), OSError, "EBADF"),
    ("poll", (None, 1, 0), OSError, "EFAULT"),
    ("fcntl", (-1, 1, 0), OSError, "EBADF"),
    ("inet_pton", (1, "127.0.0.1", bytearray(16)), OSError, "EAFNOSUPPORT"),
    ("inet_ntop", (2, bytes(4), bytearray(1), 1), OSError, "ENOSPC"),
]


@pytest.mark.parametrize(("name", "args", "error", "number"), FAILURES, ids=[row[0] for row in FAILURES])
def test_failure_is_an_exception(name: str, args: tuple[Any, ...], error: type[OSError], number: str) -> None:
    with pytest.raises(error) as raised:
        getattr(checked, name)(*args)
    assert raised.value.errno == getattr(errno, number)
    assert str(raised.value) == f"[Errno {raised.value.errno}] {name}: {os.strerror(raised.value.errno)}"


def test_every_call_is_among_them() -> None:
    assert {row[0] for row in FAILURES} == {*contract.CALLS, "inet_pton", "inet_ntop"}


def test_class_of_the_exception_follows_errno(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "nobody")
    address = checked.sockaddr_un(sun_family=checked.AF_UNIX, sun_path=path)
    fd = checked.socket(checked.AF_UNIX, checked.SOCK_STREAM, 0)
    try:
        with pytest.raises(FileNotFoundError, match="connect: No such file or directory"):
            checked.connect(fd, address, checked.sizeof(address))
        checked.bind(fd, address, checked.sizeof(address))
        checked.fcntl(fd, checked.F_SETFL, checked.O_NONBLOCK)
        checked.listen(fd, 1)
        with pytest.raises(BlockingIOError, match="accept: Resource temporarily unavailable"):
            checked.accept(fd, None, None)
    finally:
        checked.close(fd)


def test_success_is_the_value() -> None:
    ends = (checked.c_int * 2)()
    assert checked.socketpair(checked.AF_UNIX, checked.SOCK_STREAM, 0, ends) == 0
    buffer, text = bytearray(4), bytearray(16)
    try:
        assert checked.write(ends[0], b"data", 4) == 4
        assert checked.read(ends[1], buffer, 4) == 4
    finally:
        for end in ends:
            checked.close(end)
    assert buffer == b"data"
    assert checked.inet_pton(checked.AF_INET, "no address", bytearray(4)) == 0
    assert checked.inet_ntop(checked.AF_INET, b"\x7f\0\0\1", text, 16) is text


def test_bad_argument_is_what_it_is_without_checks() -> None:
    with pytest.raises(ValueError, match=r"addrlen\.value is 128, and addr has only 16 bytes"):
        checked.accept(-1, checked.sockaddr_in(), checked.socklen_t(128))


def test_everything_else_is_that_of_the_package() -> None:
    for name in ("AF_INET", "EBADF", "sockaddr_in", "socklen_t", "htons", "strerror", "get_errno", "sizeof", "backend"):
        assert getattr(checked, name) is getattr(pysock_raw, name)


@pytest.mark.parametrize("name", [row[0] for row in FAILURES])
def test_calls_have_their_names_and_the_descriptions_of_the_contract(name: str) -> None:
    call = getattr(checked, name)
    assert (call.__name__, call.__qualname__) == (name, name)
    assert call.__doc__ == getattr(contract.Backend, name).__doc__


def test_uncaught_exception_names_the_call() -> None:
    result = subprocess.run([sys.executable, "-c", IN_USE], capture_output=True, text=True, timeout=60)
    assert result.stderr.splitlines()[-1] == f"OSError: [Errno {errno.EADDRINUSE}] bind: Address already in use"

"""accept4 and its flags."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, error
from pysock_raw.conformance.kinds import (
    TCP,
    client,
    listener,
    must,
)
from pysock_raw.trace_values import errno_name


@case(
    "accept4/tcp/flags-of-the-new-descriptor",
    "SOCK_CLOEXEC and SOCK_NONBLOCK set exactly those flags of the new descriptor",
    descriptor("accept4(2)", observed=[[1, False], [0, True], [1, True], [0, False]]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, TCP)
    found: list[object] = []
    for flags in (c.SOCK_CLOEXEC, c.SOCK_NONBLOCK, c.SOCK_CLOEXEC | c.SOCK_NONBLOCK, 0):
        client(c, TCP, address)
        fd = c.accept4(server, None, None, flags)
        found.append([c.fcntl(fd, c.F_GETFD, 0), bool(c.fcntl(fd, c.F_GETFL, 0) & c.O_NONBLOCK)])
    return found


UNKNOWN_FLAG = 1  # neither SOCK_NONBLOCK nor SOCK_CLOEXEC on any architecture


@case("accept4/tcp/unknown-flag", "a flag that there is not", error("EINVAL", "accept4(2)"), needs=["linux", "glibc"])
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    c.accept4(server, None, None, UNKNOWN_FLAG)


@case(
    "accept4/tcp/unknown-flag-keeps-the-connection",
    "accept4 with a wrong flag takes nothing off the queue",
    descriptor("an experiment: __sys_accept4_file in net/socket.c", observed="EINVAL"),
    needs=["linux", "glibc"],
)
def _(c: Backend, box: Box) -> str:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    c.accept4(server, None, None, UNKNOWN_FLAG)
    said = errno_name(c.get_errno())
    c.accept4(server, None, None, 0)
    return said


@case(
    "accept4/closed-descriptor-before-flags",
    "the descriptor is looked up before the flags are looked at",
    error("EBADF", "an experiment: __sys_accept4 in net/socket.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd = TCP.socket(c)
    must(c, c.close(fd))
    c.accept4(fd, None, None, UNKNOWN_FLAG)


@case(
    "accept4/flags-before-no-socket",
    "the flags are looked at before the descriptor is found to be no socket",
    error("EINVAL", "an experiment: __sys_accept4_file in net/socket.c"),
    needs=["linux", "glibc"],
)
def _(c: Backend, box: Box) -> None:
    c.accept4(box.pipe()[0], None, None, UNKNOWN_FLAG)

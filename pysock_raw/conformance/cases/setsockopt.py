"""setsockopt: what it changes, and what it prevents ("address already in use")."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, success
from pysock_raw.conformance.kinds import (
    TCP,
    UDP,
    bound,
    client,
    listener,
    must,
    name_of,
    option,
    same_address,
    set_option,
)

MANIPULATES = "This helps in manipulating options for the socket referred by the file descriptor sockfd."
OPTIONAL = "This is completely optional, but it helps in reuse of address and port."
PREVENTS = 'Prevents error such as: "address already in use".'


@case(
    "setsockopt/changes-one-option",
    "an option is 0, is set, reads back as set, and belongs to this socket alone",
    success("POSIX.1 setsockopt; socket(7)", observed=[0, 1, 0]),
    statement=MANIPULATES,
)
def _(c: Backend, box: Box) -> list[int]:
    fd, other = TCP.socket(c), TCP.socket(c)
    before = option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE)
    set_option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1)
    return [before, option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE), option(c, other, c.SOL_SOCKET, c.SO_KEEPALIVE)]


@case(
    "setsockopt/structure",
    "an option may be a structure: SO_LINGER reads back as it was set",
    success("POSIX.1 setsockopt; socket(7)", observed=[1, 7]),
    statement=MANIPULATES,
)
def _(c: Backend, box: Box) -> list[int]:
    fd, value = TCP.socket(c), c.linger(l_onoff=1, l_linger=7)
    c.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, value, c.sizeof(value))
    back, length = c.linger(), c.socklen_t(8)
    must(c, c.getsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, back, length))
    return [back.l_onoff, back.l_linger]


def _restart(c: Backend, reuse: int) -> str | None:
    """A server that closed its connections first leaves them in TIME_WAIT; then it starts again."""
    first, address = listener(c, TCP)
    must(c, set_option(c, first, c.SOL_SOCKET, c.SO_REUSEADDR, reuse))
    ours = client(c, TCP, address)
    theirs = must(c, c.accept(first, None, None))
    must(c, c.shutdown(theirs, c.SHUT_WR))
    must(c, c.recv(ours, bytearray(1), 1, 0))
    for fd in (ours, theirs, first):
        must(c, c.close(fd))
    second = TCP.socket(c)
    set_option(c, second, c.SOL_SOCKET, c.SO_REUSEADDR, reuse)
    return None if c.bind(second, *address) == 0 else c.strerror(c.get_errno())


@case(
    "setsockopt/optional",
    "without SO_REUSEADDR a server that restarts finds its port in TIME_WAIT: address already in use",
    success("tcp(7); socket(7) SO_REUSEADDR", observed="Address already in use"),
    statement=OPTIONAL,
)
def _(c: Backend, box: Box) -> str | None:
    return _restart(c, reuse=0)


@case(
    "setsockopt/prevents-address-in-use",
    "with SO_REUSEADDR a server that restarts gets its port back, though it is in TIME_WAIT",
    success("tcp(7); socket(7) SO_REUSEADDR", observed=None),
    statement=PREVENTS,
)
def _(c: Backend, box: Box) -> str | None:
    return _restart(c, reuse=1)


@case(
    "setsockopt/prevents-no-second-listener",
    "SO_REUSEADDR does not let a second server have the port of one that listens",
    success("socket(7) SO_REUSEADDR", observed="Address already in use"),
    statement=PREVENTS,
)
def _(c: Backend, box: Box) -> str | None:
    fd, address = listener(c, TCP)
    must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1))
    second = TCP.socket(c)
    set_option(c, second, c.SOL_SOCKET, c.SO_REUSEADDR, 1)
    return None if c.bind(second, *address) == 0 else c.strerror(c.get_errno())


@case(
    "setsockopt/reuses-port",
    "with SO_REUSEPORT on both, two sockets of one user have the same address and port",
    success("socket(7) SO_REUSEPORT", observed=True),
    statement=OPTIONAL,
)
def _(c: Backend, box: Box) -> bool:
    one, two = UDP.socket(c), UDP.socket(c)
    for fd in (one, two):
        set_option(c, fd, c.SOL_SOCKET, c.SO_REUSEPORT, 1)
    must(c, c.bind(one, *UDP.address(c)))
    must(c, c.bind(two, *name_of(c, one, UDP)))
    return same_address(name_of(c, one, UDP), name_of(c, two, UDP))


@case(
    "setsockopt/buffer-is-doubled",
    "Linux doubles a buffer size for its own book-keeping",
    success("socket(7) SO_RCVBUF", observed=16384),
    needs=["linux"],
    statement=MANIPULATES,
)
def _(c: Backend, box: Box) -> int:
    fd, _ = bound(c, UDP)
    set_option(c, fd, c.SOL_SOCKET, c.SO_RCVBUF, 8192)
    return option(c, fd, c.SOL_SOCKET, c.SO_RCVBUF)

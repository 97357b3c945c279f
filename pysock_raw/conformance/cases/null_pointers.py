"""NULL for the pointers that the other modules leave out."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import TCP, UDP, bound, client, connected, listener, must, wait_readable


@case(
    "accept4/tcp/null-addrlen",
    "a place for the address but NULL for its length; the connection is lost",
    error("EFAULT", "accept(2)"),
)
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    c.accept4(server, c.sockaddr_in(), None, 0)


@case("getsockname/tcp/nothing-but-null", "NULL for the address and for its length", error("EFAULT", "getsockname(2)"))
def _(c: Backend, box: Box) -> None:
    c.getsockname(TCP.socket(c), None, None)


@case("getpeername/tcp/null-length", "NULL for the length", error("EFAULT", "getpeername(2)"))
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    c.getpeername(ours, c.sockaddr_in(), None)


@case(
    "getsockname/tcp/null-address-with-room",
    "NULL for the address, and a length that says that there is room",
    error("EFAULT", "getsockname(2)"),
)
def _(c: Backend, box: Box) -> None:
    c.getsockname(TCP.socket(c), None, c.socklen_t(16))


@case(
    "getpeername/tcp/null-address-with-room",
    "NULL for the address, and a length that says that there is room",
    error("EFAULT", "getpeername(2)"),
)
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    c.getpeername(ours, None, c.socklen_t(16))


@case("recvfrom/udp/null-buffer", "NULL as buffer: the datagram is lost", error("EFAULT", "recvfrom(2)"))
def _(c: Backend, box: Box) -> None:
    fd, address = bound(c, UDP)
    must(c, c.sendto(UDP.socket(c), b"lost", 4, 0, *address))
    wait_readable(c, fd)
    c.recvfrom(fd, None, 4, 0, None, None)


@case(
    "getsockname/tcp/null-address",
    "NULL for the address is allowed where the length is 0",
    success("an experiment: move_addr_to_user in net/socket.c", observed=16),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    length = c.socklen_t(0)
    c.getsockname(TCP.socket(c), None, length)
    return int(length.value)

"""Lengths that the kernel refuses, beside those that misuse.py has for each of the six calls."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    TCP,
    UDP,
    Address,
    Kind,
    client,
    connected,
    inet,
    inet6,
    listener,
    pair,
)
from pysock_raw.conformance.messages import message

# --- addresses that the kernel reads ---

Send = Callable[[Backend, int, Address], int]


def _bind(c: Backend, fd: int, address: Address) -> int:
    return c.bind(fd, *address)


def _connect(c: Backend, fd: int, address: Address) -> int:
    return c.connect(fd, *address)


def _sendto(c: Backend, fd: int, address: Address) -> int:
    return c.sendto(fd, b"x", 1, 0, *address)


def _sendmsg(c: Backend, fd: int, address: Address) -> int:
    return c.sendmsg(fd, message(c, b"x", to=address), 0)


def _negative(c: Backend) -> Address:
    return inet(c, c.INADDR_LOOPBACK, 9)[0], -1


def _beyond_storage(c: Backend) -> Address:
    return bytearray(bytes(inet(c, c.INADDR_LOOPBACK, 9)[0]).ljust(200, b"\0")), 200


def _beyond_sockaddr_un(c: Backend) -> Address:
    return bytearray(bytes(c.sockaddr_un(sun_family=c.AF_UNIX, sun_path=b"server")).ljust(120, b"\0")), 120


#: id, what is wrong, its source, the kind of socket, the call, the address
ADDRESSES: list[tuple[str, str, str, Kind, Send, Callable[[Backend], Address]]] = [
    ("connect/negative-length", "a negative length", "connect(2)", TCP, _connect, _negative),
    ("connect/too-long-address", "a length beyond sockaddr_storage", "connect(2)", TCP, _connect, _beyond_storage),
    ("sendto/udp/negative-length", "a negative length", "sendto(2)", UDP, _sendto, _negative),
    ("sendto/udp/too-long-address", "a length beyond sockaddr_storage", "sendto(2)", UDP, _sendto, _beyond_storage),
    ("bind/local/longer-than-sockaddr_un", "a length beyond sockaddr_un", "bind(2)", LOCAL, _bind,
     _beyond_sockaddr_un),
    ("connect/local/longer-than-sockaddr_un", "a length beyond sockaddr_un", "connect(2)", LOCAL, _connect,
     _beyond_sockaddr_un),
    ("sendto/local-dgram/longer-than-sockaddr_un", "a length beyond sockaddr_un", "sendto(2)", LOCAL_DGRAM, _sendto,
     _beyond_sockaddr_un),
    ("sendmsg/local-dgram/longer-than-sockaddr_un", "a length beyond sockaddr_un", "sendmsg(2)", LOCAL_DGRAM, _sendmsg,
     _beyond_sockaddr_un),
]  # fmt: skip


def _refused(id: str, shows: str, source: str, kind: Kind, send: Send, address: Callable[[Backend], Address]) -> None:
    @case(id, f"{shows} is refused", error("EINVAL", source), needs=["linux"])
    def _(c: Backend, box: Box) -> None:
        send(c, kind.socket(c), address(c))


for _row in ADDRESSES:
    _refused(*_row)


@case(
    "sendto/local/address-of-0-bytes",
    "an address of 0 bytes is none: sendto is send",
    success("an experiment: unix_stream_sendmsg in net/unix/af_unix.c looks at the length alone", result=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, _ = pair(c, c.SOCK_STREAM)
    c.sendto(one, b"x", 1, 0, c.sockaddr_un(sun_family=c.AF_UNIX), 0)


def _without_scope(call: str, send: Send) -> None:
    @case(
        f"{call}/udp6/without-scope",
        "an IPv6 address of 24 bytes is one of RFC 2133, which had no scope yet",
        success("an experiment: SIN6_LEN_RFC2133 in net/ipv6", result=int(call == "sendto")),
        needs=["ipv6", "linux"],
    )
    def _(c: Backend, box: Box) -> None:
        fd = c.socket(c.AF_INET6, c.SOCK_DGRAM, 0)
        send(c, fd, (inet6(c, "::1", 0 if call == "bind" else 9)[0], 24))


for _call, _send in (("bind", _bind), ("connect", _connect), ("sendto", _sendto)):
    _without_scope(_call, _send)


# --- lengths that go in and come out ---


@case(
    "accept4/tcp/negative-addrlen",
    "a negative length for the address; the connection is lost",
    error("EINVAL", "accept(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    c.accept4(server, c.sockaddr_in(), c.socklen_t(-1), 0)


@case("getpeername/tcp/negative-length", "a negative length", error("EINVAL", "getpeername(2)"), needs=["linux"])
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    c.getpeername(ours, c.sockaddr_in(), c.socklen_t(-1))


@case(
    "accept/tcp/nobody-asked-for-the-length",
    "without a place for the address its length is not looked at, not even a negative one",
    error("EAGAIN", "accept(2); an experiment: do_accept in net/socket.c", observed=2**32 - 1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    server, length = TCP.socket(c, c.SOCK_NONBLOCK), c.socklen_t(-1)
    c.listen(server, 1)
    c.accept(server, None, length)
    return int(length.value)


@case(
    "poll/null-of-0-entries",
    "an array of 0 entries may be NULL: poll just waits",
    success("POSIX.1 poll"),
)
def _(c: Backend, box: Box) -> None:
    c.poll(None, 0, 0)

"""Failures: -1, and the errno that POSIX or the manual page names; worked out by the backend only where said."""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Sockets, name_of

INVALID = 2**31
"""As a socklen_t, a length that is negative as an int."""


def loopback(a: Any, port: int = 0) -> Any:
    address = a.sockaddr_in(sin_family=a.AF_INET, sin_port=socket.htons(port))
    address.sin_addr.s_addr = socket.htonl(0x7F000001)
    return address


def nowhere(a: Any) -> Any:
    """192.0.2.1, of TEST-NET-1 (RFC 5737), which no machine has."""
    address = loopback(a, 9)
    address.sin_addr.s_addr = socket.htonl(0xC0000201)
    return address


def local(a: Any, path: Any) -> Any:
    return a.sockaddr_un(sun_family=a.AF_UNIX, sun_path=os.fsencode(path))


# --- descriptors: the same for every call that takes one ---

CALLS: dict[str, Callable[[Any, int], int]] = {
    "setsockopt": lambda a, fd: a.setsockopt(fd, a.SOL_SOCKET, a.SO_REUSEADDR, a.c_int(1), 4),
    "bind": lambda a, fd: a.bind(fd, loopback(a), 16),
    "listen": lambda a, fd: a.listen(fd, 1),
    "accept": lambda a, fd: a.accept(fd, a.sockaddr_in(), a.socklen_t(16)),
    "connect": lambda a, fd: a.connect(fd, loopback(a, 9), 16),
    "accept4": lambda a, fd: a.accept4(fd, None, None, a.SOCK_NONBLOCK),
    "getsockopt": lambda a, fd: a.getsockopt(fd, a.SOL_SOCKET, a.SO_TYPE, a.c_int(), a.socklen_t(4)),
    "getsockname": lambda a, fd: a.getsockname(fd, a.sockaddr_in(), a.socklen_t(16)),
    "getpeername": lambda a, fd: a.getpeername(fd, a.sockaddr_in(), a.socklen_t(16)),
    "shutdown": lambda a, fd: a.shutdown(fd, a.SHUT_RDWR),
    "send": lambda a, fd: a.send(fd, b"x", 1, 0),
    "recv": lambda a, fd: a.recv(fd, bytearray(1), 1, 0),
    "sendto": lambda a, fd: a.sendto(fd, b"x", 1, 0, loopback(a, 9), 16),
    "recvfrom": lambda a, fd: a.recvfrom(fd, bytearray(1), 1, 0, None, None),
    "sendmsg": lambda a, fd: a.sendmsg(fd, a.msghdr(), 0),
    "recvmsg": lambda a, fd: a.recvmsg(fd, a.msghdr(), 0),
    "sendmmsg": lambda a, fd: a.sendmmsg(fd, (a.mmsghdr * 1)(), 1, 0),
    "recvmmsg": lambda a, fd: a.recvmmsg(fd, (a.mmsghdr * 1)(), 1, 0, None),
}
FILE_CALLS: dict[str, Callable[[Any, int], int]] = {
    "close": lambda a, fd: a.close(fd),
    "read": lambda a, fd: a.read(fd, bytearray(1), 1),
    "write": lambda a, fd: a.write(fd, b"x", 1),
    "fcntl": lambda a, fd: a.fcntl(fd, a.F_GETFD, 0),
}


@pytest.mark.parametrize("call", CALLS | FILE_CALLS)
@pytest.mark.parametrize("kind", ["closed", "negative", "largest"])
def test_number_that_is_no_descriptor(call: str, kind: str, sockets: Sockets) -> None:
    api = sockets.api
    fd = {"closed": sockets.closed(), "negative": -1, "largest": 2**31 - 1}[kind]
    assert (CALLS | FILE_CALLS)[call](api, fd) == -1
    assert name_of(api.get_errno()) == "EBADF"
    assert not api.emulated()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["file", "pipe", "path"])
def test_descriptor_that_is_no_socket(call: str, kind: str, sockets: Sockets) -> None:
    api = sockets.api
    if kind == "path" and not hasattr(os, "O_PATH"):
        pytest.skip("this Python has no os.O_PATH")
    if kind == "pipe":
        fd, _ = map(sockets.own, os.pipe())
    else:
        fd = sockets.own(os.open(os.devnull, os.O_PATH if kind == "path" else os.O_RDWR))
    assert CALLS[call](api, fd) == -1
    # open(2): with O_PATH the descriptor is good for few calls; the others fail with EBADF.
    assert name_of(api.get_errno()) == ("EBADF" if kind == "path" else "ENOTSOCK")
    assert not api.emulated()


# --- every other failure, a row each ---


@dataclass(frozen=True)
class Failure:
    call: str
    id: str
    run: Callable[[Sockets, Any], Any]
    """The call that fails, given the test's sockets and the backend."""
    errno: str
    emulated: bool = False
    """Whether the fallback works the answer out by itself."""

    def __str__(self) -> str:
        return f"{self.call}: {self.id}"


THE_SOCKET = [
    Failure("socket", "family -1", lambda s, a: a.socket(-1, a.SOCK_STREAM, 0), "EAFNOSUPPORT"),
    Failure("socket", "no such family", lambda s, a: a.socket(12345, a.SOCK_STREAM, 0), "EAFNOSUPPORT"),
    Failure("socket", "AF_UNSPEC", lambda s, a: a.socket(a.AF_UNSPEC, a.SOCK_STREAM, 0), "EAFNOSUPPORT"),
    Failure("socket", "type -1", lambda s, a: a.socket(a.AF_INET, -1, 0), "EINVAL"),
    Failure("socket", "unknown flag", lambda s, a: a.socket(a.AF_INET, a.SOCK_STREAM | 0x100, 0), "EINVAL"),
    Failure("socket", "type 0", lambda s, a: a.socket(a.AF_INET, 0, 0), "ESOCKTNOSUPPORT"),
    Failure("socket", "protocol -1", lambda s, a: a.socket(a.AF_INET, a.SOCK_STREAM, -1), "EINVAL"),
    Failure("socket", "protocol -1, AF_UNIX", lambda s, a: a.socket(a.AF_UNIX, a.SOCK_DGRAM, -1), "EPROTONOSUPPORT"),
    Failure(
        "socket",
        "protocol of another type",
        lambda s, a: a.socket(a.AF_INET, a.SOCK_STREAM, a.IPPROTO_UDP),
        "EPROTONOSUPPORT",
    ),
    Failure("socketpair", "AF_INET", lambda s, a: a.socketpair(a.AF_INET, 1, 0, bytearray(8)), "EOPNOTSUPP"),
    Failure("socketpair", "family -1", lambda s, a: a.socketpair(-1, 1, 0, bytearray(8)), "EAFNOSUPPORT"),
    Failure("socketpair", "type -1", lambda s, a: a.socketpair(a.AF_UNIX, -1, 0, bytearray(8)), "EINVAL"),
    Failure("socketpair", "NULL", lambda s, a: a.socketpair(a.AF_UNIX, 1, 0, None), "EFAULT", emulated=True),
    Failure(
        "socketpair",
        "NULL comes before the family",
        lambda s, a: a.socketpair(-1, 1, 0, None),
        "EFAULT",
        emulated=True,
    ),
]


def option(optname: str, value: Any, length: int, level: str = "SOL_SOCKET") -> Callable[[Sockets, Any], Any]:
    return lambda s, a: a.setsockopt(s.socket(), getattr(a, level), getattr(a, optname), value, length)


def asked(level: int, optname: int, size: int | None, length: int | None) -> Callable[[Sockets, Any], Any]:
    def run(s: Sockets, a: Any) -> Any:
        value = None if size is None else bytearray(size)
        return a.getsockopt(s.socket(), level, optname, value, None if length is None else a.socklen_t(length))

    return run


OPTIONS = [
    Failure("setsockopt", "NULL", option("SO_REUSEADDR", None, 4), "EFAULT"),
    Failure("setsockopt", "short", option("SO_REUSEADDR", b"\1", 1), "EINVAL"),
    Failure("setsockopt", "empty", option("SO_REUSEADDR", b"", 0), "EINVAL"),
    Failure("setsockopt", "NULL and 0", option("SO_REUSEADDR", None, 0), "EINVAL"),
    Failure("setsockopt", "length -1", option("SO_REUSEADDR", bytes(4), -1), "EINVAL"),
    Failure("setsockopt", "short timeval", option("SO_RCVTIMEO", bytes(8), 8), "EINVAL"),
    Failure("setsockopt", "microseconds", option("SO_RCVTIMEO", b"\xff" * 16, 16), "EDOM"),
    Failure("setsockopt", "SO_TYPE", option("SO_TYPE", bytes(4), 4), "ENOPROTOOPT"),
    Failure("setsockopt", "TTL 256", option("IP_TTL", b"\0\1\0\0", 4, "IPPROTO_IP"), "EINVAL"),
    Failure("setsockopt", "unknown", lambda s, a: a.setsockopt(s.socket(), 1, 9999, bytes(4), 4), "ENOPROTOOPT"),
    Failure("setsockopt", "level", lambda s, a: a.setsockopt(s.socket(), 9999, 1, bytes(4), 4), "ENOPROTOOPT"),
    Failure(
        "setsockopt",
        "level on AF_UNIX",
        lambda s, a: a.setsockopt(s.socket("AF_UNIX"), a.IPPROTO_TCP, a.TCP_NODELAY, bytes(4), 4),
        "EOPNOTSUPP",
    ),
    Failure("getsockopt", "NULL", asked(1, socket.SO_TYPE, None, 4), "EFAULT", emulated=True),
    Failure("getsockopt", "NULL length", asked(1, socket.SO_TYPE, 4, None), "EFAULT", emulated=True),
    Failure("getsockopt", "length -1", asked(1, socket.SO_TYPE, 4, 2**32 - 1), "EINVAL", emulated=True),
    Failure("getsockopt", "smallest length", asked(1, socket.SO_TYPE, 4, INVALID), "EINVAL", emulated=True),
    Failure("getsockopt", "unknown", asked(1, 9999, 4, 4), "ENOPROTOOPT"),
    Failure("getsockopt", "unknown level", asked(9999, 1, 4, 4), "EOPNOTSUPP"),
    Failure(
        "getsockopt",
        "unknown level comes before the length",
        asked(9999, 1, 4, None),
        "EOPNOTSUPP",
    ),
]


def bound_twice(s: Sockets, a: Any) -> Any:
    fd, _ = s.bound()
    return a.bind(fd, loopback(a), 16)


def in_use(family: str) -> Callable[[Sockets, Any], Any]:
    def run(s: Sockets, a: Any) -> Any:
        _, address = s.bound(family)
        return a.bind(s.socket(family), address, a.sizeof(address))

    return run


def bind(address: Callable[[Any], Any], length: int, family: str = "AF_INET") -> Callable[[Sockets, Any], Any]:
    return lambda s, a: a.bind(s.socket(family), address(a), length)


def under(path: str) -> Callable[[Sockets, Any], Any]:
    """bind to a path in the test's directory, where `link` points at itself and `file` is a file."""

    def run(s: Sockets, a: Any) -> Any:
        (s.directory / "link").symlink_to("link")
        (s.directory / "file").touch()
        return a.bind(s.socket("AF_UNIX"), local(a, s.directory / path), 110)

    return run


def foreign(a: Any) -> Any:
    return a.sockaddr_in(sin_family=a.AF_APPLETALK)


BIND = [
    Failure("bind", "NULL", bind(lambda a: None, 16), "EFAULT", emulated=True),
    Failure("bind", "NULL and 0", bind(lambda a: None, 0), "EINVAL"),
    Failure("bind", "length 0", bind(loopback, 0), "EINVAL"),
    Failure("bind", "length 1", bind(loopback, 1), "EINVAL"),
    Failure("bind", "length 2", bind(loopback, 2), "EINVAL"),
    Failure("bind", "length 15", bind(loopback, 15), "EINVAL"),
    Failure("bind", "length 16 for IPv6", bind(loopback, 16, "AF_INET6"), "EINVAL"),
    Failure("bind", "length -1", bind(loopback, -1), "EINVAL", emulated=True),
    Failure("bind", "length 129", bind(lambda a: bytes(129), 129), "EINVAL", emulated=True),
    Failure("bind", "foreign family", bind(foreign, 16), "EAFNOSUPPORT"),
    Failure("bind", "AF_UNIX on AF_INET", bind(lambda a: local(a, "/x"), 110), "EAFNOSUPPORT"),
    Failure("bind", "AF_INET6 on AF_INET", bind(lambda a: a.sockaddr_in6(sin6_family=10), 28), "EAFNOSUPPORT"),
    Failure("bind", "AF_INET on AF_UNIX", bind(loopback, 16, "AF_UNIX"), "EINVAL"),
    Failure("bind", "length 1 on AF_UNIX", bind(lambda a: local(a, "/x"), 1, "AF_UNIX"), "EINVAL"),
    Failure("bind", "length 111 on AF_UNIX", bind(lambda a: b"\1\0/" + bytes(108), 111, "AF_UNIX"), "EINVAL"),
    Failure("bind", "in use", in_use("AF_INET"), "EADDRINUSE"),
    Failure("bind", "in use, IPv6", in_use("AF_INET6"), "EADDRINUSE"),
    Failure("bind", "in use, AF_UNIX", in_use("AF_UNIX"), "EADDRINUSE"),
    Failure("bind", "nobody's address", bind(nowhere, 16), "EADDRNOTAVAIL"),
    Failure("bind", "twice", bound_twice, "EINVAL"),
    Failure("bind", "no such directory", under("no/such"), "ENOENT"),
    Failure("bind", "below a file", under("file/x"), "ENOTDIR"),
    Failure("bind", "loop of links", under("link/x"), "ELOOP"),
    Failure("bind", "path of a file", under("file"), "EADDRINUSE"),
]

LISTEN = [
    Failure("listen", "datagrams", lambda s, a: a.listen(s.socket(type="SOCK_DGRAM"), 1), "EOPNOTSUPP"),
    Failure("listen", "connected", lambda s, a: a.listen(s.connected()[0], 1), "EINVAL"),
    Failure("listen", "AF_UNIX without a name", lambda s, a: a.listen(s.socket("AF_UNIX"), 1), "EINVAL"),
]


def accept(size: int | None, length: int | None) -> Callable[[Sockets, Any], Any]:
    def run(s: Sockets, a: Any) -> Any:
        address = None if size is None else bytearray(size)
        return a.accept(s.pending(), address, None if length is None else a.socklen_t(length))

    return run


def accept_nothing(s: Sockets, a: Any) -> Any:
    fd, _ = s.listener()
    os.set_blocking(fd, False)
    return a.accept(fd, None, None)


ACCEPT = [
    Failure("accept", "not listening", lambda s, a: a.accept(s.bound()[0], None, None), "EINVAL"),
    Failure("accept", "datagrams", lambda s, a: a.accept(s.socket(type="SOCK_DGRAM"), None, None), "EOPNOTSUPP"),
    Failure("accept", "nobody there", accept_nothing, "EAGAIN"),
    Failure("accept", "NULL length", accept(16, None), "EFAULT", emulated=True),
    Failure("accept", "negative length", accept(16, INVALID), "EINVAL", emulated=True),
    Failure("accept4", "unknown flag", lambda s, a: a.accept4(s.listener()[0], None, None, 1), "EINVAL", emulated=True),
    Failure("accept4", "flag and closed", lambda s, a: a.accept4(s.closed(), None, None, 1), "EBADF"),
]


def connect(address: Callable[[Any], Any], length: int, family: str = "AF_INET") -> Callable[[Sockets, Any], Any]:
    return lambda s, a: a.connect(s.socket(family), address(a), length)


def connect_to_bound(family: str) -> Callable[[Sockets, Any], Any]:
    def run(s: Sockets, a: Any) -> Any:
        _, address = s.bound(family)
        return a.connect(s.socket(family), address, a.sizeof(address))

    return run


def connect_twice(s: Sockets, a: Any) -> Any:
    _, address = s.listener()
    return a.connect(s.client(address), address, 16)


def connect_without_waiting(s: Sockets, a: Any) -> Any:
    _, address = s.listener()
    fd = s.socket()
    os.set_blocking(fd, False)
    return a.connect(fd, address, 16)


def connect_to_a_full_queue(s: Sockets, a: Any) -> Any:
    fd, address = s.bound("AF_UNIX")
    a.listen(fd, 0)
    s.client(address, "AF_UNIX")
    another = s.socket("AF_UNIX")
    os.set_blocking(another, False)
    return a.connect(another, address, a.sizeof(address))


def connect_to_another_type(s: Sockets, a: Any) -> Any:
    _, address = s.bound("AF_UNIX", "SOCK_DGRAM")
    return a.connect(s.socket("AF_UNIX"), address, a.sizeof(address))


def connect_a_listener(s: Sockets, a: Any) -> Any:
    fd, address = s.listener()
    return a.connect(fd, address, 16)


CONNECT = [
    Failure("connect", "NULL", connect(lambda a: None, 16), "EFAULT", emulated=True),
    Failure("connect", "length 0", connect(loopback, 0), "EINVAL", emulated=True),
    Failure("connect", "length 1", connect(loopback, 1), "EINVAL", emulated=True),
    Failure("connect", "length 2", connect(loopback, 2), "EINVAL"),
    Failure("connect", "length 15", connect(loopback, 15), "EINVAL"),
    Failure("connect", "length -1", connect(loopback, -1), "EINVAL", emulated=True),
    Failure("connect", "length 129", connect(lambda a: bytes(129), 129), "EINVAL", emulated=True),
    Failure("connect", "foreign family", connect(foreign, 16), "EAFNOSUPPORT"),
    Failure("connect", "AF_UNIX on AF_INET", connect(lambda a: local(a, "/x"), 110), "EAFNOSUPPORT"),
    Failure("connect", "AF_INET on AF_UNIX", connect(loopback, 16, "AF_UNIX"), "EINVAL"),
    Failure("connect", "nobody listening", connect_to_bound("AF_INET"), "ECONNREFUSED"),
    Failure("connect", "nobody listening, IPv6", connect_to_bound("AF_INET6"), "ECONNREFUSED"),
    Failure("connect", "nobody listening, AF_UNIX", connect_to_bound("AF_UNIX"), "ECONNREFUSED"),
    Failure("connect", "no such path", connect(lambda a: local(a, "/no/such"), 110, "AF_UNIX"), "ENOENT"),
    Failure("connect", "path of datagrams", connect_to_another_type, "EPROTOTYPE"),
    Failure("connect", "full queue", connect_to_a_full_queue, "EAGAIN"),
    Failure("connect", "in progress", connect_without_waiting, "EINPROGRESS"),
    Failure("connect", "twice", connect_twice, "EISCONN"),
    Failure("connect", "listener", connect_a_listener, "EISCONN"),
    Failure("connect", "NULL on a file", lambda s, a: a.connect(s.file(), None, 16), "EFAULT", True),
    Failure("connect", "length -1 on a file", lambda s, a: a.connect(s.file(), bytes(16), -1), "EINVAL", True),
]


def named(call: str, size: int | None, length: int | None) -> Callable[[Sockets, Any], Any]:
    def run(s: Sockets, a: Any) -> Any:
        address = None if size is None else bytearray(size)
        return getattr(a, call)(s.connected()[0], address, None if length is None else a.socklen_t(length))

    return run


NAMES = [
    row
    for call in ("getsockname", "getpeername")
    for row in (
        Failure(call, "NULL", named(call, None, 16), "EFAULT", emulated=True),
        Failure(call, "NULL length", named(call, 16, None), "EFAULT", emulated=True),
        Failure(call, "negative length", named(call, 16, INVALID), "EINVAL", emulated=True),
    )
] + [
    Failure(
        "getpeername",
        "not connected",
        lambda s, a: a.getpeername(s.socket(), bytearray(16), a.socklen_t(16)),
        "ENOTCONN",
    ),
    Failure("shutdown", "not connected", lambda s, a: a.shutdown(s.socket(), a.SHUT_RDWR), "ENOTCONN"),
    Failure("shutdown", "unknown how", lambda s, a: a.shutdown(s.connected()[0], 99), "EINVAL"),
    Failure("shutdown", "how -1", lambda s, a: a.shutdown(s.connected()[0], -1), "EINVAL"),
]


def udp(s: Sockets) -> int:
    return s.socket(type="SOCK_DGRAM")


def after_shutdown(s: Sockets, a: Any) -> Any:
    fd, _ = s.pair()
    a.shutdown(fd, a.SHUT_WR)
    return a.write(fd, b"x", 1)


def with_data(run: Callable[[Any, int], Any]) -> Callable[[Sockets, Any], Any]:
    """A call on a socket that has something to read."""

    def wrapped(s: Sockets, a: Any) -> Any:
        writer, reader = s.pair()
        a.write(writer, b"data", 4)
        return run(a, reader)

    return wrapped


TRANSFER = [
    Failure("read", "not connected", lambda s, a: a.read(s.socket(), bytearray(1), 1), "ENOTCONN"),
    Failure("read", "NULL", with_data(lambda a, fd: a.read(fd, None, 4)), "EFAULT"),
    Failure("read", "directory", lambda s, a: a.read(s.own(os.open("/", os.O_RDONLY)), bytearray(1), 1), "EISDIR"),
    Failure(
        "read", "write-only", lambda s, a: a.read(s.own(os.open(os.devnull, os.O_WRONLY)), bytearray(1), 1), "EBADF"
    ),
    Failure("write", "NULL", lambda s, a: a.write(s.pair()[0], None, 4), "EFAULT"),
    Failure("write", "not connected", lambda s, a: a.write(s.socket(), b"x", 1), "EPIPE"),
    Failure("write", "no destination", lambda s, a: a.write(udp(s), b"x", 1), "EDESTADDRREQ"),
    Failure("write", "after SHUT_WR", after_shutdown, "EPIPE"),
    Failure("send", "not connected", lambda s, a: a.send(s.socket(), b"x", 1, a.MSG_NOSIGNAL), "EPIPE"),
    Failure("send", "no destination", lambda s, a: a.send(udp(s), b"x", 1, 0), "EDESTADDRREQ"),
    Failure("send", "NULL", lambda s, a: a.send(s.connected()[0], None, 1, 0), "EFAULT"),
    Failure(
        "send", "MSG_OOB on AF_UNIX datagrams", lambda s, a: a.send(s.pair("SOCK_DGRAM")[0], b"", 0, 1), "EOPNOTSUPP"
    ),
    Failure(
        "sendto",
        "datagram too large",
        lambda s, a: a.sendto(udp(s), bytes(65536), 65536, 0, loopback(a, 9), 16),
        "EMSGSIZE",
    ),
    Failure("sendto", "no destination", lambda s, a: a.sendto(udp(s), b"x", 1, 0, None, 0), "EDESTADDRREQ"),
    Failure("sendto", "NULL with a length", lambda s, a: a.sendto(udp(s), b"x", 1, 0, None, 16), "EDESTADDRREQ"),
    Failure("sendto", "length 15", lambda s, a: a.sendto(udp(s), b"x", 1, 0, loopback(a, 9), 15), "EINVAL"),
    Failure("sendto", "length 0", lambda s, a: a.sendto(udp(s), b"x", 1, 0, loopback(a, 9), 0), "EINVAL"),
    Failure(
        "sendto", "length -1", lambda s, a: a.sendto(udp(s), b"x", 1, 0, loopback(a, 9), -1), "EINVAL", emulated=True
    ),
    Failure("sendto", "foreign family", lambda s, a: a.sendto(udp(s), b"x", 1, 0, foreign(a), 16), "EAFNOSUPPORT"),
    Failure("sendto", "port 0", lambda s, a: a.sendto(udp(s), b"x", 1, 0, loopback(a), 16), "EINVAL"),
    Failure(
        "sendto", "connected AF_UNIX", lambda s, a: a.sendto(s.pair()[0], b"x", 1, 0, local(a, "/x"), 110), "EISCONN"
    ),
    Failure("recv", "not connected", lambda s, a: a.recv(s.socket(), bytearray(1), 1, 0), "ENOTCONN"),
    Failure("recv", "nothing there", lambda s, a: a.recv(s.pair()[0], bytearray(1), 1, a.MSG_DONTWAIT), "EAGAIN"),
    Failure("recv", "NULL", with_data(lambda a, fd: a.recv(fd, None, 4, 0)), "EFAULT"),
    Failure(
        "recv",
        "MSG_OOB on a datagram socket",
        lambda s, a: a.recv(s.pair("SOCK_DGRAM")[0], bytearray(1), 1, a.MSG_OOB),
        "EOPNOTSUPP",
    ),
    Failure(
        "recvfrom",
        "nothing there",
        lambda s, a: a.recvfrom(udp(s), bytearray(1), 1, a.MSG_DONTWAIT, None, None),
        "EAGAIN",
    ),
    Failure(
        "recvfrom",
        "NULL length",
        with_data(lambda a, fd: a.recvfrom(fd, bytearray(4), 4, 0, bytearray(16), None)),
        "EFAULT",
        emulated=True,
    ),
    Failure(
        "recvfrom",
        "negative length",
        with_data(lambda a, fd: a.recvfrom(fd, bytearray(4), 4, 0, bytearray(16), a.socklen_t(INVALID))),
        "EINVAL",
        emulated=True,
    ),
    Failure("poll", "NULL", lambda s, a: a.poll(None, 1, 0), "EFAULT", emulated=True),
    Failure("poll", "NULL and too many", lambda s, a: a.poll(None, 2**31, 0), "EINVAL", emulated=True),
    Failure("fcntl", "unknown command", lambda s, a: a.fcntl(s.file(), 9999, 0), "EINVAL"),
    Failure("fcntl", "F_DUPFD to -1", lambda s, a: a.fcntl(s.file(), a.F_DUPFD, -1), "EINVAL"),
    Failure("fcntl", "F_GETLK with NULL", lambda s, a: a.fcntl(s.file(), 5, 0), "EFAULT"),
]

CONVERSIONS = [
    Failure("inet_pton", "family", lambda s, a: a.inet_pton(a.AF_UNIX, "127.0.0.1", bytearray(16)), "EAFNOSUPPORT"),
    Failure(
        "inet_ntop",
        "family",
        lambda s, a: a.inet_ntop(a.AF_UNIX, bytes(16), bytearray(46), 46),
        "EAFNOSUPPORT",
        emulated=True,
    ),
    Failure(
        "inet_ntop",
        "no room",
        lambda s, a: a.inet_ntop(a.AF_INET, b"\x7f\0\0\1", bytearray(9), 9),
        "ENOSPC",
        emulated=True,
    ),
]

ROWS = [*THE_SOCKET, *OPTIONS, *BIND, *LISTEN, *ACCEPT, *CONNECT, *NAMES, *TRANSFER, *CONVERSIONS]


@pytest.mark.parametrize("failure", ROWS, ids=str)
def test_failure(failure: Failure, sockets: Sockets) -> None:
    api = sockets.api
    result = failure.run(sockets, api)
    assert result == (None if failure.call == "inet_ntop" else -1)
    assert name_of(api.get_errno()) == failure.errno
    assert api.emulated() == (failure.emulated and api.name == "python")


def test_rows_have_ids_of_their_own() -> None:
    assert len({str(failure) for failure in ROWS}) == len(ROWS)


# --- what a failure leaves behind ---


@pytest.mark.parametrize("length", [None, INVALID], ids=["NULL", "negative"])
def test_connection_is_lost_when_its_address_has_no_room(length: int | None, sockets: Sockets) -> None:
    """accept takes the connection off the queue first, and closes it when it cannot give the address."""
    api, fd = sockets.api, sockets.pending()
    os.set_blocking(fd, False)
    assert api.accept(fd, bytearray(16), None if length is None else api.socklen_t(length)) == -1
    assert api.accept(fd, None, None) == -1
    assert name_of(api.get_errno()) == "EAGAIN"


def test_failed_calls_write_nothing(sockets: Sockets) -> None:
    api, buffer = sockets.api, bytearray(b"untouched.......")
    length = api.socklen_t(16)
    assert api.accept(sockets.closed(), buffer, length) == -1
    assert api.getpeername(sockets.socket(), buffer, length) == -1
    assert api.getsockopt(sockets.socket(), 1, 9999, buffer, length) == -1
    assert api.recv(sockets.socket(), buffer, 16, 0) == -1
    assert (buffer, length.value) == (b"untouched.......", 16)


def test_no_more_descriptors(sockets: Sockets) -> None:
    api, fd = sockets.api, sockets.pending()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(fd)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        results = [api.socket(api.AF_INET, api.SOCK_STREAM, 0), api.get_errno(), api.accept(fd, None, None)]
        results += [api.get_errno(), api.fcntl(fd, api.F_DUPFD, 0), api.get_errno()]
        results += [api.socketpair(api.AF_UNIX, api.SOCK_STREAM, 0, bytearray(8)), api.get_errno()]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert results == [-1, api.EMFILE] * 4
    sockets.own(api.accept(fd, None, None))  # it was not lost


def test_fcntl_of_a_process_group(sockets: Sockets) -> None:
    """F_GETOWN(2const): a process group is a negative result, which is no failure."""
    api, fd = sockets.api, sockets.socket()
    assert api.fcntl(fd, api.F_SETOWN, -os.getpgrp()) == 0
    assert api.fcntl(fd, api.F_GETOWN, 0) == -os.getpgrp()


# --- errno ---


def test_errno_is_that_of_the_last_failure(sockets: Sockets) -> None:
    api, fd = sockets.api, sockets.socket()
    assert (api.close(-1), api.get_errno()) == (-1, api.EBADF)
    assert (api.listen(udp(sockets), 1), api.get_errno()) == (-1, api.EOPNOTSUPP)
    assert (api.bind(fd, None, 16), api.get_errno()) == (-1, api.EFAULT)
    assert (api.close(-1), api.get_errno()) == (-1, api.EBADF)


def test_errno_outlives_success(sockets: Sockets) -> None:
    api = sockets.api
    assert api.accept(-1, None, None) == -1
    client, server = sockets.connected()
    assert api.send(client, b"hello", 5, 0) == 5
    assert api.recv(server, bytearray(5), 5, 0) == 5
    assert api.fcntl(client, api.F_GETFL, 0) >= 0
    assert api.poll(None, 0, 0) == 0
    assert api.inet_pton(api.AF_INET, "no address", bytearray(4)) == 0
    assert api.htons(1) == socket.htons(1)
    assert api.strerror(99999)
    assert api.get_errno() == api.EBADF


def test_errno_outlives_pythons_own_calls(api: Any) -> None:
    assert api.close(-1) == -1
    with pytest.raises(FileNotFoundError):
        os.stat("/no/such/file")
    assert api.get_errno() == api.EBADF


def test_emulated_is_about_the_last_call(sockets: Sockets) -> None:
    api, fd = sockets.api, sockets.socket()
    assert api.bind(fd, None, 16) == -1
    assert api.emulated() == (api.name == "python")
    assert api.listen(fd, 1) == 0
    assert not api.emulated()


def test_zero_bytes_of_an_option_are_emulated(sockets: Sockets) -> None:
    """getsockopt with a length of 0 writes nothing (getsockopt(2)); Python has no such request."""
    api, value, length = sockets.api, sockets.api.c_int(7), sockets.api.socklen_t(0)
    assert api.getsockopt(sockets.socket(), api.SOL_SOCKET, api.SO_TYPE, value, length) == 0
    assert (value.value, length.value) == (7, 0)
    assert api.emulated() == (api.name == "python")


def test_errno_is_per_thread(api: Any) -> None:
    seen: list[Any] = []

    def another() -> None:
        seen.append((api.get_errno(), api.emulated()))
        seen.append((api.socket(-1, 1, 0), api.get_errno()))

    assert api.close(-1) == -1
    thread = threading.Thread(target=another)
    thread.start()
    thread.join()
    assert seen == [(0, False), (-1, api.EAFNOSUPPORT)]
    assert api.get_errno() == api.EBADF


def test_errno_before_the_first_failure(api: Any) -> None:
    with_no_past: list[int] = []
    thread = threading.Thread(target=lambda: with_no_past.append(api.get_errno()))
    thread.start()
    thread.join()
    assert with_no_past == [0]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("EADDRINUSE", "Address already in use"),
        ("ECONNREFUSED", "Connection refused"),
        ("ENOTSOCK", "Socket operation on non-socket"),
    ],
)
def test_strerror(number: str, text: str, api: Any) -> None:
    assert api.strerror(getattr(api, number)) == text


@pytest.mark.parametrize("number", [0, -1, 99999, 2**31 - 1])
def test_strerror_of_no_error(number: int, api: Any) -> None:
    assert api.strerror(number) in ("Success", f"Unknown error {number}")

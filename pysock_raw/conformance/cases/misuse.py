"""The negative side that the six calls share: arguments in the order in which the kernel looks at them. One table row,
one case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error
from pysock_raw.conformance.kinds import LOCAL, TCP, TCP6, Kind, connected, inet, inet6, local

Arguments = Callable[[Backend], tuple[Any, ...]]

#: call, id, what is wrong, errno, its source, the kind of socket, the arguments after the descriptor
ARGUMENTS: list[tuple[str, str, str, str, str, Kind, Arguments]] = [
    ("setsockopt", "null", "NULL as value", "EFAULT", "setsockopt(2)", TCP,
     lambda c: (c.SOL_SOCKET, c.SO_REUSEADDR, None, 4)),
    ("setsockopt", "short-value", "a value shorter than its type", "EINVAL", "setsockopt(2)", TCP,
     lambda c: (c.SOL_SOCKET, c.SO_REUSEADDR, bytes(3), 3)),
    ("setsockopt", "negative-length", "a negative length", "EINVAL", "setsockopt(2)", TCP,
     lambda c: (c.SOL_SOCKET, c.SO_REUSEADDR, c.c_int(1), -1)),
    ("setsockopt", "unknown-option", "an option that does not exist", "ENOPROTOOPT", "POSIX.1 setsockopt", TCP,
     lambda c: (c.SOL_SOCKET, 9999, c.c_int(1), 4)),
    ("setsockopt", "read-only-option", "an option that can only be read", "ENOPROTOOPT", "socket(7) SO_TYPE", TCP,
     lambda c: (c.SOL_SOCKET, c.SO_TYPE, c.c_int(1), 4)),
    ("bind", "null", "NULL as address", "EFAULT", "bind(2)", TCP, lambda c: (None, 16)),
    ("bind", "short-address", "an address shorter than sockaddr_in", "EINVAL", "POSIX.1 bind; ip(7)", TCP,
     lambda c: (inet(c, c.INADDR_LOOPBACK, 0)[0], 8)),
    ("bind", "negative-length", "a negative length", "EINVAL", "bind(2)", TCP,
     lambda c: (inet(c, c.INADDR_LOOPBACK, 0)[0], -1)),
    ("bind", "too-long-address", "a length beyond sockaddr_storage", "EINVAL", "bind(2)", TCP,
     lambda c: (bytearray(200), 200)),
    ("bind", "foreign-family", "an IPv6 address for an IPv4 socket", "EAFNOSUPPORT", "POSIX.1 bind", TCP,
     lambda c: inet6(c, "::1", 0)),
    ("bind", "tcp6/short-address", "an IPv4 address for an IPv6 socket is too short", "EINVAL", "ipv6(7)", TCP6,
     lambda c: inet(c, c.INADDR_LOOPBACK, 0)),
    ("bind", "local/foreign-family", "an IPv4 address for a local socket", "EINVAL", "bind(2); unix(7)", LOCAL,
     lambda c: inet(c, c.INADDR_LOOPBACK, 0)),
    ("connect", "null", "NULL as address", "EFAULT", "connect(2)", TCP, lambda c: (None, 16)),
    ("connect", "short-address", "an address shorter than sockaddr_in", "EINVAL", "POSIX.1 connect", TCP,
     lambda c: (inet(c, c.INADDR_LOOPBACK, 9)[0], 8)),
    ("connect", "foreign-family", "an IPv6 address for an IPv4 socket", "EAFNOSUPPORT", "POSIX.1 connect", TCP,
     lambda c: inet6(c, "::1", 9)),
    ("connect", "local/foreign-family", "an IPv4 address for a local socket", "EINVAL", "connect(2); unix(7)", LOCAL,
     lambda c: inet(c, c.INADDR_LOOPBACK, 9)),
    ("connect", "local/no-such-path", "a path that does not exist", "ENOENT", "POSIX.1 connect; unix(7)", LOCAL,
     lambda c: local(c, b"nobody")),
]  # fmt: skip


def _bad_argument(call: str, id: str, shows: str, errno: str, source: str, kind: Kind, arguments: Arguments) -> None:
    @case(f"{call}/{id}", f"{call} with {shows}", error(errno, source), needs=kind.needs)
    def _(c: Backend, box: Box) -> None:
        getattr(c, call)(kind.socket(c), *arguments(c))


for _arguments in ARGUMENTS:
    _bad_argument(*_arguments)


@case("send/null", "send with NULL as buffer", error("EFAULT", "send(2)"))
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    c.send(ours, None, 5, 0)

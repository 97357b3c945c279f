"""The kinds of socket that a case can be run over, and the steps that most cases begin with.

A step that fails raises `Unarranged`: the case was not tried, which is not agreement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Unarranged
from pysock_raw.trace_values import errno_name

Address = tuple[Any, int]
"""A sockaddr and its length: what bind and connect take after the descriptor."""


def must(c: Backend, result: int) -> int:
    """The result of a call that prepares the case, which has to succeed."""
    if result == -1:
        raise Unarranged(f"a step before the case failed: {c.strerror(c.get_errno())}")
    return result


@dataclass(frozen=True)
class Kind:
    name: str
    family: str
    type: str
    needs: tuple[str, ...] = ()

    def socket(self, c: Backend, flags: int = 0) -> int:
        return must(c, c.socket(getattr(c, self.family), getattr(c, self.type) | flags, 0))

    def address(self, c: Backend, name: str = "server") -> Address:
        """An address to bind: a free port on loopback, or a path in the case's own directory."""
        if self.family == "AF_INET":
            return inet(c, c.INADDR_LOOPBACK, 0)
        if self.family == "AF_INET6":
            return inet6(c, "::1", 0)
        return local(c, name.encode())

    def room(self, c: Backend) -> Any:
        """An empty sockaddr of the family, for an address that a call writes."""
        return {"AF_INET": c.sockaddr_in, "AF_INET6": c.sockaddr_in6, "AF_UNIX": c.sockaddr_un}[self.family]()


TCP = Kind("tcp", "AF_INET", "SOCK_STREAM")
UDP = Kind("udp", "AF_INET", "SOCK_DGRAM")
TCP6 = Kind("tcp6", "AF_INET6", "SOCK_STREAM", ("ipv6",))
UDP6 = Kind("udp6", "AF_INET6", "SOCK_DGRAM", ("ipv6",))
LOCAL = Kind("local", "AF_UNIX", "SOCK_STREAM")
LOCAL_DGRAM = Kind("local-dgram", "AF_UNIX", "SOCK_DGRAM")
LOCAL_SEQPACKET = Kind("local-seqpacket", "AF_UNIX", "SOCK_SEQPACKET")


def of_glibc(kind: Kind) -> Kind:
    """The same where libc hands the call to the kernel as it is."""
    return replace(kind, needs=(*kind.needs, "glibc"))


STREAMS = (TCP, TCP6, LOCAL)
DGRAMS = (UDP, UDP6, LOCAL_DGRAM)
KINDS = (TCP, UDP, TCP6, UDP6, LOCAL, LOCAL_DGRAM)


def inet(c: Backend, host: int, port: int) -> Address:
    """host and port in host byte order."""
    address = c.sockaddr_in(sin_family=c.AF_INET, sin_port=c.htons(port))
    address.sin_addr.s_addr = c.htonl(host)
    return address, c.sizeof(address)


def inet6(c: Backend, host: str, port: int) -> Address:
    address = c.sockaddr_in6(sin6_family=c.AF_INET6, sin6_port=c.htons(port))
    c.inet_pton(c.AF_INET6, host, address.sin6_addr)
    return address, c.sizeof(address)


def local(c: Backend, path: bytes) -> Address:
    """A path with its NUL, or an abstract name (it starts with NUL and has none at its end)."""
    address = c.sockaddr_un(sun_family=c.AF_UNIX, sun_path=path)
    return address, c.sockaddr_un.sun_path.offset + len(path) + (not path.startswith(b"\0"))


def name_of(c: Backend, fd: int, kind: Kind) -> Address:
    """The address that a socket has."""
    return _told(c, c.getsockname, fd, kind)


def peer_of(c: Backend, fd: int, kind: Kind) -> Address:
    """The address that a socket is connected to."""
    return _told(c, c.getpeername, fd, kind)


def _told(c: Backend, call: Callable[[int, Any, Any], int], fd: int, kind: Kind) -> Address:
    address = kind.room(c)
    length = c.socklen_t(c.sizeof(address))
    must(c, call(fd, address, length))
    return address, length.value


def same_address(one: Address, two: Address) -> bool:
    return bytes(one[0])[: one[1]] == bytes(two[0])[: two[1]]


def bound(c: Backend, kind: Kind, name: str = "server") -> tuple[int, Address]:
    fd = kind.socket(c)
    must(c, c.bind(fd, *kind.address(c, name)))
    return fd, name_of(c, fd, kind)


def listener(c: Backend, kind: Kind, backlog: int = 5) -> tuple[int, Address]:
    fd, address = bound(c, kind)
    must(c, c.listen(fd, backlog))
    return fd, address


def client(c: Backend, kind: Kind, address: Address, flags: int = 0) -> int:
    fd = kind.socket(c, flags)
    must(c, c.connect(fd, *address))
    return fd


def connected(c: Backend, kind: Kind) -> tuple[int, int]:
    """The client's and the server's end of a connection."""
    server, address = listener(c, kind)
    ours = client(c, kind, address)
    return ours, must(c, c.accept(server, None, None))


def wait_readable(c: Backend, fd: int) -> None:
    """Until something has arrived: no clock, no spinning."""
    entry = c.pollfd(fd=fd, events=c.POLLIN)
    must(c, c.poll(entry, 1, -1))


def option(c: Backend, fd: int, level: int, name: int) -> int:
    value, length = c.c_int(), c.socklen_t(4)
    must(c, c.getsockopt(fd, level, name, value, length))
    return int(value.value)


def set_option(c: Backend, fd: int, level: int, name: int, value: int) -> int:
    return c.setsockopt(fd, level, name, c.c_int(value), 4)


def answer(c: Backend, result: int) -> int | str:
    """What a call said, for a table of answers: its result, or the name of its errno."""
    return errno_name(c.get_errno()) if result == -1 else result


def pair(c: Backend, type: int) -> tuple[int, int]:
    """The two ends of a local connection without a name."""
    ends = (c.c_int * 2)()
    must(c, c.socketpair(c.AF_UNIX, type, 0, ends))
    return ends[0], ends[1]

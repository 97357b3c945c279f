"""getsockopt: the length goes in and comes out."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, success
from pysock_raw.conformance.cases.lengths import BEYOND, Grid, filled_at_each_size, native, written_part
from pysock_raw.conformance.kinds import (
    LOCAL,
    TCP,
    TCP6,
    Kind,
    answer,
    must,
    set_option,
)

#: what it is, the kind, level, option, its value, [written, reported] for each length from 1 up, the source
VALUES: list[tuple[str, Kind, str, str, bytes, Grid, str]] = [
    ("number", TCP, "SOL_SOCKET", "SO_TYPE", native(1, 4), [[1, 1], [2, 2], [3, 3], [4, 4], [4, 4], [4, 4], [4, 4]],
     "POSIX.1 getsockopt; an experiment: sk_getsockopt in net/core/sock.c"),
    ("number", LOCAL, "SOL_SOCKET", "SO_TYPE", native(1, 4), [[1, 1], [2, 2], [3, 3], [4, 4], [4, 4], [4, 4], [4, 4]],
     "POSIX.1 getsockopt; an experiment: sk_getsockopt in net/core/sock.c"),
    ("linger", TCP, "SOL_SOCKET", "SO_LINGER", bytes(8), [[min(n, 8)] * 2 for n in range(1, 12)],
     "POSIX.1 getsockopt; socket(7) SO_LINGER"),
    ("timeout", TCP, "SOL_SOCKET", "SO_RCVTIMEO", bytes(16), [[min(n, 16)] * 2 for n in range(1, 20)],
     "POSIX.1 getsockopt; socket(7) SO_RCVTIMEO"),
    ("option-of-tcp", TCP, "IPPROTO_TCP", "TCP_KEEPCNT", native(9, 4),
     [[1, 1], [2, 2], [3, 3], [4, 4], [4, 4], [4, 4], [4, 4]], "tcp(7); an experiment: do_tcp_getsockopt"),
    ("option-of-ip", TCP, "IPPROTO_IP", "IP_TOS", bytes(4),
     [[1, 1], [1, 1], [1, 1], [4, 4], [4, 4], [4, 4], [4, 4]],
     "ip(7); an experiment: do_ip_getsockopt gives a byte where an int does not fit"),
    ("option-of-ipv6", TCP6, "IPPROTO_IPV6", "IPV6_TCLASS", bytes(4),
     [[1, 1], [2, 2], [3, 3], [4, 4], [4, 4], [4, 4], [4, 4]], "ipv6(7); an experiment: do_ipv6_getsockopt"),
    ("name-of-a-device", TCP, "SOL_SOCKET", "SO_BINDTODEVICE", b"", [[0, 0]] * 3,
     "socket(7) SO_BINDTODEVICE; an experiment: sock_getbindtodevice, no device"),
]  # fmt: skip


def _value(what: str, kind: Kind, level: str, name: str, value: bytes, grid: Grid, source: str) -> None:
    @case(
        f"getsockopt/{kind.name}/{what}-at-every-size",
        f"{name}: a short room is filled, and the length becomes what was written; a long one shrinks",
        success(source, observed=grid),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> Grid:
        fd, sizes = kind.socket(c), range(1, len(value) + BEYOND + 1)
        level_, name_ = getattr(c, level), getattr(c, name)
        if name == "TCP_KEEPCNT":
            must(c, set_option(c, fd, level_, name_, 9))
        return filled_at_each_size(c, value, lambda room, length: c.getsockopt(fd, level_, name_, room, length), sizes)

    @case(
        f"getsockopt/{kind.name}/{what}-of-0-bytes",
        f"{name}: a length of 0 asks for nothing, and gets it",
        success("POSIX.1 getsockopt", observed=[[0, 0]]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> Grid:
        fd = kind.socket(c)
        level_, name_ = getattr(c, level), getattr(c, name)
        return filled_at_each_size(c, b"", lambda room, length: c.getsockopt(fd, level_, name_, room, length), range(1))


for _option in VALUES:
    _value(*_option)


@case(
    "getsockopt/tcp/bound-device-at-every-size",
    "the name of a device needs room for the longest one, 16 bytes, or there is EINVAL; its length has the NUL",
    success(
        "an experiment: sock_getbindtodevice in net/core/sock.c", observed=[["EINVAL"], ["EINVAL"], [3, 3], [3, 3]]
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> Grid:
    fd, found = TCP.socket(c), []
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, b"lo", 2))
    for size in (3, 15, 16, 20):
        room, length = bytearray(b"\xff" * 20), c.socklen_t(size)
        said = answer(c, c.getsockopt(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, room, length))
        found.append([written_part(room, b"lo\0"), length.value] if said == 0 else [said])
    return found


@case(
    "getsockopt/tcp/congestion-at-every-size",
    "the name of TCP's congestion control has 16 bytes, and is cut",
    success(
        "tcp(7) TCP_CONGESTION; an experiment: do_tcp_getsockopt", observed=[[n, n] for n in range(1, 17)] + [[16, 16]]
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> Grid:
    fd = TCP.socket(c)
    must(c, c.setsockopt(fd, c.IPPROTO_TCP, c.TCP_CONGESTION, b"reno", 4))  # it is always there and always allowed
    value = b"reno".ljust(16, b"\0")
    return filled_at_each_size(
        c, value, lambda room, length: c.getsockopt(fd, c.IPPROTO_TCP, c.TCP_CONGESTION, room, length), range(1, 18)
    )

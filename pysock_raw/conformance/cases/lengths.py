"""Value-result lengths at every size.

A grid calls with each length from 0 to a few bytes more than there are, into room that is full of 0xFF, and notes how
many bytes were written (with the right ones, and nothing behind them) and which length came back."""

from __future__ import annotations

import sys
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    TCP,
    TCP6,
    UDP,
    UDP6,
    Address,
    Kind,
    answer,
    bound,
    client,
    connected,
    inet,
    inet6,
    local,
    must,
    pair,
)
from pysock_raw.structures import socklen_t

PORT = 0x1234  # in a network namespace of the case's own: a truncated address has half a port
BEYOND = 3  # bytes more than the value has
Grid = list[list[int | str]]


def written_part(room: bytearray, value: bytes) -> int | str:
    """How many bytes of the value were written into room, if nothing else was."""
    written = next((n for n, (got, right) in enumerate(zip(room, value, strict=False)) if got != right), len(value))
    rest = room[written:]
    return written if rest == b"\xff" * len(rest) else f"{room.hex()} is not the beginning of {value.hex()}"


def filled_at_each_size(
    c: Backend, value: bytes, call: Callable[[bytearray, socklen_t], int], sizes: range | None = None
) -> Grid:
    """[bytes written, length reported] for each length that is given, or the name of the errno."""
    found: Grid = []
    for size in sizes or range(len(value) + BEYOND + 1):
        room, length = bytearray(b"\xff" * (len(value) + BEYOND)), c.socklen_t(size)
        said = answer(c, call(room, length))
        found.append([written_part(room, value), length.value] if isinstance(said, int) else [said])
    return found


def _cut(full: int) -> Grid:
    """What POSIX says: as many bytes as fit, and the full length."""
    return [[min(size, full), full] for size in range(full + BEYOND + 1)]


# --- getsockname, getpeername and recvfrom ---


def native(number: int, size: int = 2) -> bytes:
    return number.to_bytes(size, sys.byteorder)


INET, INET6, UNNAMED = native(2), native(10), native(1)  # AF_INET, AF_INET6 and AF_UNIX of Linux
V4 = INET + bytes.fromhex("1234 7f000001 0000000000000000")
V6 = INET6 + bytes.fromhex("1234 00000000 00000000000000000000000000000001 00000000")
PATH, ABSTRACT = UNNAMED + b"server\0", UNNAMED + b"\0a name"


def _v4(c: Backend) -> Address:
    return inet(c, c.INADDR_LOOPBACK, PORT)


def _v6(c: Backend) -> Address:
    return inet6(c, "::1", PORT)


def _path(c: Backend) -> Address:
    return local(c, b"server")


def _abstract(c: Backend) -> Address:
    return local(c, b"\0a name")


#: what it is, the kind of socket, its address, the bytes of that
NAMES: list[tuple[str, Kind, Callable[[Backend], Address], bytes]] = [
    ("v4", TCP, _v4, V4),
    ("v4", UDP, _v4, V4),
    ("v6", TCP6, _v6, V6),
    ("v6", UDP6, _v6, V6),
    ("path", LOCAL, _path, PATH),
    ("path", LOCAL_DGRAM, _path, PATH),
    ("path", LOCAL_SEQPACKET, _path, PATH),
    ("abstract", LOCAL, _abstract, ABSTRACT),
    ("abstract", LOCAL_DGRAM, _abstract, ABSTRACT),
    ("abstract", LOCAL_SEQPACKET, _abstract, ABSTRACT),
]


def _at_every_size(what: str, kind: Kind, place: Callable[[Backend], Address], value: bytes) -> None:
    full, own = len(value), what != "path"  # a path is in the case's own directory, the others need a namespace
    needs = [*kind.needs, "linux", *(["netns"] if own else [])]
    shows = f"{what} address of {full} bytes: cut to the length that is given, its full length reported"

    @case(
        f"getsockname/{kind.name}/{what}-at-every-size",
        shows,
        success("POSIX.1 getsockname; getsockname(2)", observed=_cut(full)),
        needs=needs,
    )
    def _(c: Backend, box: Box) -> Grid:
        if own:
            machine.network()
        fd = kind.socket(c)
        must(c, c.bind(fd, *place(c)))
        return filled_at_each_size(c, value, lambda room, length: c.getsockname(fd, room, length))

    @case(
        f"getpeername/{kind.name}/{what}-at-every-size",
        shows,
        success("POSIX.1 getpeername; getpeername(2)", observed=_cut(full)),
        needs=needs,
    )
    def _(c: Backend, box: Box) -> Grid:
        if own:
            machine.network()
        server = kind.socket(c)
        must(c, c.bind(server, *place(c)))
        if kind.type != "SOCK_DGRAM":
            must(c, c.listen(server, 1))
        fd = client(c, kind, place(c))
        return filled_at_each_size(c, value, lambda room, length: c.getpeername(fd, room, length))

    if kind.type != "SOCK_DGRAM":
        return

    @case(
        f"recvfrom/{kind.name}/{what}-at-every-size",
        f"the sender's {shows}",
        success("POSIX.1 recvfrom; recvfrom(2)", result=1, observed=_cut(full)),
        needs=needs,
    )
    def _(c: Backend, box: Box) -> Grid:
        if own:
            machine.network()
        sender = kind.socket(c)
        must(c, c.bind(sender, *place(c)))
        fd, address = bound(c, kind, "receiver")

        def call(room: bytearray, length: socklen_t) -> int:
            must(c, c.sendto(sender, b"x", 1, 0, *address))
            return c.recvfrom(fd, bytearray(1), 1, 0, room, length)

        return filled_at_each_size(c, value, call)


for _row in NAMES:
    _at_every_size(*_row)


def _unnamed(kind: Kind) -> None:
    for call in ("getsockname", "getpeername"):
        _unnamed_end(call, kind)

    @case(
        f"recvfrom/{kind.name}/unnamed-sender",
        "a sender without a name has no address, not even a family: the length becomes 0",
        success("unix(7); an experiment: unix_copy_addr in net/unix/af_unix.c", result=1, observed=[[0, 0]] * 4),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> Grid:
        one, other = pair(c, getattr(c, kind.type))

        def call(room: bytearray, length: socklen_t) -> int:
            must(c, c.send(one, b"x", 1, 0))
            return c.recvfrom(other, bytearray(1), 1, 0, room, length)

        return filled_at_each_size(c, b"", call)


def _unnamed_end(call: str, kind: Kind) -> None:
    @case(
        f"{call}/{kind.name}/unnamed-at-every-size",
        "the name of a socket without one is its family, 2 bytes",
        success("unix(7)", observed=_cut(2)),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> Grid:
        one, _ = pair(c, getattr(c, kind.type))
        return filled_at_each_size(c, UNNAMED, lambda room, length: getattr(c, call)(one, room, length))


for _kind in (LOCAL, LOCAL_DGRAM, LOCAL_SEQPACKET):
    _unnamed(_kind)


def _unbound(kind: Kind, value: bytes) -> None:
    @case(
        f"getsockname/{kind.name}/unbound-at-every-size",
        "the name of a socket that is not bound: the family, and nothing but 0",
        success(
            "an experiment: inet_getname and inet6_getname; POSIX.1 leaves it unspecified", observed=_cut(len(value))
        ),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> Grid:
        fd = kind.socket(c)
        return filled_at_each_size(c, value, lambda room, length: c.getsockname(fd, room, length))


for _kind in (TCP, UDP):
    _unbound(_kind, INET + bytes(14))
for _kind in (TCP6, UDP6):
    _unbound(_kind, INET6 + bytes(26))


@case(
    "recvfrom/tcp/no-sender",
    "a stream names no sender: the length becomes 0",
    success("an experiment: inet_recvmsg in net/ipv4/af_inet.c; POSIX.1 recvfrom", result=1, observed=[[0, 0]] * 4),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> Grid:
    ours, theirs = connected(c, TCP)
    must(c, c.send(ours, b"four", 4, 0))

    def call(room: bytearray, length: socklen_t) -> int:
        return c.recvfrom(theirs, bytearray(1), 1, c.MSG_WAITALL, room, length)

    return filled_at_each_size(c, b"", call)


def _stream_sender(kind: Kind) -> None:
    @case(
        f"recvfrom/{kind.name}/named-sender",
        "a local connection does name its sender, if that has a name: the client hears the server's",
        success("an experiment: unix_copy_addr in net/unix/af_unix.c", result=1, observed=_cut(len(PATH))),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> Grid:
        ours, theirs = connected(c, kind)

        def call(room: bytearray, length: socklen_t) -> int:
            must(c, c.send(theirs, b"x", 1, 0))
            return c.recvfrom(ours, bytearray(1), 1, 0, room, length)

        return filled_at_each_size(c, PATH, call)


_stream_sender(LOCAL)
_stream_sender(LOCAL_SEQPACKET)


@case(
    "getsockname/local/path-of-108-bytes",
    "a path that fills sun_path has a name of 111 bytes: Linux counts a NUL that the structure has no room for",
    success("unix(7) BUGS", observed=111),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    fd, length = LOCAL.socket(c), c.socklen_t(110)
    must(c, c.bind(fd, c.sockaddr_un(sun_family=c.AF_UNIX, sun_path=b"p" * 108), 110))
    c.getsockname(fd, c.sockaddr_un(), length)
    return int(length.value)

"""Lengths: value-result ones at every size, sequenced packets, and abstract names through their whole life.

A grid calls with each length from 0 to a few bytes more than there are, into room that is full of 0xFF, and notes how
many bytes were written (with the right ones, and nothing behind them) and which length came back."""

from __future__ import annotations

import sys
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, error, success
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
    listener,
    local,
    must,
    name_of,
    option,
    pair,
    set_option,
)
from pysock_raw.structures import socklen_t

PORT = 0x1234  # in a network namespace of the case's own: a truncated address has half a port
BEYOND = 3  # bytes more than the value has
Grid = list[list[int | str]]


def _written(room: bytearray, value: bytes) -> int | str:
    """How many bytes of the value were written into room, if nothing else was."""
    written = next((n for n, (got, right) in enumerate(zip(room, value, strict=False)) if got != right), len(value))
    rest = room[written:]
    return written if rest == b"\xff" * len(rest) else f"{room.hex()} is not the beginning of {value.hex()}"


def _grid(c: Backend, value: bytes, call: Callable[[bytearray, socklen_t], int], sizes: range | None = None) -> Grid:
    """[bytes written, length reported] for each length that is given, or the name of the errno."""
    found: Grid = []
    for size in sizes or range(len(value) + BEYOND + 1):
        room, length = bytearray(b"\xff" * (len(value) + BEYOND)), c.socklen_t(size)
        said = answer(c, call(room, length))
        found.append([_written(room, value), length.value] if isinstance(said, int) else [said])
    return found


def _cut(full: int) -> Grid:
    """What POSIX says: as many bytes as fit, and the full length."""
    return [[min(size, full), full] for size in range(full + BEYOND + 1)]


# --- getsockname, getpeername and recvfrom ---


def _native(number: int, size: int = 2) -> bytes:
    return number.to_bytes(size, sys.byteorder)


INET, INET6, UNNAMED = _native(2), _native(10), _native(1)  # AF_INET, AF_INET6 and AF_UNIX of Linux
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
        return _grid(c, value, lambda room, length: c.getsockname(fd, room, length))

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
        return _grid(c, value, lambda room, length: c.getpeername(fd, room, length))

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

        return _grid(c, value, call)


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

        return _grid(c, b"", call)


def _unnamed_end(call: str, kind: Kind) -> None:
    @case(
        f"{call}/{kind.name}/unnamed-at-every-size",
        "the name of a socket without one is its family, 2 bytes",
        success("unix(7)", observed=_cut(2)),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> Grid:
        one, _ = pair(c, getattr(c, kind.type))
        return _grid(c, UNNAMED, lambda room, length: getattr(c, call)(one, room, length))


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
        return _grid(c, value, lambda room, length: c.getsockname(fd, room, length))


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

    return _grid(c, b"", call)


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

        return _grid(c, PATH, call)


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


# --- getsockopt ---


#: what it is, the kind, level, option, its value, [written, reported] for each length from 1 up, the source
VALUES: list[tuple[str, Kind, str, str, bytes, Grid, str]] = [
    ("number", TCP, "SOL_SOCKET", "SO_TYPE", _native(1, 4), [[1, 1], [2, 2], [3, 3], [4, 4], [4, 4], [4, 4], [4, 4]],
     "POSIX.1 getsockopt; an experiment: sk_getsockopt in net/core/sock.c"),
    ("number", LOCAL, "SOL_SOCKET", "SO_TYPE", _native(1, 4), [[1, 1], [2, 2], [3, 3], [4, 4], [4, 4], [4, 4], [4, 4]],
     "POSIX.1 getsockopt; an experiment: sk_getsockopt in net/core/sock.c"),
    ("linger", TCP, "SOL_SOCKET", "SO_LINGER", bytes(8), [[min(n, 8)] * 2 for n in range(1, 12)],
     "POSIX.1 getsockopt; socket(7) SO_LINGER"),
    ("timeout", TCP, "SOL_SOCKET", "SO_RCVTIMEO", bytes(16), [[min(n, 16)] * 2 for n in range(1, 20)],
     "POSIX.1 getsockopt; socket(7) SO_RCVTIMEO"),
    ("option-of-tcp", TCP, "IPPROTO_TCP", "TCP_KEEPCNT", _native(9, 4),
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
        return _grid(c, value, lambda room, length: c.getsockopt(fd, level_, name_, room, length), sizes)

    @case(
        f"getsockopt/{kind.name}/{what}-of-0-bytes",
        f"{name}: a length of 0 asks for nothing, and gets it",
        success("POSIX.1 getsockopt", observed=[[0, 0]]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> Grid:
        fd = kind.socket(c)
        level_, name_ = getattr(c, level), getattr(c, name)
        return _grid(c, b"", lambda room, length: c.getsockopt(fd, level_, name_, room, length), range(1))


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
        found.append([_written(room, b"lo\0"), length.value] if said == 0 else [said])
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
    return _grid(
        c, value, lambda room, length: c.getsockopt(fd, c.IPPROTO_TCP, c.TCP_CONGESTION, room, length), range(1, 18)
    )


# --- sequenced packets ---


@case(
    "recv/local-seqpacket/boundaries",
    "packets keep their boundaries and their order, and what does not fit a read is lost",
    success("POSIX.1 Socket Types; unix(7)", result=3, observed=["on", "two", "thr"]),
)
def _(c: Backend, box: Box) -> list[str]:
    ours, theirs = connected(c, LOCAL_SEQPACKET)
    for word in (b"one", b"two", b"three"):
        must(c, c.send(ours, word, len(word), 0))
    found = []
    for room in (2, 10, 3):
        text = bytearray(room)
        found.append(text[: c.recv(theirs, text, room, 0)].decode())
    return found


@case(
    "recv/local-seqpacket/end",
    "an empty packet is received as 0 bytes, just as the end of the connection is",
    success("unix(7); POSIX.1 recv", observed=[0, 5, 0, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    ours, theirs = connected(c, LOCAL_SEQPACKET)
    must(c, c.send(ours, b"", 0, 0))
    must(c, c.send(ours, b"after", 5, 0))
    must(c, c.shutdown(ours, c.SHUT_WR))
    return [c.recv(theirs, bytearray(5), 5, 0) for _ in range(4)]


@case(
    "accept/local-seqpacket/before-accept",
    "packets that were sent before accept wait in the queue of the new socket",
    descriptor("unix(7); POSIX.1 accept", observed="early"),
)
def _(c: Backend, box: Box) -> str:
    server, address = listener(c, LOCAL_SEQPACKET)
    must(c, c.send(client(c, LOCAL_SEQPACKET, address), b"early", 5, 0))
    theirs, text = c.accept(server, None, None), bytearray(5)
    must(c, c.recv(theirs, text, 5, 0))
    return text.decode()


def _other_type(kind: Kind, path_of: Kind) -> None:
    @case(
        f"connect/{kind.name}/path-of-{path_of.name}",
        "a path leads to a socket of one type, and connects that alone",
        error("EPROTOTYPE", "POSIX.1 connect; unix(7)"),
    )
    def _(c: Backend, box: Box) -> None:
        _, address = bound(c, path_of) if path_of.type == "SOCK_DGRAM" else listener(c, path_of)
        c.connect(kind.socket(c), *address)


for _kind, _owner in (
    (LOCAL_SEQPACKET, LOCAL),
    (LOCAL_SEQPACKET, LOCAL_DGRAM),
    (LOCAL, LOCAL_SEQPACKET),
    (LOCAL_DGRAM, LOCAL_SEQPACKET),
    (LOCAL_DGRAM, LOCAL),
):
    _other_type(_kind, _owner)


# --- abstract names ---


def _life(kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/abstract-name",
        "an abstract name is found by connect and is what getpeername says; a client may have one too",
        success("unix(7)", observed=[True, True, True]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[bool]:
        address, own = local(c, box.abstract_name + b"server"), local(c, box.abstract_name + b"client")
        server, fd = kind.socket(c), kind.socket(c)
        must(c, c.bind(server, *address))
        if kind.type != "SOCK_DGRAM":
            must(c, c.listen(server, 5))
        must(c, c.bind(fd, *own))
        c.connect(fd, *address)
        heard = [c.sockaddr_un() for _ in range(3)]
        lengths = [c.socklen_t(110) for _ in range(3)]
        must(c, c.getpeername(fd, heard[0], lengths[0]))
        must(c, c.getsockname(fd, heard[1], lengths[1]))
        if kind.type == "SOCK_DGRAM":
            must(c, c.send(fd, b"x", 1, 0))
            must(c, c.recvfrom(server, bytearray(1), 1, 0, heard[2], lengths[2]))
        else:
            must(c, c.accept(server, heard[2], lengths[2]))
        expected = (address, own, own)
        return [
            bytes(name)[: length.value] == bytes(right)[:size]
            for name, length, (right, size) in zip(heard, lengths, expected, strict=True)
        ]

    @case(
        f"bind/{kind.name}/abstract-name-free-again",
        "an abstract name is free again as soon as its socket is closed: nothing is left to unlink",
        success("unix(7)", observed=["EADDRINUSE", 0]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        address = local(c, box.abstract_name)
        fd, other = kind.socket(c), kind.socket(c)
        must(c, c.bind(fd, *address))
        taken = answer(c, c.bind(other, *address))
        must(c, c.close(fd))
        return [taken, answer(c, c.bind(other, *address))]

    @case(
        f"bind/{kind.name}/autobind-is-idempotent",
        "a socket without a name gets one of 8 bytes, NUL and five hexadecimal digits; asking again changes nothing",
        success("unix(7) Autobind feature", observed=[8, True, True]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[object]:
        fd, family = kind.socket(c), c.sockaddr_un(sun_family=c.AF_UNIX)
        must(c, c.bind(fd, family, 2))
        (name, length), digits = name_of(c, fd, kind), b"0123456789abcdef"
        c.bind(fd, family, 2)
        text = bytes(name)[2:length]
        again = bytes(name_of(c, fd, kind)[0])
        return [length, text[:1] == b"\0" and all(digit in digits for digit in text[1:]), again == bytes(name)]

    @case(
        f"bind/{kind.name}/path-after-autobind",
        "a name that the kernel gave is a name: there is no second one",
        error("EINVAL", "POSIX.1 bind; unix(7)"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        fd = kind.socket(c)
        must(c, c.bind(fd, c.sockaddr_un(sun_family=c.AF_UNIX), 2))
        c.bind(fd, *kind.address(c))


for _kind in (LOCAL, LOCAL_DGRAM, LOCAL_SEQPACKET):
    _life(_kind)


@case(
    "bind/local/abstract-names-have-lengths",
    "each byte of an abstract name counts, also NULs: with one more or one less it is another name",
    error(
        "EADDRINUSE",
        "unix(7): null bytes in the name have no special significance",
        observed=[0, 0, 0, 0, "EADDRINUSE"],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    name = box.abstract_name
    names = (name, name + b"\0", name + b"\0\0", name + b"\0x", name + b"\0")
    return [answer(c, c.bind(LOCAL.socket(c), *local(c, each))) for each in names]


@case(
    "bind/local/longest-abstract-name",
    "an abstract name has at most the 108 bytes of sun_path, its NUL among them",
    success("unix(7)", observed=110),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    fd = LOCAL.socket(c)
    c.bind(fd, *local(c, box.abstract_name.ljust(108, b"x")))
    return name_of(c, fd, LOCAL)[1]


@case(
    "connect/local/abstract-name-of-nobody",
    "an abstract name that nobody has refuses, where a path that is not there is missing",
    error("ECONNREFUSED", "unix(7); connect(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.connect(LOCAL.socket(c), *local(c, box.abstract_name))


@case(
    "connect/local/abstract-name-is-no-path",
    "an abstract name and a path of the same letters are two names",
    error("ECONNREFUSED", "unix(7); connect(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    listener(c, LOCAL)
    c.connect(LOCAL.socket(c), *local(c, b"\0server"))


@case(
    "accept/local/autobound-peer-name",
    "a client that the kernel named has that name for the server",
    descriptor("unix(7) Autobind feature", observed=[8, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, LOCAL)
    fd, peer, length = LOCAL.socket(c), c.sockaddr_un(), c.socklen_t(110)
    must(c, c.bind(fd, c.sockaddr_un(sun_family=c.AF_UNIX), 2))
    must(c, c.connect(fd, *address))
    c.accept(server, peer, length)
    return [length.value, bytes(peer) == bytes(name_of(c, fd, LOCAL)[0])]


def _passes_credentials(call: str, use: Callable[[Backend, int, Address], int], result: int) -> None:
    @case(
        f"{call}/local-dgram/autobind-for-credentials",
        f"{call} gives a socket with SO_PASSCRED a name, so that it can be answered",
        success("unix(7) Autobind feature, SO_PASSCRED", result=result, observed=[2, 8]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[int]:
        _, address = bound(c, LOCAL_DGRAM)
        fd = LOCAL_DGRAM.socket(c)
        must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_PASSCRED, 1))
        before = name_of(c, fd, LOCAL_DGRAM)[1]
        use(c, fd, address)
        return [before, name_of(c, fd, LOCAL_DGRAM)[1]]


_passes_credentials("connect", lambda c, fd, to: c.connect(fd, *to), 0)
_passes_credentials("sendto", lambda c, fd, to: c.sendto(fd, b"x", 1, 0, *to), 1)


@case(
    "getsockopt/local-seqpacket/type",
    "SO_TYPE, SO_DOMAIN and SO_PROTOCOL of a sequenced-packet socket",
    success("socket(7); unix(7)", observed=[True, True, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd = LOCAL_SEQPACKET.socket(c)
    type, domain, protocol = (option(c, fd, c.SOL_SOCKET, name) for name in (c.SO_TYPE, c.SO_DOMAIN, c.SO_PROTOCOL))
    return [type == c.SOCK_SEQPACKET, domain == c.AF_UNIX, protocol]

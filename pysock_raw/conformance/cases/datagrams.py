"""Datagrams: how long they may be, how long they are told to be, and where they go."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.cases.companions import ours
from pysock_raw.conformance.kinds import (
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    UDP,
    UDP6,
    Kind,
    answer,
    bound,
    client,
    must,
    name_of,
    pair,
    set_option,
)


def _largest(id: str, kind: Kind, most: int, source: str, prepare: Callable[[Backend, int], object]) -> None:
    @case(
        f"send/{kind.name}/{id}",
        f"a message has at most {most} bytes",
        error("EMSGSIZE", source, observed=[most, "EMSGSIZE"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        fd = ours(c, kind)
        prepare(c, fd)
        return [answer(c, c.send(fd, bytes(length), length, 0)) for length in (most, most + 1)]


def _as_it_is(c: Backend, fd: int) -> None:
    pass


def _small_buffer(c: Backend, fd: int) -> None:
    must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_SNDBUF, 4096))  # socket(7): doubled


_largest("longest-message", UDP, 65507, "POSIX.1 send; udp(7): 65535 less the headers of IPv4 and UDP", _as_it_is)
_largest("longest-message", UDP6, 65527, "POSIX.1 send; RFC 8200: 65535 less the header of UDP", _as_it_is)
_BUFFER = "POSIX.1 send; an experiment: SO_SNDBUF less 32 bytes, unix_dgram_sendmsg in net/unix/af_unix.c"
_largest("longest-message", LOCAL_DGRAM, 8160, _BUFFER, _small_buffer)
_largest("longest-message", LOCAL_SEQPACKET, 8160, _BUFFER, _small_buffer)


def _true_length(kind: Kind) -> None:
    @case(
        f"recv/{kind.name}/true-length",
        "MSG_TRUNC gives the length that the message really has, with MSG_PEEK without taking it",
        success("recv(2) MSG_TRUNC, MSG_PEEK", result=4, observed=[11, b"mess".hex(), 11, "EAGAIN", 4]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        if kind.family == "AF_UNIX":
            sender, fd = pair(c, getattr(c, kind.type))
        else:
            fd, address = bound(c, kind)
            sender = client(c, kind, address)
        room = bytearray(4)
        must(c, c.send(sender, b"mess of 11!", 11, 0))
        lengths = [c.recv(fd, bytearray(0), 0, c.MSG_TRUNC | c.MSG_PEEK), c.recv(fd, room, 4, c.MSG_TRUNC)]
        again = answer(c, c.recv(fd, bytearray(4), 4, c.MSG_DONTWAIT))
        must(c, c.send(sender, b"mess of 11!", 11, 0))
        return [lengths[0], room.hex(), lengths[1], again, c.recv(fd, bytearray(4), 4, 0)]


for _kind in (UDP, UDP6, LOCAL_DGRAM, LOCAL_SEQPACKET):
    _true_length(_kind)


@case(
    "sendto/udp/connected-to-another",
    "a connected datagram socket may still send to another address for once, and keeps its peer",
    success("POSIX.1 sendto: or EISCONN; udp(7)", result=5, observed=["other", True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    (_, first), (server, second) = bound(c, UDP), bound(c, UDP)
    fd, text = client(c, UDP, first), bytearray(5)
    c.sendto(fd, b"other", 5, 0, *second)
    must(c, c.recv(server, text, 5, 0))
    peer, length = c.sockaddr_in(), c.socklen_t(16)
    must(c, c.getpeername(fd, peer, length))
    return [text.decode(), bytes(peer) == bytes(first[0])]


@case(
    "sendto/udp/names-the-socket",
    "the first datagram gives a socket without a name the wildcard address and a free port",
    success("ip(7): INADDR_ANY and an ephemeral port", result=1, observed=[0, 0, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd = UDP.socket(c)
    before = name_of(c, fd, UDP)[0].sin_port
    c.sendto(fd, b"x", 1, 0, *bound(c, UDP)[1])
    name = name_of(c, fd, UDP)[0]
    return [before, name.sin_addr.s_addr, name.sin_port != 0]

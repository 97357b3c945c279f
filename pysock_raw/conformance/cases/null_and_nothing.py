"""What 0 bytes mean, NULL, and what is lost with it."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    TCP,
    UDP,
    UDP6,
    Kind,
    answer,
    bound,
    client,
    connected,
    must,
    pair,
    wait_readable,
)

# --- what 0 bytes mean ---


@case(
    "recv/udp/0-bytes",
    "recv of 0 bytes takes a whole datagram off the queue",
    success("POSIX.1 recv: excess bytes are discarded; recv(2)", result=6, observed=[0, "second"]),
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = bound(c, UDP)
    sender, text = UDP.socket(c), bytearray(6)
    for word in (b"first ", b"second"):
        must(c, c.sendto(sender, word, 6, 0, *address))
    nothing = c.recv(fd, bytearray(1), 0, 0)
    c.recv(fd, text, 6, c.MSG_DONTWAIT)
    return [nothing, text.decode()]


@case(
    "read/udp/0-bytes",
    "read of 0 bytes leaves the datagram on the queue",
    success("an experiment: sock_read_iter in net/socket.c; recv(2)", result=6, observed=[0, "first "]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = bound(c, UDP)
    sender, text = UDP.socket(c), bytearray(6)
    for word in (b"first ", b"second"):
        must(c, c.sendto(sender, word, 6, 0, *address))
    nothing = c.read(fd, bytearray(1), 0)
    c.read(fd, text, 6)
    return [nothing, text.decode()]


def _empty_message(kind: Kind) -> None:
    @case(
        f"send/{kind.name}/empty-message",
        "a message of 0 bytes is a message: it is received as one",
        success("udp(7); unix(7)", observed=[0, 0, "EAGAIN"]),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        if kind.family == "AF_UNIX":
            sender, fd = pair(c, getattr(c, kind.type))
        else:
            fd, address = bound(c, kind)
            sender = client(c, kind, address)
        c.send(sender, b"", 0, 0)
        return [0, *(answer(c, c.recv(fd, bytearray(1), 1, c.MSG_DONTWAIT)) for _ in range(2))]


for _kind in (UDP, UDP6, LOCAL_DGRAM):
    _empty_message(_kind)


def _nothing_sent(kind: Kind) -> None:
    @case(
        f"send/{kind.name}/0-bytes",
        "0 bytes of a stream are nothing: the other end hears nothing",
        success("POSIX.1 send", observed="EAGAIN"),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> int | str:
        one, other = connected(c, kind)
        c.send(one, b"", 0, 0)
        return answer(c, c.recv(other, bytearray(1), 1, c.MSG_DONTWAIT))


for _kind in (TCP, LOCAL):
    _nothing_sent(_kind)


# --- NULL, and what is lost with it ---


def _null_buffer(kind: Kind, then: int | str, shows: str, source: str) -> None:
    @case(
        f"recv/{kind.name}/null",
        f"recv with NULL as buffer: {shows}",
        error("EFAULT", "recv(2)"),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, other = connected(c, kind) if kind is TCP else pair(c, getattr(c, kind.type))
        must(c, c.send(one, b"lost?", 5, 0))
        wait_readable(c, other)
        c.recv(other, None, 5, 0)

    @case(
        f"read/{kind.name}/null",
        f"read with NULL as buffer: {shows}",
        error("EFAULT", "read(2)", observed=then),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> int | str:
        one, other = connected(c, kind) if kind is TCP else pair(c, getattr(c, kind.type))
        must(c, c.send(one, b"lost?", 5, 0))
        wait_readable(c, other)
        c.read(other, None, 5)
        return answer(c, c.recv(other, bytearray(5), 5, c.MSG_DONTWAIT))


_null_buffer(TCP, 5, "a stream keeps what could not be written", "an experiment: tcp_recvmsg_locked")
_null_buffer(LOCAL, 5, "a stream keeps what could not be written", "an experiment: unix_stream_read_generic")
_null_buffer(LOCAL_DGRAM, "EAGAIN", "the message is lost", "an experiment: __unix_dgram_recvmsg")
_null_buffer(LOCAL_SEQPACKET, "EAGAIN", "the message is lost", "an experiment: __unix_dgram_recvmsg")


def _lost_sender(id: str, shows: str, errno: str, length: int | None) -> None:
    @case(
        f"recvfrom/udp/{id}",
        f"{shows}: the datagram is lost",
        error(errno, "recvfrom(2); an experiment: __sys_recvfrom copies the address after the message"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        fd, address = bound(c, UDP)
        must(c, c.sendto(UDP.socket(c), b"x", 1, 0, *address))
        c.recvfrom(fd, bytearray(1), 1, 0, c.sockaddr_in(), None if length is None else c.socklen_t(length))


_lost_sender("null-addrlen", "a place for the address but NULL for its length", "EFAULT", None)
_lost_sender("negative-addrlen", "a negative length for the address", "EINVAL", -1)


@case(
    "recvfrom/udp/null-address",
    "NULL for the address asks for none, and the length stays as it is",
    success("POSIX.1 recvfrom", result=1, observed=99),
)
def _(c: Backend, box: Box) -> int:
    fd, address = bound(c, UDP)
    must(c, c.sendto(UDP.socket(c), b"x", 1, 0, *address))
    length = c.socklen_t(99)
    c.recvfrom(fd, bytearray(1), 1, 0, None, length)
    return int(length.value)

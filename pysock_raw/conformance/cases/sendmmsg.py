"""sendmmsg: several messages with one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.kinds import (
    KINDS,
    LOCAL,
    LOCAL_DGRAM,
    TCP,
    UDP,
    UDP6,
    Kind,
    answer,
    bound,
    client,
    connected,
    inet,
    must,
    pair,
)
from pysock_raw.conformance.messages import batch, descriptors, lengths, message, rights
from pysock_raw.conformance.waits import MUCH, fill

Call = Callable[[Backend, int], int]


def _two(c: Backend) -> Any:
    return batch(c, message(c, b"one"), message(c, b"three"))


def _read(c: Backend, fd: int) -> str | int:
    """What one call receives, or the name of its errno."""
    text = bytearray(16)
    result = answer(c, c.recv(fd, text, 16, c.MSG_DONTWAIT))
    return text[:result].decode() if isinstance(result, int) else result


def _silent(c: Backend, kind: Kind) -> int:
    """A socket whose peer only listens."""
    if kind.family == "AF_UNIX":
        return pair(c, getattr(c, kind.type))[0]
    return client(c, kind, bound(c, kind)[1]) if kind.type == "SOCK_DGRAM" else connected(c, kind)[0]


# --- what is sent ---


def _all_sent(kind: Kind) -> None:
    @case(
        f"sendmmsg/{kind.name}/all",
        "each message is sent, and its msg_len is the number of its bytes",
        success("sendmmsg(2)", result=2, observed=[3, 5]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int]:
        messages = _two(c)
        c.sendmmsg(_silent(c, kind), messages, 2, 0)
        return lengths(messages)


for _kind in KINDS:
    _all_sent(_kind)


def _addressed(kind: Kind) -> None:
    @case(
        f"sendmmsg/{kind.name}/addresses",
        "each message has its own address",
        success("sendmmsg(2)", result=2, observed=["one", "three"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[str | int]:
        one, other = bound(c, kind, "one"), bound(c, kind, "other")
        messages = batch(c, message(c, b"one", to=one[1]), message(c, b"three", to=other[1]))
        c.sendmmsg(kind.socket(c), messages, 2, 0)
        return [_read(c, one[0]), _read(c, other[0])]


for _kind in (UDP, UDP6, LOCAL_DGRAM):
    _addressed(_kind)


@case(
    "sendmmsg/local-dgram/rights",
    "each message has its own control messages",
    success("sendmmsg(2); unix(7)", result=2, observed=[0, 2]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    sender, fd = pair(c, c.SOCK_DGRAM)
    c.sendmmsg(sender, batch(c, message(c, b"x"), message(c, b"y", control=rights(c, fd, sender))), 2, 0)
    counts = []
    for _ in range(2):
        told = message(c, bytearray(1), control=bytearray(c.CMSG_SPACE(8)))
        must(c, c.recvmsg(fd, told, 0))
        counts.append(len(descriptors(c, told)))
    return counts


@case(
    "sendmmsg/local-dgram/fewer",
    "vlen counts, not the array: the last message stays, and so does its msg_len",
    success("sendmmsg(2)", result=1, observed=[3, 77]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    messages = _two(c)
    messages[1].msg_len = 77
    c.sendmmsg(pair(c, c.SOCK_DGRAM)[0], messages, 1, 0)
    return lengths(messages)


@case(
    "sendmmsg/local/more-than-1024",
    "vlen is cut to UIO_MAXIOV",
    success("sendmmsg(2)", result=1024, observed=[1, 77]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    messages = (c.mmsghdr * 1030)()
    vector = c.iovec(iov_base=b"x", iov_len=1)
    for element in messages:
        element.msg_hdr.msg_iov, element.msg_hdr.msg_iovlen, element.msg_len = vector, 1, 77
    # On a stream that takes this much: each of these bytes needs a buffer of its own.
    fd = pair(c, c.SOCK_STREAM)[0]
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_SNDBUF, c.c_int(2**21), 4))
    c.sendmmsg(fd, messages, 1030, c.MSG_DONTWAIT)
    return [messages[1023].msg_len, messages[1024].msg_len]


# --- partial results ---


@case(
    "sendmmsg/udp/second-fails",
    "an error after the first message ends the call there, and is lost",
    success("sendmmsg(2)", result=1, observed=["one", "EAGAIN", [3, 77], 1]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = bound(c, UDP)
    sender = UDP.socket(c)
    broadcast = inet(c, 0x7FFFFFFF, 9)
    messages = batch(c, message(c, b"one", to=address), message(c, b"two", to=broadcast), message(c, b"x", to=address))
    messages[1].msg_len = 77
    c.sendmmsg(sender, messages, 3, 0)
    heard = [_read(c, fd), _read(c, fd), lengths(messages)[:2]]
    return [*heard, answer(c, c.sendto(sender, b"x", 1, 0, *address))]


@case(
    "sendmmsg/udp/first-fails",
    "an error of the first message is that of the call",
    error("EACCES", "sendmmsg(2); ip(7)", observed=[77, 77]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    messages = batch(c, message(c, b"x", to=inet(c, 0x7FFFFFFF, 9)), message(c, b"y"))
    for element in messages:
        element.msg_len = 77
    c.sendmmsg(UDP.socket(c), messages, 2, 0)
    return lengths(messages)


@case(
    "sendmmsg/local/full",
    "a stream takes what fits: the message that was sent in part is the last",
    success("sendmmsg(2); an experiment: __sys_sendmmsg", result=2, observed=[True, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd = pair(c, c.SOCK_STREAM)[0]
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_SNDBUF, c.c_int(65536), 4))
    large = bytes(2**20)
    messages = batch(c, message(c, b"x"), message(c, large), message(c, b"y"))
    c.sendmmsg(fd, messages, 3, c.MSG_DONTWAIT)
    return [0 < messages[1].msg_len < len(large), messages[2].msg_len]


@case(
    "sendmmsg/tcp/with-what-follows",
    "memoryview(messages)[n:] is C's messages + n",
    success("sendmmsg(2)", result=1, observed=[0, 5]),
    needs=["linux", "slices"],
)
def _(c: Backend, box: Box) -> list[int]:
    messages = _two(c)
    c.sendmmsg(_silent(c, TCP), memoryview(messages)[1:], 1, 0)
    return lengths(messages)


# --- one call on a socket ---


def _bad_second(c: Backend, fd: int) -> int:
    messages = _two(c)
    messages[1].msg_hdr.msg_iov = None
    return c.sendmmsg(fd, messages, 2, 0)


#: id, what it shows, kind of socket, the call, its outcome
ROWS: list[tuple[str, str, Kind, Call, Outcome]] = [
    ("udp/none", "no messages are none", UDP, lambda c, fd: c.sendmmsg(fd, _two(c), 0, 0), success("sendmmsg(2)")),
    ("udp/null-of-none", "NULL without messages", UDP, lambda c, fd: c.sendmmsg(fd, None, 0, 0),
     success("sendmmsg(2)")),
    ("udp/null", "NULL as msgvec", UDP, lambda c, fd: c.sendmmsg(fd, None, 1, 0), error("EFAULT", "sendmsg(2)")),
    ("udp/null-vector", "NULL as msg_iov of the second message", UDP, _bad_second,
     success("sendmmsg(2): an error after the first message is not told", result=1)),
    ("udp/too-many-buffers", "more buffers than IOV_MAX in the first message", UDP,
     lambda c, fd: c.sendmmsg(fd, batch(c, message(c, *[b"x"] * 1025)), 1, 0), error("EMSGSIZE", "sendmsg(2)")),
    ("local/unknown-control", "a control message that AF_UNIX refuses", LOCAL,
     lambda c, fd: c.sendmmsg(fd, batch(c, message(c, b"x", control=rights(c, 2**31 - 1))), 1, 0),
     error("EBADF", "unix(7)")),
]  # fmt: skip


def _row(id: str, shows: str, kind: Kind, call: Call, outcome: Outcome) -> None:
    @case(f"sendmmsg/{id}", shows, outcome, needs=(*kind.needs, "linux"))
    def _(c: Backend, box: Box) -> None:
        call(c, _silent(c, kind))


for _arguments in ROWS:
    _row(*_arguments)


@case(
    "sendmmsg/local/interrupted",
    "a signal handler ends the call while there is no room",
    error("EINTR", "POSIX.1 sendmsg; signal(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    ours, peer = pair(c, c.SOCK_STREAM)
    fill(c, ours)
    box.interrupt(then=lambda: c.recv(peer, bytearray(MUCH), MUCH, 0))
    c.sendmmsg(ours, _two(c), 2, 0)

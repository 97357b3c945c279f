"""recvmmsg: several messages with one call."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    TCP,
    UDP,
    UDP6,
    Kind,
    bound,
    client,
    connected,
    must,
    of_glibc,
    option,
    pair,
    wait_readable,
)
from pysock_raw.conformance.messages import MSG_WAITFORONE, batch, descriptors, lengths, message, rights
from pysock_raw.trace_values import errno_name, flags

Call = Callable[[Backend, int], int]
WORDS = (b"one", b"three")


def _room(c: Backend, count: int = 2) -> Any:
    return batch(c, *[message(c, bytearray(8)) for _ in range(count)])


def _said(c: Backend, kind: Kind) -> int:
    """A socket to which two messages have come."""
    if kind.family == "AF_UNIX":
        sender, fd = pair(c, getattr(c, kind.type))
    elif kind.type == "SOCK_STREAM":
        sender, fd = connected(c, kind)
    else:
        fd, address = bound(c, kind)
        sender = client(c, kind, address)
    for word in WORDS:
        must(c, c.send(sender, word, len(word), 0))
    wait_readable(c, fd)
    return fd


# --- what is received ---


def _all_received(kind: Kind) -> None:
    @case(
        f"recvmmsg/{kind.name}/all",
        "each datagram is received for itself, with its length",
        success("recvmmsg(2)", result=2, observed=[[3, 5], ["one", "three"]]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[object]:
        texts = bytearray(3), bytearray(5)
        messages = batch(c, *[message(c, text) for text in texts])
        c.recvmmsg(_said(c, kind), messages, 2, 0, None)
        return [lengths(messages), [text.decode() for text in texts]]


for _kind in (UDP, UDP6, LOCAL_DGRAM):
    _all_received(_kind)


@case(
    "recvmmsg/udp/senders",
    "each message has its own address and flags",
    success("recvmmsg(2)", result=2, observed=[[16, 16], [True, True], [0, "MSG_TRUNC"]]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = bound(c, UDP)
    senders = [bound(c, UDP) for _ in range(2)]
    for (sender, _), word in zip(senders, WORDS, strict=True):
        must(c, c.sendto(sender, word, len(word), 0, *address))
    names = [c.sockaddr_in(), c.sockaddr_in()]
    messages = batch(c, *[message(c, bytearray(3), to=(name, 16)) for name in names])
    c.recvmmsg(fd, messages, 2, 0, None)
    return [
        [element.msg_hdr.msg_namelen for element in messages],
        [bytes(name) == bytes(own[0]) for name, (_, own) in zip(names, senders, strict=True)],
        [flags("MSG_", element.msg_hdr.msg_flags) for element in messages],
    ]


@case(
    "recvmmsg/local-dgram/rights",
    "each message has its own control messages",
    success("recvmmsg(2); unix(7)", result=2, observed=[0, 2]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    sender, fd = pair(c, c.SOCK_DGRAM)
    must(c, c.send(sender, b"x", 1, 0))
    must(c, c.sendmsg(sender, message(c, b"y", control=rights(c, fd, sender)), 0))
    messages = batch(c, *[message(c, bytearray(1), control=bytearray(c.CMSG_SPACE(8))) for _ in range(2)])
    c.recvmmsg(fd, messages, 2, 0, None)
    return [len(descriptors(c, element.msg_hdr)) for element in messages]


@case(
    "recvmmsg/tcp/stream",
    "on a stream each message takes what fits its buffers",
    success("recvmmsg(2)", result=3, observed=[3, 3, 2]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    sender, fd = connected(c, TCP)
    must(c, c.send(sender, b"onethree", 8, 0))
    must(c, c.shutdown(sender, c.SHUT_WR))
    messages = batch(c, *[message(c, bytearray(3)) for _ in range(3)])
    c.recvmmsg(fd, messages, 3, c.MSG_WAITALL, None)
    return lengths(messages)


@case(
    "recvmmsg/local/more-than-1024",
    "more messages than sendmmsg takes",
    success("recvmmsg(2); an experiment: do_recvmmsg has no limit", result=1030),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, c.send(sender, bytes(1030), 1030, 0))
    messages = (c.mmsghdr * 1030)()
    vector = c.iovec(iov_base=bytearray(1), iov_len=1)
    for element in messages:
        element.msg_hdr.msg_iov, element.msg_hdr.msg_iovlen = vector, 1
    c.recvmmsg(fd, messages, 1030, 0, None)


# --- how long it waits ---


def _does_not_wait(flag: int, name: str) -> None:
    @case(
        f"recvmmsg/udp/{name}",
        "with two datagrams there and room for four it returns the two",
        success("recvmmsg(2)", result=2, observed=[3, 5, 77, 77]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[int]:
        messages = _room(c, 4)
        for element in messages:
            element.msg_len = 77
        c.recvmmsg(_said(c, UDP), messages, 4, flag, None)
        return lengths(messages)


_does_not_wait(MSG_WAITFORONE, "wait-for-one")
_does_not_wait(0x40, "do-not-wait")  # MSG_DONTWAIT


@case(
    "recvmmsg/local-dgram/waits-for-one",
    "MSG_WAITFORONE waits for the first message alone",
    success("recvmmsg(2)", result=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    sender, fd = pair(c, c.SOCK_DGRAM)
    box.undisturbed(then=lambda: os.write(sender, b"x"))
    c.recvmmsg(fd, _room(c), 2, MSG_WAITFORONE, None)


@case(
    "recvmmsg/local-dgram/waits-for-all",
    "without flags it waits until every message has come",
    success("recvmmsg(2)", result=2),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    sender, fd = pair(c, c.SOCK_DGRAM)
    must(c, c.send(sender, b"x", 1, 0))
    box.undisturbed(then=lambda: os.write(sender, b"y"))
    c.recvmmsg(fd, _room(c), 2, 0, None)


@case(
    "recvmmsg/udp/no-time",
    "a timeout of 0 is looked at after the first message",
    success("recvmmsg(2)", result=1, observed=[0, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    timeout = c.timespec()
    c.recvmmsg(_said(c, UDP), _room(c), 2, 0, timeout)
    return [timeout.tv_sec, timeout.tv_nsec]


@case(
    "recvmmsg/udp/time-left",
    "timeout becomes what is left of it",
    success("an experiment: do_recvmmsg in net/socket.c", result=2, observed=[99, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    timeout = c.timespec(tv_sec=100)
    c.recvmmsg(_said(c, UDP), _room(c), 2, 0, timeout)
    return [timeout.tv_sec, 0 < timeout.tv_nsec < 10**9]


@case(
    "recvmmsg/local-dgram/time-is-over",
    "the time may be over long before a message comes: it is looked at only then (BUGS)",
    success("recvmmsg(2)", result=1, observed=[0, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    sender, fd = pair(c, c.SOCK_DGRAM)
    timeout = c.timespec(tv_nsec=1)
    box.undisturbed(then=lambda: [os.write(sender, text) for text in WORDS])
    c.recvmmsg(fd, _room(c), 2, 0, timeout)
    return [timeout.tv_sec, timeout.tv_nsec]


# --- errors ---


@case(
    "recvmmsg/udp/error-first",
    "an error of the socket comes before its datagrams",
    error("ECONNREFUSED", "udp(7); an experiment: sock_error in do_recvmmsg", observed=0),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    fd, address = bound(c, UDP)
    must(c, c.close(fd))
    sender = client(c, UDP, address)
    must(c, c.send(sender, b"x", 1, 0))
    wait_readable(c, sender)  # the refusal
    c.recvmmsg(sender, _room(c), 2, 0x40, None)
    return option(c, sender, c.SOL_SOCKET, c.SO_ERROR)


@case(
    "recvmmsg/udp/error-later",
    "an error after the first message is told by the next call",
    success("recvmmsg(2)", result=1, observed="EFAULT"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    messages, fd = _room(c), _said(c, UDP)
    messages[1].msg_hdr.msg_iov = c.iovec(iov_len=5)
    c.recvmmsg(fd, messages, 2, 0, None)
    return errno_name(option(c, fd, c.SOL_SOCKET, c.SO_ERROR))


def _with_time(seconds: int, nanoseconds: int) -> Call:
    return lambda c, fd: c.recvmmsg(fd, _room(c), 2, 0, c.timespec(seconds, nanoseconds))


#: id, what it shows, kind of socket, the call, its outcome
ROWS: list[tuple[str, str, Kind, Call, Outcome]] = [
    ("udp/none", "no messages are none", UDP, lambda c, fd: c.recvmmsg(fd, _room(c), 0, 0, None),
     success("recvmmsg(2)")),
    ("udp/null-of-none", "NULL without messages", UDP, lambda c, fd: c.recvmmsg(fd, None, 0, 0, None),
     success("recvmmsg(2)")),
    ("udp/null", "NULL as msgvec", of_glibc(UDP), lambda c, fd: c.recvmmsg(fd, None, 1, 0, None),
     error("EFAULT", "recvmsg(2)")),
    ("udp/negative-time", "a time before now", UDP, _with_time(-1, 0), error("EINVAL", "recvmmsg(2)")),
    ("udp/too-many-nanoseconds", "a whole second in nanoseconds", UDP, _with_time(0, 10**9),
     error("EINVAL", "recvmmsg(2)")),
    ("udp/negative-nanoseconds", "nanoseconds before the second", UDP, _with_time(1, -1),
     error("EINVAL", "recvmmsg(2)")),
    ("local/too-many-buffers", "more buffers than IOV_MAX in the first message", LOCAL,
     lambda c, fd: c.recvmmsg(fd, batch(c, message(c, *[bytearray(1)] * 1025)), 1, 0, None),
     error("EMSGSIZE", "recvmsg(2)")),
]  # fmt: skip


def _row(id: str, shows: str, kind: Kind, call: Call, outcome: Outcome) -> None:
    @case(f"recvmmsg/{id}", shows, outcome, needs=(*kind.needs, "linux"))
    def _(c: Backend, box: Box) -> None:
        call(c, _said(c, kind))


for _arguments in ROWS:
    _row(*_arguments)


@case(
    "recvmmsg/udp/nothing",
    "MSG_DONTWAIT, and no datagram",
    error("EAGAIN", "recvmmsg(2); recvmsg(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.recvmmsg(bound(c, UDP)[0], _room(c), 2, c.MSG_DONTWAIT, None)


@case(
    "recvmmsg/bad-time-on-no-descriptor",
    "the time is looked at before the descriptor",
    error("EINVAL", "an experiment: do_recvmmsg in net/socket.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.recvmmsg(-1, _room(c), 2, 0, c.timespec(tv_sec=-1))


@case(
    "recvmmsg/local/interrupted",
    "a signal handler ends the call while nothing has come",
    error("EINTR", "POSIX.1 recvmsg; signal(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    sender, fd = pair(c, c.SOCK_DGRAM)
    box.interrupt(then=lambda: [c.send(sender, word, len(word), 0) for word in WORDS])
    c.recvmmsg(fd, _room(c), 2, 0, None)

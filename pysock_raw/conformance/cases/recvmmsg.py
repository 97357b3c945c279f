"""recvmmsg: several messages with one call."""

from __future__ import annotations

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
    answer,
    bound,
    client,
    connected,
    must,
    option,
    pair,
    wait_readable,
)
from pysock_raw.conformance.messages import MSG_WAITFORONE, batch, descriptors, lengths, message, rights
from pysock_raw.trace_values import errno_name, flags

Call = Callable[[Backend, int], int]
WORDS = (b"one", b"three")


def _room(c: Backend, count: int = 2, size: int = 8) -> Any:
    return batch(c, *[message(c, bytearray(size)) for _ in range(count)])


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
        messages = _room(c)
        c.recvmmsg(_said(c, kind), messages, 2, 0, None)
        texts = [bytes(element.msg_hdr.msg_iov)[:0] or _text(c, element) for element in messages]
        return [lengths(messages), texts]


def _text(c: Backend, element: Any) -> str:
    vector = c.iovec.from_buffer(element.msg_hdr.msg_iov)
    return str(vector.iov_len)


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

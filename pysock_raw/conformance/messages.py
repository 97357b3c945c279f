"""Messages for cases: structures made of buffers, and what was received in them as literals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import Address

# Names that Python lacks on some versions (linux/in.h, linux/in6.h, linux/socket.h).
IP_PKTINFO, IP_RECVERR, IP_RECVTTL, IPV6_RECVERR = 8, 11, 12, 25
MSG_WAITFORONE = 0x10000

Control = tuple[int, int, bytes]
"""Level, type and data of a control message."""


def message(c: Backend, *buffers: Any, to: Address | None = None, control: Any = None) -> Any:
    """A msghdr whose buffers are used whole. To receive, `to` is room for an address."""
    vector = (c.iovec * len(buffers))()
    for element, buffer in zip(vector, buffers, strict=True):
        element.iov_base, element.iov_len = buffer, len(buffer)
    made = c.msghdr(msg_iov=vector, msg_iovlen=len(buffers))
    if to is not None:
        made.msg_name, made.msg_namelen = to
    if control is not None:
        made.msg_control, made.msg_controllen = control, len(control)
    return made


def batch(c: Backend, *messages: Any) -> Any:
    """An array of mmsghdr."""
    made = (c.mmsghdr * len(messages))()
    for element, header in zip(made, messages, strict=True):
        element.msg_hdr = header
    return made


def lengths(messages: Any) -> list[int]:
    return [element.msg_len for element in messages]


def controls(c: Backend, *messages: Control) -> bytearray:
    """A control buffer, made as cmsg(3) tells."""
    buffer = bytearray(sum(c.CMSG_SPACE(len(data)) for _, _, data in messages))
    carrier = c.msghdr(msg_control=buffer, msg_controllen=len(buffer))
    header: Any = c.CMSG_FIRSTHDR(carrier)
    for level, type, data in messages:
        header.cmsg_level, header.cmsg_type, header.cmsg_len = level, type, c.CMSG_LEN(len(data))
        c.CMSG_DATA(header)[: len(data)] = data
        header = c.CMSG_NXTHDR(carrier, header)
    return buffer


def rights(c: Backend, *fds: int) -> bytearray:
    """A control buffer with descriptors (unix(7), SCM_RIGHTS)."""
    return controls(c, (c.SOL_SOCKET, c.SCM_RIGHTS, bytes((c.c_int * len(fds))(*fds))))


def received(c: Backend, header: Any) -> Iterator[Control]:
    """The control messages of a msghdr that a call filled."""
    found = c.CMSG_FIRSTHDR(header)
    while found is not None:
        data = bytes(c.CMSG_DATA(found)[: found.cmsg_len - c.CMSG_LEN(0)])
        yield found.cmsg_level, found.cmsg_type, data
        found = c.CMSG_NXTHDR(header, found)


def descriptors(c: Backend, header: Any) -> list[int]:
    """The descriptors that came with a message."""
    return [
        fd
        for level, type, data in received(c, header)
        if (level, type) == (c.SOL_SOCKET, c.SCM_RIGHTS)
        for fd in memoryview(data).cast("i").tolist()
    ]

"""Control messages in their buffer (cmsg(3)): headers as objects that share its memory, and the triples (level, type,
data) that Python's sockets have for them. No cmsg_len is believed: it may be anything, and change at any time.
"""

from __future__ import annotations

import _socket as socket
import os
from collections.abc import Iterable, Iterator
from ctypes import addressof, c_char
from typing import Any

from pysock_raw.backends.arguments import LINUX, bounded
from pysock_raw.backends.contract import Inexpressible
from pysock_raw.structures import cmsghdr, msghdr, sizeof

HEADER = sizeof(cmsghdr)
DATA = socket.CMSG_LEN(0)  # where a message's data start
ALIGNMENT = socket.CMSG_SPACE(1) - socket.CMSG_SPACE(0)
SOL_RDS = 276  # linux/socket.h
Triple = tuple[int, int, bytes]


def aligned(length: int) -> int:
    return -(-length // ALIGNMENT) * ALIGNMENT


# --- headers as objects ---


def buffer_of(msgh: Any) -> memoryview:
    """msg_control as far as msg_controllen says, checked; empty for NULL."""
    if not isinstance(msgh, msghdr):
        raise TypeError(f"msgh must be a msghdr, not {type(msgh).__name__}")
    control: memoryview | None = msgh.msg_control
    length = msgh.msg_controllen
    if control is None:
        return memoryview(bytearray())
    if control.readonly:
        raise TypeError("msg_control must be writable for its headers to share its memory")
    bounded("msg_control", control, "msg_controllen", length)
    return control[:length]


def header(control: memoryview, at: int) -> cmsghdr:
    """The header at a place, with the memory from there on for CMSG_DATA."""
    found = cmsghdr.from_buffer(control[at:])
    vars(found)["memory"] = control[at:]
    return found


def place(control: memoryview, cmsg: Any) -> int:
    """Where in the buffer a header is."""
    if not isinstance(cmsg, cmsghdr):
        raise TypeError(f"cmsg must be a cmsghdr, not {type(cmsg).__name__}")
    at = addressof(cmsg) - addressof(c_char.from_buffer(control)) if control else -1
    if not 0 <= at <= control.nbytes - HEADER:
        raise ValueError("cmsg is not a header in the first msg_controllen bytes of msg_control")
    return at


def following(control: bytes | bytearray, at: int) -> int | None:
    """Where the next header is, if this one's cmsg_len is a length and leaves room for another. glibc before 2.37 would
    follow any length to read that header's own (its bug 28846)."""
    length = cmsghdr.from_buffer_copy(control, at).cmsg_len
    after = at + aligned(length)
    return after if length >= HEADER and after + HEADER <= len(control) else None


def memory_of(cmsg: Any) -> memoryview:
    """The memory from a header on to the end of its buffer."""
    if not isinstance(cmsg, cmsghdr):
        raise TypeError(f"cmsg must be a cmsghdr, not {type(cmsg).__name__}")
    memory = vars(cmsg).get("memory")
    if memory is None:
        raise ValueError("this cmsghdr is in no control buffer: take one from CMSG_FIRSTHDR or CMSG_NXTHDR")
    return memory  # type: ignore[no-any-return]


# --- triples ---


def messages(control: bytes) -> Iterator[tuple[cmsghdr, bytes]]:
    """Headers and data in the kernel's way through them (for_each_cmsghdr), up to the end or to a header whose cmsg_len
    is wrong, which comes with whatever follows it."""
    at: int | None = 0
    while at is not None and at + HEADER <= len(control):
        head = cmsghdr.from_buffer_copy(control, at)
        yield head, control[at + DATA : at + head.cmsg_len]
        at = following(control, at) if well_formed(head, len(control) - at) else None


def well_formed(head: cmsghdr, room: int) -> bool:
    """CMSG_OK of the kernel."""
    return bool(HEADER <= head.cmsg_len <= room)


def to_triples(control: bytes) -> list[Triple]:
    """The control messages for socket.sendmsg, which writes their headers itself."""
    triples = []
    room = len(control)
    for head, data in messages(control):
        if not well_formed(head, room):
            raise Inexpressible("socket.sendmsg writes cmsg_len itself, and never a wrong one")
        triples.append((head.cmsg_level, head.cmsg_type, data))
        room -= aligned(head.cmsg_len)
    return triples


def put(room: memoryview, triples: Iterable[Triple]) -> tuple[int, bool]:
    """Write what socket.recvmsg received to a control buffer as the kernel does (put_cmsg, scm_detach_fds): the bytes
    used, and whether something did not fit. Descriptors that do not fit are closed: the kernel makes none for them."""
    from array import array  # a shared library of its own

    used, cut = 0, False
    for level, type, data in triples:
        left = room.nbytes - used
        rights = (level, type) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        fits = data[: max(0, left - DATA)]
        if rights:
            fits = fits[: len(fits) // 4 * 4]
            for fd in array("i", data[len(fits) : len(data) // 4 * 4]):
                os.close(fd)
        cut |= len(fits) < len(data)
        if left < HEADER or (rights and not fits):
            continue
        room[used : used + HEADER] = bytes(cmsghdr(DATA + len(fits), level, type))
        room[used + DATA : used + DATA + len(fits)] = fits
        used += min(socket.CMSG_SPACE(len(fits)), left)
    return used, cut


def refuse_addresses(control: bytes) -> None:
    """ValueError for control messages that hold addresses which the kernel would follow (rds_cmsg_send)."""
    if LINUX and any(head.cmsg_level == SOL_RDS for head, _ in messages(control)):
        raise ValueError("control messages of SOL_RDS make the kernel use memory outside them, so none is passed on")

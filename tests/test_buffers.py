"""What another thread does to a buffer while a call that was given it waits in the kernel: it cannot move, and what it
holds may change."""

from __future__ import annotations

import array
import mmap
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Sockets

from pysock_raw.structures import iovec, msghdr

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls have other numbers")

CALLS: dict[str, Callable[[Any, int, Any], int]] = {
    "read": lambda api, fd, buffer: api.read(fd, buffer, 8),
    "recv": lambda api, fd, buffer: api.recv(fd, buffer, 8, 0),
    "recvfrom": lambda api, fd, buffer: api.recvfrom(fd, buffer, 8, 0, None, None),
    "recvmsg": lambda api, fd, buffer: api.recvmsg(fd, msghdr(msg_iov=iovec(buffer, 8), msg_iovlen=1), 0),
}
IN_THE_KERNEL = ("0 ", "1 ", "19 ", "20 ", "44 ", "45 ", "46 ", "47 ")
"""read, write, readv, writev, sendto, recvfrom, sendmsg and recvmsg in asm/unistd_64.h."""


def waiting(work: Callable[[], object]) -> threading.Thread:
    """A thread that does the work, once it waits in the kernel."""
    thread = threading.Thread(target=work)
    thread.start()
    state = Path(f"/proc/self/task/{thread.native_id}")
    while thread.is_alive() and not (state / "syscall").read_text().startswith(IN_THE_KERNEL):
        os.sched_yield()
    return thread


def grow(buffer: Any) -> None:
    buffer.extend(b"it would move")


def release_and_grow(view: memoryview) -> None:
    buffer = view.obj
    view.release()
    grow(buffer)


MOVES: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "a bytearray grows": (lambda: bytearray(8), grow),
    "a bytearray shrinks": (lambda: bytearray(8), lambda buffer: buffer.clear()),
    "a memoryview is released": (lambda: memoryview(bytearray(8)), release_and_grow),
    "what a memoryview shows grows": (lambda: memoryview(bytearray(8)), lambda buffer: grow(buffer.obj)),
    "an array grows": (lambda: array.array("b", bytes(8)), grow),
    "a mapping is closed": (lambda: mmap.mmap(-1, 8), lambda buffer: buffer.close()),
    "a mapping is resized": (lambda: mmap.mmap(-1, 8), lambda buffer: buffer.resize(2**20)),
}


@pytest.mark.parametrize(("make", "move"), MOVES.values(), ids=MOVES)
@pytest.mark.parametrize("call", CALLS)
def test_memory_stays_while_a_call_receives(
    call: str, make: Callable[[], Any], move: Callable[[Any], object], sockets: Sockets
) -> None:
    buffer, results = make(), list[int]()
    memory = getattr(buffer, "obj", buffer)
    writer, reader = sockets.pair()
    thread = waiting(lambda: results.append(CALLS[call](sockets.api, reader, buffer)))
    try:
        with pytest.raises(BufferError):
            move(buffer)
    finally:
        os.write(writer, b"received")
        thread.join()
    assert (results, bytes(memoryview(memory))) == ([8], b"received")


SENDS: dict[str, Callable[[Any, int, Any], int]] = {
    "write": lambda api, fd, buffer: api.write(fd, buffer, 8),
    "send": lambda api, fd, buffer: api.send(fd, buffer, 8, 0),
    "sendto": lambda api, fd, buffer: api.sendto(fd, buffer, 8, 0, None, 0),
    "sendmsg": lambda api, fd, buffer: api.sendmsg(fd, msghdr(msg_iov=iovec(buffer, 8), msg_iovlen=1), 0),
}


@pytest.mark.parametrize(("make", "move"), MOVES.values(), ids=MOVES)
@pytest.mark.parametrize("call", SENDS)
def test_memory_stays_while_a_call_sends(
    call: str, make: Callable[[], Any], move: Callable[[Any], object], sockets: Sockets
) -> None:
    """Into a queue that is full. Contents that change meanwhile are sent as they are, whole."""
    buffer, results = make(), list[int]()
    memory = getattr(buffer, "obj", buffer)
    writer, reader = sockets.pair("SOCK_DGRAM")
    os.set_blocking(writer, False)
    queued = 0
    while sockets.api.send(writer, b"x", 1, 0) == 1:
        queued += 1
    os.set_blocking(writer, True)
    thread = waiting(lambda: results.append(SENDS[call](sockets.api, writer, buffer)))
    try:
        with pytest.raises(BufferError):
            move(buffer)
        memoryview(memory).cast("B")[:] = b"modified"
    finally:
        told = [os.read(reader, 2) for _ in range(queued)]
        thread.join()
    assert told == [b"x"] * queued
    assert (results, len(os.read(reader, 9))) == ([8], 8)


def test_only_the_call_holds_its_buffer(sockets: Sockets) -> None:
    """As soon as it has returned, whatever it returned, the buffer may move."""
    for fd in (sockets.closed(), sockets.pair()[0]):
        buffer = bytearray(8)
        for call in SENDS.values():
            call(sockets.api, fd, buffer)
            buffer.append(0)

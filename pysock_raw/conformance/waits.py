"""The calls that can wait, each in a state in which it does, and what ends the wait.

    wait = WAITS["recv"](c, box)  # an empty connection
    woken(box, wait)              # its peer writes as soon as we sleep
    wait.call(0)

A socket object of Python with a timeout waits in poll instead. `limited` sets a limit in both ways: SO_RCVTIMEO and
SO_SNDTIMEO, which every side feels, and socket.setdefaulttimeout, which is settimeout for each socket object that is
made from now on, so that only those who make some feel it.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from typing import NamedTuple

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box, when_asleep
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    TCP,
    Address,
    Kind,
    bound,
    client,
    listener,
    must,
    pair,
    wait_readable,
)
from pysock_raw.conformance.messages import message

MOMENT = 1e-6
"""A limit in seconds that is over at once: the least that a timeval can say."""
A_WHILE = 1.0
"""A limit that is over when a call that does not have to wait has long returned."""
PATIENCE = 100.0
"""A limit that no case lives to see."""
MUCH = 2**20
"""More bytes than a local stream buffers."""
DATAGRAM = 20_000
"""Bytes of a datagram of which some fill a send buffer, before a receiver's queue has too many of them."""


class Wait(NamedTuple):
    fd: int
    call: Callable[[int], int]
    """Make the call, with flags where it takes some."""
    wake: Callable[[], object]
    """End its wait, from another process or thread."""


def limited(c: Backend, fd: int, seconds: float) -> None:
    """A limit on waiting, as a C programmer writes it and as a Python programmer writes it."""
    socket.setdefaulttimeout(seconds)
    limited_in_c(c, fd, seconds)


def limited_in_c(c: Backend, fd: int, seconds: float) -> None:
    value = c.timeval(tv_sec=int(seconds), tv_usec=round(seconds % 1 * 1_000_000))
    for option in (c.SO_RCVTIMEO, c.SO_SNDTIMEO):
        must(c, c.setsockopt(fd, c.SOL_SOCKET, option, value, c.sizeof(value)))


def woken(box: Box, wait: Wait) -> None:
    """End the wait as soon as this process sleeps; if it never does, when its case ends."""
    box.helper(lambda: when_asleep(box.pid, wait.wake))


def made_late(box: Box, wait: Wait) -> None:
    """Make the call, and end its wait once it sleeps in the call itself (proc(5): the first argument in
    /proc/PID/syscall is its descriptor). A socket object with a timeout sleeps in poll, and nobody wakes it."""
    over = threading.Event()

    def wake() -> None:
        while not over.is_set():
            with open(f"/proc/self/task/{box.pid}/syscall") as call:
                if call.read().split()[1:2] == [hex(wait.fd)]:
                    wait.wake()
                    return
            os.sched_yield()

    box.thread(wake)
    try:
        wait.call(0)
    finally:
        over.set()


def full_listener(c: Backend, kind: Kind) -> tuple[int, Address]:
    """A listener whose queue is full: what asks it now gets no answer (listen(2)). There is room for one more than
    its backlog, which is 1, because PyPy knows no 0."""
    server, address = listener(c, kind, backlog=1)
    for _ in range(2):
        client(c, kind, address)
    wait_readable(c, server)
    return server, address


def fill(c: Backend, fd: int) -> None:
    """Send until the buffer of a local stream takes no more."""
    must(c, c.send(fd, bytes(MUCH), MUCH, c.MSG_DONTWAIT))


def _accepting(accept: Callable[[Backend, int], int]) -> Callable[[Backend, Box], Wait]:
    def arrange(c: Backend, box: Box) -> Wait:
        server, address = listener(c, LOCAL)
        ours = LOCAL.socket(c)
        return Wait(server, lambda flags: accept(c, server), lambda: must(c, c.connect(ours, *address)))

    return arrange


def _receiving(receive: Callable[[Backend, int, int], int]) -> Callable[[Backend, Box], Wait]:
    def arrange(c: Backend, box: Box) -> Wait:
        one, other = pair(c, c.SOCK_STREAM)
        return Wait(one, lambda flags: receive(c, one, flags), lambda: os.write(other, b"x"))

    return arrange


def _sending(send: Callable[[Backend, int, int], int]) -> Callable[[Backend, Box], Wait]:
    def arrange(c: Backend, box: Box) -> Wait:
        one, other = pair(c, c.SOCK_STREAM)
        fill(c, one)
        return Wait(one, lambda flags: send(c, one, flags), lambda: os.read(other, MUCH))

    return arrange


def _sending_to(c: Backend, box: Box) -> Wait:
    (receiver, address), one, data = bound(c, LOCAL_DGRAM), LOCAL_DGRAM.socket(c), bytes(DATAGRAM)
    sent = 0
    while c.sendto(one, data, DATAGRAM, c.MSG_DONTWAIT, *address) == DATAGRAM:
        sent += 1
    return Wait(
        one,
        lambda flags: c.sendto(one, b"x", 1, flags, *address),
        lambda: [os.read(receiver, DATAGRAM) for _ in range(sent)],
    )


def _connecting(c: Backend, box: Box) -> Wait:
    server, address = full_listener(c, LOCAL)
    ours = LOCAL.socket(c)
    return Wait(ours, lambda flags: c.connect(ours, *address), lambda: must(c, c.accept(server, None, None)))


def connecting_over_tcp(c: Backend, box: Box) -> Wait:
    """A connect on loopback waits too: its answer is looked at when the call has let go of the socket."""
    _, address = listener(c, TCP)
    ours = TCP.socket(c)
    return Wait(ours, lambda flags: c.connect(ours, *address), lambda: None)


WAITS: dict[str, Callable[[Backend, Box], Wait]] = {
    "accept": _accepting(lambda c, fd: c.accept(fd, None, None)),
    "connect": _connecting,
    "accept4": _accepting(lambda c, fd: c.accept4(fd, None, None, 0)),
    "read": _receiving(lambda c, fd, flags: c.read(fd, bytearray(1), 1)),
    "write": _sending(lambda c, fd, flags: c.write(fd, b"x", 1)),
    "send": _sending(lambda c, fd, flags: c.send(fd, b"x", 1, flags)),
    "recv": _receiving(lambda c, fd, flags: c.recv(fd, bytearray(1), 1, flags)),
    "sendto": _sending_to,
    "recvfrom": _receiving(lambda c, fd, flags: c.recvfrom(fd, bytearray(1), 1, flags, None, None)),
    "sendmsg": _sending(lambda c, fd, flags: c.sendmsg(fd, message(c, b"x"), flags)),
    "recvmsg": _receiving(lambda c, fd, flags: c.recvmsg(fd, message(c, bytearray(1)), flags)),
}  # fmt: skip

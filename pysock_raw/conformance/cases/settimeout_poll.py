"""What a C programmer writes to wait no longer than he wants: poll, and then the call. A socket object with a timeout
does just that, so what poll does not know of a call is what settimeout breaks in it. Both languages say the same."""

from __future__ import annotations

import os
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box, when_asleep
from pysock_raw.conformance.case import case, success
from pysock_raw.conformance.kinds import TCP, answer, connected, listener, must, pair, set_option
from pysock_raw.conformance.waits import MOMENT, fill, limited

Arranged = tuple[int, Callable[[], int]]
"""A descriptor, and the call on it that does not have to wait."""


def _urgent(c: Backend) -> Arranged:
    one, other = connected(c, TCP)
    must(c, c.send(other, b"!", 1, c.MSG_OOB))
    must(c, c.poll(c.pollfd(fd=one, events=c.POLLPRI), 1, -1))
    return one, lambda: c.recv(one, bytearray(1), 1, c.MSG_OOB)


def _below_the_mark(c: Backend) -> Arranged:
    one, other = connected(c, TCP)
    must(c, c.send(other, b"a", 1, 0))
    must(c, c.recv(one, bytearray(1), 1, c.MSG_PEEK))
    must(c, set_option(c, one, c.SOL_SOCKET, c.SO_RCVLOWAT, 3))
    return one, lambda: c.recv(one, bytearray(1), 1, 0)


def _little_room(c: Backend) -> Arranged:
    one, _ = pair(c, c.SOCK_STREAM)
    must(c, c.send(one, bytes(2**16), 2**16, 0))
    return one, lambda: c.send(one, b"x", 1, 0)


def _full(c: Backend) -> Arranged:
    one, _ = pair(c, c.SOCK_STREAM)
    fill(c, one)
    return one, lambda: c.send(one, b"", 0, 0)


def _connection(c: Backend) -> Arranged:
    one, _ = pair(c, c.SOCK_STREAM)
    return one, lambda: c.accept(one, None, None)


def _listener(c: Backend) -> Arranged:
    fd, _ = listener(c, TCP)
    return fd, lambda: c.recv(fd, bytearray(1), 1, 0)


#: id -> what it shows, the arrangement, what is polled for, what the call says although poll said no
AT_ONCE: dict[str, tuple[str, Callable[[Backend], Arranged], str, int | str]] = {
    "tcp/settimeout-urgent": ("an urgent byte alone is nothing to read", _urgent, "POLLIN", 1),
    "tcp/settimeout-low-water": ("fewer bytes than SO_RCVLOWAT are nothing to read", _below_the_mark, "POLLIN", 1),
    "local/settimeout-and-room": ("a little room is none to write to", _little_room, "POLLOUT", 1),
    "local/settimeout-and-nothing": ("a full stream has no room, not even for no bytes", _full, "POLLOUT", 0),
    "local/settimeout-hopeless": ("no connection will come to a connection", _connection, "POLLIN", "EINVAL"),
    "tcp/settimeout-hopeless": ("nothing will come to a listener", _listener, "POLLIN", "ENOTCONN"),
}


def _says_no(id: str) -> None:
    shows, arrange, events, said = AT_ONCE[id]

    @case(f"poll/{id}", f"{shows}: poll waits, where a call would not", success("an experiment", said), needs=["linux"])
    def _(c: Backend, box: Box) -> int | str:
        fd, call = arrange(c)
        c.poll(c.pollfd(fd=fd, events=getattr(c, events)), 1, 1)
        return answer(c, call())


for _id in AT_ONCE:
    _says_no(_id)


@case(
    "poll/local/settimeout-patient",
    "poll has a limit of its own alone: SO_RCVTIMEO and a timeout of Python's do nothing to it",
    success("socket(7): timeouts have no effect for select, poll and epoll_wait", result=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, other = pair(c, c.SOCK_STREAM)
    limited(c, one, MOMENT)
    box.helper(lambda: when_asleep(box.pid, lambda: os.write(other, b"x")))
    c.poll(c.pollfd(fd=one, events=c.POLLIN), 1, -1)


@case(
    "recv/local/settimeout-and-poll",
    "poll and then recv is a limit that leaves no trace: nothing comes, and recv is never made; then it waits",
    success("POSIX.1 poll, recv", result=1, observed=0),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    one, other = pair(c, c.SOCK_STREAM)
    ready = c.poll(c.pollfd(fd=one, events=c.POLLIN), 1, 1)
    box.helper(lambda: when_asleep(box.pid, lambda: os.write(other, b"x")))
    c.recv(one, bytearray(1), 1, 0)
    return ready

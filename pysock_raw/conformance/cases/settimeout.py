"""What Python's settimeout does to each call that can wait, beside SO_RCVTIMEO and SO_SNDTIMEO, C's limit.

`limited` sets both. C and the fallback feel the socket's options alone, socket objects their timeout alone."""

from __future__ import annotations

import errno
import os
import signal
import socket
import time

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box, when_asleep, when_waiting
from pysock_raw.conformance.case import Outcome, case, descriptor, error, success
from pysock_raw.conformance.kinds import LOCAL, TCP, client, inet, listener, must, option, pair
from pysock_raw.conformance.waits import (
    A_WHILE,
    MOMENT,
    PATIENCE,
    WAITS,
    Wait,
    connecting_over_tcp,
    full_listener,
    limited,
    made_late,
    woken,
)
from pysock_raw.conformance.wire import ACK, SYN, THERE, Wire

HANDS_OUT = ("accept", "accept4")
ANSWERS = {"connect": 0}
"""What a call that is let go on returns, if not 1 for its one byte."""
WITH_FLAGS = ("send", "recv", "sendto", "recvfrom", "sendmsg", "recvmsg")


def goes_on(call: str, source: str, observed: object = None) -> Outcome:
    """What a call that has waited answers."""
    if call in HANDS_OUT:
        return descriptor(source, observed)
    return success(source, observed, result=ANSWERS.get(call, 1))


# --- a limit that is over ---


def _expires(call: str) -> None:
    @case(
        f"{call}/local/settimeout-expires",
        f"a limit on waiting that is over ends {call} with EAGAIN",
        error("EAGAIN", "POSIX.1 setsockopt SO_RCVTIMEO, SO_SNDTIMEO; socket(7)"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        wait = WAITS[call](c, box)
        limited(c, wait.fd, MOMENT)
        wait.call(0)


for _call in WAITS:
    _expires(_call)


@case(
    "connect/tcp/settimeout-expires",
    "a limit on waiting that is over ends a TCP connect with EINPROGRESS: it goes on by itself",
    error("EINPROGRESS", "socket(7) SO_SNDTIMEO"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    _, address = full_listener(c, TCP)
    ours = TCP.socket(c)
    limited(c, ours, MOMENT)
    c.connect(ours, *address)


# --- a limit that is over before the answer comes ---


def _late(call: str) -> None:
    @case(
        f"{call}/local/settimeout-late",
        f"{call} without a limit of its own waits for as long as it takes",
        goes_on(call, f"POSIX.1 {call}"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        wait = WAITS[call](c, box)
        socket.setdefaulttimeout(MOMENT)
        made_late(box, wait)


for _call in WAITS:
    _late(_call)


@case(
    "connect/tcp/settimeout-late",
    "connect without a limit of its own waits until the other host has answered",
    success("POSIX.1 connect"),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> None:
    wire, ours, address = Wire(box), TCP.socket(c), inet(c, THERE, 9)
    wait = Wait(ours, lambda flags: c.connect(ours, *address), lambda: wire.answer(wire.read(), SYN | ACK))
    socket.setdefaulttimeout(MOMENT)
    made_late(box, wait)


SIGNALS, PACE = 12, 0.1
"""So many signals, and so many seconds between them, that together they take longer than `A_WHILE`."""


def _signalled(call: str) -> None:
    @case(
        f"{call}/local/settimeout-and-signals",
        f"a limit begins anew with each {call}: signals interrupt it for longer than that, and it is not over",
        goes_on(call, "POSIX.1 setsockopt SO_RCVTIMEO, SO_SNDTIMEO; signal(7)", observed=SIGNALS),
        needs=["linux"],
        slow=True,
    )
    def _(c: Backend, box: Box) -> int:
        wait, (handled, handler) = WAITS[call](c, box), box.pipe()
        signal.signal(signal.SIGUSR1, lambda number, frame: os.write(handler, b"!") and None)

        def interrupt() -> None:
            for _ in range(SIGNALS):
                time.sleep(PACE)
                when_asleep(box.pid, lambda: os.kill(box.pid, signal.SIGUSR1))
                os.read(handled, 1)
            when_asleep(box.pid, wait.wake)

        box.helper(interrupt)
        limited(c, wait.fd, A_WHILE)
        interrupted = 0
        while wait.call(0) == -1 and c.get_errno() == errno.EINTR:
            interrupted += 1
        return interrupted


for _call in (*HANDS_OUT, *WITH_FLAGS):
    _signalled(_call)


# --- a limit of 0 ---


def _zero(call: str) -> None:
    @case(
        f"{call}/local/settimeout-of-0",
        f"a limit of 0 is none: {call} waits for as long as it takes",
        goes_on(call, "socket(7): a timeout of 0 never expires"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        wait = WAITS[call](c, box)
        woken(box, wait)
        limited(c, wait.fd, 0)
        wait.call(0)


for _call in WAITS:
    _zero(_call)


# --- O_NONBLOCK, which a socket object with a timeout needs ---


def _arranged(c: Backend, box: Box, call: str, kind: str) -> Wait:
    return connecting_over_tcp(c, box) if (call, kind) == ("connect", "tcp") else WAITS[call](c, box)


def _since(call: str, kind: str) -> None:
    @case(
        f"{call}/{kind}/settimeout-once",
        f"another program that had a timeout for the same socket leaves {call} alone: it waits",
        goes_on(call, f"POSIX.1 {call}"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        wait = _arranged(c, box, call, kind)
        woken(box, wait)
        socket.setdefaulttimeout(PATIENCE)
        option(c, wait.fd, c.SOL_SOCKET, c.SO_TYPE)
        socket.setdefaulttimeout(None)
        wait.call(0)


for _call in WAITS:
    _since(_call, "local")
_since("connect", "tcp")


def _patient(call: str) -> None:
    @case(
        f"{call}/local/settimeout-patient",
        f"a limit that is far away does not keep {call} from waiting",
        goes_on(call, f"POSIX.1 {call}"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        wait = WAITS[call](c, box)
        woken(box, wait)
        limited(c, wait.fd, PATIENCE)
        wait.call(0)


for _call in WAITS:
    _patient(_call)


def _nonblocking(call: str, kind: str) -> None:
    @case(
        f"{call}/{kind}/settimeout-nonblocking",
        f"{call} on a descriptor with O_NONBLOCK does not wait, whatever the limit is",
        error("EINPROGRESS" if kind == "tcp" else "EAGAIN", f"POSIX.1 {call}; {call}(2)"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        wait = _arranged(c, box, call, kind)
        must(c, c.fcntl(wait.fd, c.F_SETFL, c.O_NONBLOCK))
        woken(box, wait)
        limited(c, wait.fd, PATIENCE)
        wait.call(0)


for _call in WAITS:
    _nonblocking(_call, "local")
_nonblocking("connect", "tcp")


def _dontwait(call: str) -> None:
    @case(
        f"{call}/local/settimeout-dontwait",
        f"{call} with MSG_DONTWAIT does not wait, whatever the limit is",
        error("EAGAIN", f"POSIX.1 {call}; {call}(2) MSG_DONTWAIT"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        wait = WAITS[call](c, box)
        woken(box, wait)
        limited(c, wait.fd, PATIENCE)
        wait.call(c.MSG_DONTWAIT)


for _call in WITH_FLAGS:
    _dontwait(_call)


# --- the flags of a descriptor ---

_BLOCKING = "O_NONBLOCK comes from SOCK_NONBLOCK and F_SETFL alone (POSIX.1 {}, fcntl)"


def _status(c: Backend, fd: int) -> int:
    """O_NONBLOCK among the status flags, as 0 or 1."""
    return int(bool(must(c, c.fcntl(fd, c.F_GETFL, 0)) & c.O_NONBLOCK))


@case(
    "socket/tcp/settimeout-flags",
    "a new socket waits, whatever limit somebody else has set",
    descriptor(_BLOCKING.format("socket"), observed=0),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    socket.setdefaulttimeout(PATIENCE)
    return _status(c, must(c, c.socket(c.AF_INET, c.SOCK_STREAM, 0)))


def _accepted(call: str) -> None:
    @case(
        f"{call}/local/settimeout-flags",
        "a new connection waits, whatever limit somebody else has set",
        descriptor(_BLOCKING.format("accept"), observed=0),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> int:
        server, address = listener(c, LOCAL)
        client(c, LOCAL, address)
        socket.setdefaulttimeout(PATIENCE)
        flags = (0,) if call == "accept4" else ()
        return _status(c, must(c, getattr(c, call)(server, None, None, *flags)))


for _call in HANDS_OUT:
    _accepted(_call)


@case(
    "socketpair/local/settimeout-flags",
    "both ends of a pair wait, whatever limit somebody else has set",
    success(_BLOCKING.format("socketpair"), observed=[0, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    socket.setdefaulttimeout(PATIENCE)
    return [_status(c, end) for end in pair(c, c.SOCK_STREAM)]


@case(
    "setsockopt/local/settimeout-flags",
    "a limit on waiting is an option of the socket, and no status flag",
    success("socket(7) SO_RCVTIMEO, SO_SNDTIMEO", observed=0),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    one, _ = pair(c, c.SOCK_STREAM)
    limited(c, one, PATIENCE)
    return _status(c, one)


@case(
    "setsockopt/local/settimeout-flags-of-a-duplicate",
    "nor is it one of the descriptors that were duplicated before",
    success("socket(7) SO_RCVTIMEO, SO_SNDTIMEO", observed=0),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    one, _ = pair(c, c.SOCK_STREAM)
    duplicate = must(c, c.fcntl(one, c.F_DUPFD, 0))
    limited(c, one, PATIENCE)
    return _status(c, duplicate)


@case(
    "read/local/settimeout-of-a-forked-process",
    "a forked process that limits its own waiting leaves its parent's read alone: it waits",
    success("POSIX.1 fork, read", result=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, other = pair(c, c.SOCK_STREAM)
    done, tell = box.pipe()

    def child() -> None:
        socket.setdefaulttimeout(PATIENCE)
        option(c, one, c.SOL_SOCKET, c.SO_TYPE)
        os.write(tell, b"!")
        when_asleep(box.pid, lambda: os.write(other, b"x"))

    box.helper(child)
    os.read(done, 1)
    c.read(one, bytearray(1), 1)


# --- a descriptor that is closed while a call waits on it ---


def _closed(call: str) -> None:
    @case(
        f"{call}/local/settimeout-and-close",
        f"close in another thread does not end {call} while it waits with a limit: it still gets its answer",
        goes_on(call, "close(2) on multithreaded programs; an experiment"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        wait = WAITS[call](c, box)
        limited(c, wait.fd, PATIENCE)

        def close_and_wake() -> None:
            must(c, c.close(wait.fd))
            wait.wake()

        box.thread(lambda: when_waiting(wait.fd, close_and_wake))
        wait.call(0)


for _call in ("accept", "accept4", *WITH_FLAGS):
    _closed(_call)

"""Descriptors and queues that processes and threads share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, error, success
from pysock_raw.conformance.cases.inheritance import flags_of
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_SEQPACKET,
    TCP,
    UDP,
    Kind,
    answer,
    connected,
    must,
    option,
    pair,
    set_option,
)

# --- fork ---


def _in_a_fork(box: Box, work: Callable[[], object]) -> None:
    """Do something in a forked process, and wait until it is done; the process stays until the case lets it go."""
    done, tell = box.pipe()

    def child() -> None:
        work()
        os.write(tell, b"!")

    box.helper(child)
    os.read(done, 1)


@case(
    "fcntl/tcp/status-flags-across-fork",
    "what a forked process does to O_NONBLOCK is seen here, what it does to FD_CLOEXEC is not",
    success("POSIX.1 fork, fcntl", observed=[False, True], result=os.O_RDWR | os.O_NONBLOCK),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[bool]:
    fd = TCP.socket(c)
    must(c, c.fcntl(fd, c.F_SETFD, 0))  # Python has set it, and this case is not about that

    def child() -> None:
        must(c, c.fcntl(fd, c.F_SETFL, c.O_NONBLOCK))
        must(c, c.fcntl(fd, c.F_SETFD, c.FD_CLOEXEC))

    _in_a_fork(box, child)
    return flags_of(c, fd)


@case(
    "getsockopt/tcp/across-fork",
    "an option that a forked process sets is set here",
    success("POSIX.1 fork", observed=[0, 1]),
)
def _(c: Backend, box: Box) -> list[int]:
    fd = TCP.socket(c)
    before = option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE)
    _in_a_fork(box, lambda: must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1)))
    return [before, option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE)]


def _across_fork(kind: Kind) -> None:
    @case(
        f"recv/{kind.name}/one-queue-across-fork",
        "two processes that share a socket share its queue: each message goes to one of them",
        success("POSIX.1 fork", result=6, observed="second"),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> str:
        one, other = pair(c, getattr(c, kind.type)) if kind.family == "AF_UNIX" else connected(c, kind)
        text = bytearray(6)
        must(c, c.send(one, b"first second", 6, 0))
        must(c, c.send(one, b"second", 6, 0))
        _in_a_fork(box, lambda: must(c, c.recv(other, bytearray(6), 6, c.MSG_WAITALL)))
        c.recv(other, text, 6, c.MSG_WAITALL)
        return text.decode()

    @case(
        f"send/{kind.name}/closed-by-a-fork",
        "a forked process closes its own descriptor alone: the connection goes on",
        success("POSIX.1 fork, close", result=5, observed="still"),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> str:
        one, other = pair(c, getattr(c, kind.type)) if kind.family == "AF_UNIX" else connected(c, kind)
        _in_a_fork(box, lambda: must(c, c.close(one)))
        c.send(one, b"still", 5, 0)
        text = bytearray(5)
        must(c, c.recv(other, text, 5, c.MSG_WAITALL))
        return text.decode()

    @case(
        f"send/{kind.name}/shut-down-by-a-fork",
        "shutdown in a forked process shuts down the socket, for everybody",
        error("EPIPE", "POSIX.1 shutdown, send", observed=0),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> int:
        one, other = pair(c, getattr(c, kind.type)) if kind.family == "AF_UNIX" else connected(c, kind)
        _in_a_fork(box, lambda: must(c, c.shutdown(one, c.SHUT_WR)))
        c.send(one, b"x", 1, 0)
        return c.recv(other, bytearray(1), 1, 0)


for _kind in (TCP, LOCAL, LOCAL_SEQPACKET):
    _across_fork(_kind)


@case(
    "close/tcp/last-of-two-processes",
    "the peer sees the end when the last process has closed the socket",
    success("POSIX.1 fork, close", observed=["EAGAIN", 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    one, other = connected(c, TCP)
    until, go = box.pipe()

    def child() -> None:
        os.close(go)
        os.read(until, 1)
        must(c, c.close(one))

    box.helper(child)
    c.close(one)
    before = answer(c, c.recv(other, bytearray(1), 1, c.MSG_DONTWAIT))
    os.write(go, b"!")
    return [before, c.recv(other, bytearray(1), 1, 0)]


# --- threads ---


def _in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@case(
    "socket/tcp/made-by-a-thread",
    "the threads of a process share its descriptors: one makes it, another one uses and closes it",
    descriptor("POSIX.1, 2.9 Threads", observed=[0, "EBADF"]),
)
def _(c: Backend, box: Box) -> list[int | str]:
    made: list[int] = []
    _in_a_thread(lambda: made.append(TCP.socket(c)))
    said = [answer(c, c.bind(made[0], *TCP.address(c)))]
    _in_a_thread(lambda: must(c, c.close(made[0])))
    c.close(TCP.socket(c))
    return [*said, answer(c, c.listen(made[0], 1))]


@case(
    "listen/udp/errno-of-a-thread",
    "errno belongs to a thread: what fails in another one leaves it alone",
    error("EOPNOTSUPP", "POSIX.1, 2.3 Error Numbers", observed=["EBADF", "EOPNOTSUPP"]),
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd, closed = UDP.socket(c), UDP.socket(c)
    must(c, c.close(closed))
    theirs: list[int | str] = []
    result = c.listen(fd, 1)
    _in_a_thread(lambda: theirs.append(answer(c, c.shutdown(closed, c.SHUT_WR))))
    return [*theirs, answer(c, result)]

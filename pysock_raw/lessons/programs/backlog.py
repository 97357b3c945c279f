"""The queue of a listener: how long it gets, and what a full one does."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import LOCAL, TCP, Address, Kind, bound
from pysock_raw.lessons.lesson import lesson
from pysock_raw.lessons.stage import Stage


@lesson(
    "backlog",
    "The queue of pending connections",
    "A queue fills up and is full, a client finds no room, accept makes room; and listen(-1), where Python differs.",
)
def program(c: Backend, stage: Stage) -> None:
    stage.chapter("TCP: a full queue does not answer")
    fd, address = _listening(c, stage, TCP, 2, "A listener with a backlog of 2. Nobody calls accept for a while.")
    for says in FIT:
        _connects(c, stage, TCP, address, says)
    says = "The queue is full, and the request is dropped: no ECONNREFUSED, no answer. The kernel will ask again."
    late = _connects(c, stage, TCP, address, says, c.SOCK_NONBLOCK)
    stage.client("It gives up.").close(late)
    stage.server("Accept takes the first client out of the queue.").accept(fd, None, None)

    stage.chapter("AF_UNIX: a full queue says so")
    fd, address = _listening(c, stage, LOCAL, 2, "The same backlog for a path.")
    for says in FIT:
        _connects(c, stage, LOCAL, address, says)
    says = "The queue is full, and connect says so at once. One that may block would wait for room."
    _connects(c, stage, LOCAL, address, says, c.SOCK_NONBLOCK)
    stage.server("Accept takes the first client out of the queue,").accept(fd, None, None)
    _connects(c, stage, LOCAL, address, "and there is room for another.", c.SOCK_NONBLOCK)

    stage.chapter("A negative backlog")
    says = "For C, -1 is the longest queue that net.core.somaxconn allows; Python's listen makes a 0 of it."
    _listening(c, stage, TCP, -1, says)
    _, address = _listening(c, stage, LOCAL, -1, "The same for a path.")
    _connects(c, stage, LOCAL, address, "One client fits even into a queue of 0.", c.SOCK_NONBLOCK)
    _connects(c, stage, LOCAL, address, "The second one tells how long the queue really is.", c.SOCK_NONBLOCK)


FIT = (
    "The first client is connected, although nobody has accepted it.",
    "The second one waits behind it.",
    "The third one fits too: for Linux a queue is full once it is longer than the backlog.",
)


def _listening(c: Backend, stage: Stage, kind: Kind, backlog: int, says: str) -> tuple[int, Address]:
    fd, address = bound(stage.server.quiet, kind, stage.path("server" if backlog > 0 else "another"))
    stage.server(says).listen(fd, backlog)
    return fd, address


def _connects(c: Backend, stage: Stage, kind: Kind, address: Address, says: str, flags: int = 0) -> int:
    fd = kind.socket(stage.client.quiet, flags)
    stage.client.tries(says).connect(fd, *address)
    return fd

"""A connect that does not wait."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import TCP, Address, client as connecting, listener, name_of
from pysock_raw.lessons.lesson import lesson
from pysock_raw.lessons.stage import Stage


@lesson(
    "nonblocking-connect",
    "A connect that does not wait",
    "EINPROGRESS while a request is under way, what poll says of it, and SO_ERROR: how it ended, well or badly.",
)
def program(c: Backend, stage: Stage) -> None:
    server, client = stage.server, stage.client
    stage.chapter("It goes well")
    fd, address = listener(server.quiet, TCP, backlog=0)
    connecting(client.quiet, TCP, address)
    ours = _socket(
        c, stage, "A socket that never waits. (Another client fills the server's queue, so that we can look.)"
    )
    client.tries("Connect sends its request and returns at once.").connect(ours, *address)
    client.tries("Asked again, it says that it is at it.").connect(ours, *address)
    entry = c.pollfd(fd=ours, events=c.POLLOUT)
    client("Is it writable? Not yet.").poll(entry, 1, 0)
    server("The server makes room in its queue,").accept(fd, None, None)
    client("and the request, which the kernel repeats after a second, is answered: writable.").poll(entry, 1, -1)
    _outcome(c, stage, ours, "SO_ERROR says how it went: 0, the connection is there.")

    stage.chapter("It goes badly")
    ours = _socket(c, stage, "Another socket.")
    refusing = _nobody(c, stage)
    client.tries("Connect to a port where nobody listens. It does not wait for the answer.").connect(ours, *refusing)
    client("Writable means only that the attempt is over.").poll(c.pollfd(fd=ours, events=c.POLLOUT), 1, -1)
    _outcome(c, stage, ours, "SO_ERROR says how it went: 111, ECONNREFUSED. It is told once.")


def _socket(c: Backend, stage: Stage, says: str) -> int:
    return stage.client(says).socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0)


def _outcome(c: Backend, stage: Stage, fd: int, says: str) -> None:
    stage.client(says).getsockopt(fd, c.SOL_SOCKET, c.SO_ERROR, c.c_int(), c.socklen_t(4))


def _nobody(c: Backend, stage: Stage) -> Address:
    """A port that somebody is bound to, so that nobody else gets it, and where nobody listens."""
    fd = TCP.socket(stage.server.quiet)
    stage.server.quiet.bind(fd, *TCP.address(c))
    return name_of(stage.server.quiet, fd, TCP)

"""What a new descriptor is handed out with."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, success
from pysock_raw.conformance.kinds import TCP, client, listener, must, pair


def _accepting(call: str) -> Callable[[Backend, int], int]:
    """The call without flags."""
    return lambda c, server: c.accept(server, None, None) if call == "accept" else c.accept4(server, None, None, 0)


def _accepted(call: str) -> None:
    @case(
        f"{call}/no-close-on-exec",
        "a descriptor that was accepted stays open across exec, and one of a listener that does not does so too",
        descriptor("POSIX.1 accept; accept(2)", observed=[0, 0]),
        needs=["linux"] if call == "accept4" else [],
    )
    def _(c: Backend, box: Box) -> list[int]:
        server, address = listener(c, TCP)
        must(c, c.fcntl(server, c.F_SETFD, 0))  # Python has set it, and this case is not about that
        found = []
        for flags in (0, c.FD_CLOEXEC):
            must(c, c.fcntl(server, c.F_SETFD, flags))
            client(c, TCP, address)
            found.append(c.fcntl(_accepting(call)(c, server), c.F_GETFD, 0))
        return found


_accepted("accept")
_accepted("accept4")


@case(
    "socketpair/no-close-on-exec",
    "both descriptors of a pair stay open across exec",
    success("POSIX.1 socketpair; socketpair(2)", observed=[0, 0]),
)
def _(c: Backend, box: Box) -> list[int]:
    return [c.fcntl(fd, c.F_GETFD, 0) for fd in pair(c, c.SOCK_STREAM)]


@case(
    "accept4/tcp/nonblocking",
    "SOCK_NONBLOCK makes the new descriptor non-blocking, whatever the listener is",
    descriptor("accept4(2)", observed=[True, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    fd = c.accept4(server, None, None, c.SOCK_NONBLOCK)
    return [bool(c.fcntl(fd, c.F_GETFL, 0) & c.O_NONBLOCK), c.fcntl(fd, c.F_GETFD, 0)]


@case(
    "accept4/tcp/close-on-exec",
    "SOCK_CLOEXEC closes the new descriptor at exec: all that Python's accept can do, too",
    descriptor("accept4(2)", observed=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    return c.fcntl(c.accept4(server, None, None, c.SOCK_CLOEXEC), c.F_GETFD, 0)

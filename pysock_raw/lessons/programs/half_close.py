"""One direction of a connection ends, and the other goes on."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import TCP, client as connecting, listener
from pysock_raw.lessons.lesson import lesson
from pysock_raw.lessons.stage import Stage


@lesson(
    "half-close",
    "Half of a connection closes",
    "The client says that it has no more to say and still gets its answer; the states on both sides until TIME_WAIT.",
)
def program(c: Backend, stage: Stage) -> None:
    server, client = stage.server, stage.client
    fd, address = listener(server.quiet, TCP)
    ours = connecting(client.quiet, TCP, address)
    theirs = server("A connection is established.").accept(fd, None, None)
    client("The client sends its request").send(ours, b"sort: b a", 9, c.MSG_NOSIGNAL)
    client("and says that this was all: half of the connection closes.").shutdown(ours, c.SHUT_WR)
    server("What was sent before is still there.").recv(theirs, bytearray(64), 64, 0)
    server("Then comes the end: recv returns 0.").recv(theirs, bytearray(64), 64, 0)
    client.tries("The client can send no more,").send(ours, b"c", 1, c.MSG_NOSIGNAL)
    server("but the server can: the other half is open.").send(theirs, b"a b", 3, c.MSG_NOSIGNAL)
    client("The client has its answer.").recv(ours, bytearray(64), 64, 0)
    server("The server closes its half: both directions have ended.").close(theirs)
    client("The client sees that.").recv(ours, bytearray(64), 64, 0)
    client("After close nobody has the socket, and the kernel still keeps its addresses.").close(ours)

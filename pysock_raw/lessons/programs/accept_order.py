"""Who is accepted first."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import TCP, listener
from pysock_raw.lessons.lesson import lesson
from pysock_raw.lessons.stage import Stage


@lesson(
    "accept-order",
    "First come, first accepted",
    "Three clients connect, the last one speaks first, and accept still takes them in the order in which they came.",
)
def program(c: Backend, stage: Stage) -> None:
    server, client = stage.server, stage.client
    fd, address = listener(server.quiet, TCP)
    came = []
    for says in ("The first client connects.", "The second one.", "The third one."):
        came.append(TCP.socket(client.quiet))
        client(says).connect(came[-1], *address)
    client("The third client is the first to say something.").send(came[2], b"me first!", 9, c.MSG_NOSIGNAL)
    for says in (
        "Accept takes the one that came first: compare the port with the client's. It has said nothing yet.",
        "Then the second one.",
        "And the third one, whose words have waited in its own socket.",
    ):
        peer = c.sockaddr_in()
        last = server(says).accept(fd, peer, c.socklen_t(c.sizeof(peer)))
    server("They are still there.").recv(last, bytearray(64), 64, 0)
    server("The listener shall not block any more:").fcntl(fd, c.F_SETFL, c.O_NONBLOCK)
    server.tries("the queue is empty, and accept says so.").accept(fd, None, None)

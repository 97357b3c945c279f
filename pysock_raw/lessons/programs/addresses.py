"""Addresses that are taken: by somebody who listens, by a path that was left, by a connection that is over."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import LOCAL, TCP, Address, name_of
from pysock_raw.lessons.lesson import lesson
from pysock_raw.lessons.stage import Stage


@lesson(
    "address-in-use",
    "Address already in use",
    "Two servers want one address; what SO_REUSEADDR does for them and what not; a path that its server left behind.",
)
def program(c: Backend, stage: Stage) -> None:
    server, client = stage.server, stage.client
    stage.chapter("Two servers on one port")
    first, address = _bound(c, stage, "The first server takes a port.")
    server("It listens there.").listen(first, 3)
    second = TCP.socket(client.quiet)
    client.tries("Another process wants the same port: in use.").bind(second, *address)
    client("It tries SO_REUSEADDR,").setsockopt(second, c.SOL_SOCKET, c.SO_REUSEADDR, c.c_int(1), 4)
    client.tries("which does not help while somebody listens: one of the two would get no clients.").bind(
        second, *address
    )
    server("The first server ends. It had no connections, so nothing is left,").close(first)
    client.tries("and the port is free.").bind(second, *address)

    stage.chapter("A path")
    address = LOCAL.address(c, stage.path("server"))
    first = LOCAL.socket(server.quiet)
    server("A local server is bound to a path, which bind makes.").bind(first, *address)
    server("It ends, and leaves the path behind.").close(first)
    second = LOCAL.socket(server.quiet)
    server.tries("The next one finds it there: in use, by nobody. SO_REUSEADDR means nothing here.").bind(
        second, *address
    )
    server.does("Whoever left it has to remove it.", "unlink", stage.path("server").encode())
    server.tries("Now bind can make it again.").bind(second, *address)


@lesson(
    "time-wait",
    "TIME_WAIT, with and without SO_REUSEADDR",
    "A server that closes first leaves its port in TIME_WAIT for a minute; when the next server can have it even so.",
)
def time_wait(c: Backend, stage: Stage) -> None:
    stage.chapter("Without SO_REUSEADDR")
    address = _served(c, stage, reuse=False)
    _next_server(c, stage, address, "The next server has no port for a minute: TIME_WAIT keeps it.", reuse=False)
    says = "SO_REUSEADDR on the next server alone comes too late: TIME_WAIT has the options of the server that is gone."
    _next_server(c, stage, address, says, reuse=True)

    stage.chapter("With SO_REUSEADDR on both servers")
    address = _served(c, stage, reuse=True)
    says = "The server before had it, this one has it: bind takes the port in spite of TIME_WAIT."
    _next_server(c, stage, address, says, reuse=True)


def _served(c: Backend, stage: Stage, reuse: bool) -> Address:
    """The address of a server that had one client, and closed the connection first."""
    server, client = stage.server, stage.client
    fd = TCP.socket(server.quiet)
    if reuse:
        says = "The server sets SO_REUSEADDR, as the documents advise, before it binds."
        server(says).setsockopt(fd, c.SOL_SOCKET, c.SO_REUSEADDR, c.c_int(1), 4)
    server("The server takes a port.").bind(fd, *TCP.address(c))
    address = name_of(server.quiet, fd, TCP)
    server("It listens.").listen(fd, 3)
    ours = TCP.socket(client.quiet)
    client("A client comes.").connect(ours, *address)
    theirs = server("It is accepted.").accept(fd, None, None)
    server("The server closes the connection first. It has to wait for the client now,").close(theirs)
    client("which sees the end,").recv(ours, bytearray(1), 1, 0)
    client("and closes too. Who closed first keeps the address: TIME_WAIT, and no process has it.").close(ours)
    server("The server ends.").close(fd)
    return address


def _next_server(c: Backend, stage: Stage, address: Address, says: str, reuse: bool) -> None:
    fd = TCP.socket(stage.server.quiet)
    if reuse:
        stage.server("The next server sets SO_REUSEADDR.").setsockopt(fd, c.SOL_SOCKET, c.SO_REUSEADDR, c.c_int(1), 4)
    stage.server.tries(says).bind(fd, *address)


def _bound(c: Backend, stage: Stage, says: str) -> tuple[int, Address]:
    fd = TCP.socket(stage.server.quiet)
    stage.server(says).bind(fd, *TCP.address(c))
    return fd, name_of(stage.server.quiet, fd, TCP)

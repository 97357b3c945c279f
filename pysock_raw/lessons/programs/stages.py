"""The documents' server and client, for every family and type that they name."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import KINDS, Address, Kind, name_of
from pysock_raw.conformance.needs import lacking
from pysock_raw.lessons.lesson import lesson
from pysock_raw.lessons.stage import Stage

QUESTION, ANSWER = b"Hello from client", b"Hello from server"


@lesson(
    "stages",
    "The stages of a server and a client",
    "Five stages of a server and two of a client, over IPv4, IPv6 and local sockets, with streams and datagrams.",
)
def program(c: Backend, stage: Stage) -> None:
    for kind in KINDS:
        lack = next((reason for need in kind.needs if (reason := lacking(need))), None)
        stage.chapter(f"{kind.family}, {kind.type}" + (f" is left out: {lack}" if lack else ""))
        if not lack:
            (_connections if kind.type == "SOCK_STREAM" else _datagrams)(c, stage, kind)


def _named(c: Backend, stage: Stage, kind: Kind) -> tuple[int, Address]:
    """The server's first three stages, which all kinds have."""
    server = stage.server
    fd = server("1. Socket creation: an endpoint, and nobody can reach it yet.").socket(
        getattr(c, kind.family), getattr(c, kind.type), 0
    )
    if kind.family != "AF_UNIX":
        says = {
            "SOCK_STREAM": "2. Setsockopt: the port may be taken again soon after an earlier server had it.",
            "SOCK_DGRAM": "2. Setsockopt: the port may be shared, on Linux even with a server that has it now.",
        }
        server(says[kind.type]).setsockopt(fd, c.SOL_SOCKET, c.SO_REUSEADDR, c.c_int(1), 4)
    where = "a path in the file system" if kind.family == "AF_UNIX" else "a port; 0 lets the kernel choose one"
    server(f"3. Bind: it gets its address, {where}.").bind(fd, *kind.address(c, stage.path("server")))
    return fd, name_of(server.quiet, fd, kind)


def _connections(c: Backend, stage: Stage, kind: Kind) -> None:
    server, client = stage.server, stage.client
    fd, address = _named(c, stage, kind)
    server("4. Listen: the socket is passive now, with a queue for clients.").listen(fd, 3)
    server.begins("5. Accept: the queue is empty, so the server sleeps.").accept(fd, None, None)
    ours = client("1. Socket creation: exactly as the server's.").socket(getattr(c, kind.family), c.SOCK_STREAM, 0)
    client("2. Connect: to the server's address.").connect(ours, *address)
    theirs = server.ends("Accept returns a new socket for this client; the first one goes on listening.")
    client("The connection is established: the client speaks.").send(ours, QUESTION, len(QUESTION), c.MSG_NOSIGNAL)
    server("The server reads that,").recv(theirs, bytearray(1024), 1024, 0)
    server("and answers.").send(theirs, ANSWER, len(ANSWER), c.MSG_NOSIGNAL)
    client("The client has its answer.").recv(ours, bytearray(1024), 1024, 0)
    client("The client closes its end.").close(ours)
    server("The server closes its end too.").close(theirs)
    server("And nobody listens any more.").close(fd)
    _remove(stage, kind)


def _datagrams(c: Backend, stage: Stage, kind: Kind) -> None:
    server, client = stage.server, stage.client
    fd, address = _named(c, stage, kind)
    server.begins("No listen, no accept: the server waits for whatever comes.").recvfrom(
        fd, bytearray(1024), 1024, 0, sender := kind.room(c), length := c.socklen_t(c.sizeof(sender))
    )
    ours = client("1. Socket creation: exactly as the server's.").socket(getattr(c, kind.family), c.SOCK_DGRAM, 0)
    if kind.family == "AF_UNIX":
        nameless = c.sockaddr_un(sun_family=c.AF_UNIX)
        says = "A local client has no address by itself. An empty one asks the kernel for a name."
        client(says).bind(ours, nameless, c.sockaddr_un.sun_path.offset)
    client("2. Connect: nothing is sent; the kernel notes where send is to send to.").connect(ours, *address)
    client("The client sends a datagram.").send(ours, QUESTION, len(QUESTION), 0)
    server.ends("The message comes with its sender's address.")
    server("The answer goes there.").sendto(fd, ANSWER, len(ANSWER), 0, sender, length.value)
    client("The client has its answer.").recv(ours, bytearray(1024), 1024, 0)
    client("The client closes its socket,").close(ours)
    server("and the server its own. Neither learns it from the other.").close(fd)
    _remove(stage, kind)


def _remove(stage: Stage, kind: Kind) -> None:
    if kind.family == "AF_UNIX":
        stage.server.does("The path stays until somebody removes it.", "unlink", stage.path("server").encode())

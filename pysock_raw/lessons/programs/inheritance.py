"""What a program that is started has of the sockets of the one that starts it."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import TCP, Address, name_of
from pysock_raw.lessons.lesson import lesson
from pysock_raw.lessons.stage import Stage


@lesson(
    "inheritance",
    "Sockets across exec",
    "A server starts a program and ends. In C the program has its socket, and the port stays taken; not so in Python.",
)
def program(c: Backend, stage: Stage) -> None:
    stage.chapter("As the sockets come")
    _restart(c, stage, 0, "The server makes a socket. Nothing is asked of it.")
    stage.chapter("With SOCK_CLOEXEC")
    _restart(c, stage, c.SOCK_CLOEXEC, "The server asks for a socket that exec closes.")


def _restart(c: Backend, stage: Stage, flags: int, says: str) -> None:
    server, client = stage.server, stage.client
    fd = server(says).socket(c.AF_INET, c.SOCK_STREAM | flags, 0)
    server("Is it closed by exec? 1 is FD_CLOEXEC; Python sets it on every socket (PEP 446).").fcntl(fd, c.F_GETFD, 0)
    address = _listens(c, stage, fd)
    says = "The server starts another program. Which of its sockets has that?"
    spawned = server.does(says, "posix_spawnp", [0], b"cat", None, None, [b"cat"], "environ")
    (cat,) = spawned["args"][0]
    server("The server ends, or is started anew: it closes its listener.").close(fd)
    client.tries("A client comes.").connect(TCP.socket(client.quiet), *address)
    again = TCP.socket(server.quiet)
    taken = server.tries("The new server wants its port.").bind(again, *address) == -1
    server.does("The program that was started ends.", "waitpid", cat, None, 0)
    if taken:
        server.tries("Only now is the port free.").bind(again, *address)


def _listens(c: Backend, stage: Stage, fd: int) -> Address:
    stage.server("It takes a port").bind(fd, *TCP.address(c))
    stage.server("and listens.").listen(fd, 3)
    return name_of(stage.server.quiet, fd, TCP)

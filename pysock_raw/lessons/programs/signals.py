"""What signals do to calls, and what a call may do by a signal."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import TCP, client as connecting, listener
from pysock_raw.lessons.lesson import lesson
from pysock_raw.lessons.stage import Stage


@lesson(
    "signals",
    "What signals do to calls",
    "A caught signal ends a call with EINTR in C, while Python calls again; SA_RESTART; and SIGPIPE, which kills.",
)
def program(c: Backend, stage: Stage) -> None:
    stage.chapter("A handler without SA_RESTART")
    _interrupted(c, stage)
    stage.chapter("A handler with SA_RESTART")
    _restarted(c, stage)
    stage.chapter("SIGPIPE")
    _broken_pipe(c, stage)


def _handler(flags: int | str) -> dict[str, int | str]:
    return {"sa_handler": "note", "sa_flags": flags}


def _interrupted(c: Backend, stage: Stage) -> None:
    server, client = stage.server, stage.client
    fd, address = listener(server.quiet, TCP)
    server.does("The server catches SIGUSR1.", "sigaction", "SIGUSR1", _handler(0), None)
    server.begins("It waits for a client.").accept(fd, None, None)
    client.does("Somebody sends it the signal.", "kill", server.pid, "SIGUSR1")
    server.actor.caught()
    if not server.actor.waits():
        server.ends("The handler has run, and accept is over: EINTR, and no client.")
        server.begins("A program in C has to call it again.").accept(fd, None, None)
    else:
        server.still("The handler has run, and Python has called accept again by itself (PEP 475).")
    client("A client comes,").connect(TCP.socket(client.quiet), *address)
    server.ends("and accept returns.")


def _restarted(c: Backend, stage: Stage) -> None:
    server, client = stage.server, stage.client
    fd, address = listener(server.quiet, TCP)
    server.does("The server asks for SA_RESTART.", "sigaction", "SIGUSR1", _handler("SA_RESTART"), None)
    server.begins("It waits for a client.").accept(fd, None, None)
    client.does("Somebody sends it the signal.", "kill", server.pid, "SIGUSR1")
    server.still("The kernel itself goes on with accept: no EINTR.")
    client("A client comes,").connect(TCP.socket(client.quiet), *address)
    server.ends("and accept returns.")


def _broken_pipe(c: Backend, stage: Stage) -> None:
    server, client = stage.server, stage.client
    fd, address = listener(server.quiet, TCP)
    ours = connecting(client.quiet, TCP, address)
    theirs = server("A client is connected.").accept(fd, None, None)
    server("The server closes the connection.").close(theirs)
    client("The client sends all the same: the answer is a reset.").send(ours, b"still there?", 12, 0)
    client.tries("It sends again. Python ignores SIGPIPE from its start on, so that it is only an error.").send(
        ours, b"hello?", 6, 0
    )
    default = {"sa_handler": "SIG_DFL", "sa_flags": 0}
    client.does("Programs in C start with the default, which is to die.", "sigaction", "SIGPIPE", default, None)
    client.tries("MSG_NOSIGNAL asks for the error alone.").send(ours, b"hello?", 6, c.MSG_NOSIGNAL)
    client.tries("Without it, the process is gone.").send(ours, b"hello?", 6, 0)

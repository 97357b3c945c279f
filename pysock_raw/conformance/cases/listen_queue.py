"""The state of the socket, and its queue."""

from __future__ import annotations

import os

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.cases.listen import BACKLOG, queue_limit
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_SEQPACKET,
    TCP,
    Kind,
    answer,
    bound,
    client,
    connected,
    listener,
    must,
    name_of,
    option,
    same_address,
    wait_readable,
)
from pysock_raw.conformance.scarcity import out_of_memory

# --- the state of the socket ---


@case(
    "listen/tcp/shut-down",
    "a socket whose connection has been shut down cannot listen",
    error("EINVAL", "POSIX.1 listen"),
)
def _(c: Backend, box: Box) -> None:
    ours, theirs = connected(c, TCP)
    for fd in (ours, theirs):
        must(c, c.shutdown(fd, c.SHUT_RDWR))
    c.listen(ours, 5)


@case(
    "listen/local/shut-down",
    "Linux does not ask whether a local socket with a name has been shut down",
    success("an experiment: unix_listen in net/unix/af_unix.c does not look at sk_shutdown"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd, _ = bound(c, LOCAL)
    must(c, c.shutdown(fd, c.SHUT_RDWR))
    c.listen(fd, 5)


def _bound_and_connected(kind: Kind) -> None:
    @case(
        f"listen/{kind.name}/bound-and-connected",
        "a connected local socket cannot listen, even if it has a name",
        error("EINVAL", "POSIX.1 listen; an experiment: unix_listen"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        _, address = listener(c, kind)
        fd, _ = bound(c, kind, "client")
        must(c, c.connect(fd, *address))
        c.listen(fd, 5)


_bound_and_connected(LOCAL)
_bound_and_connected(LOCAL_SEQPACKET)


@case(
    "listen/tcp/shutdown-ends-it",
    "shutdown(SHUT_RD) of a listener resets who waits in its queue, and whoever comes then is refused",
    success(
        "an experiment: inet_shutdown in net/ipv4/af_inet.c disconnects a listener",
        observed=["ECONNRESET", "ECONNREFUSED", 0],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = listener(c, TCP)
    waiting = client(c, TCP, address)
    wait_readable(c, fd)
    must(c, c.shutdown(fd, c.SHUT_RD))
    wait_readable(c, waiting)
    return [
        answer(c, c.recv(waiting, bytearray(1), 1, 0)),
        answer(c, c.connect(TCP.socket(c), *address)),
        option(c, fd, c.SOL_SOCKET, c.SO_ACCEPTCONN),
    ]


@case(
    "listen/tcp/again-after-shutdown",
    "a listener that was shut down can listen again; the port that the kernel had picked is free for others then",
    success("an experiment: inet_shutdown; tcp_disconnect gives an unasked port back", observed=[0, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, other = TCP.socket(c), TCP.socket(c)
    must(c, c.listen(fd, 5))
    address = name_of(c, fd, TCP)
    must(c, c.shutdown(fd, c.SHUT_RD))
    taken = c.bind(other, *address)
    c.listen(fd, 5)
    return [taken, not same_address(address, name_of(c, fd, TCP))]


@case(
    "listen/local/no-kernel-memory",
    "the kernel has no memory to remember who listens: Linux says ENOMEM, from 6.16, and before needed none",
    error("ENOMEM", "an experiment: prepare_peercred in net/unix/af_unix.c"),
    success("an experiment: prepare_peercred in net/unix/af_unix.c"),
    needs=["linux", "memory-cgroups"],
)
def _(c: Backend, box: Box) -> None:
    fd, _ = bound(c, LOCAL)
    out_of_memory(lambda: c.listen(fd, 5))


# --- the queue ---


def _queue(kind: Kind, backlog: int) -> None:
    @case(
        f"listen/{kind.name}/backlog-{backlog}-holds-{backlog + 1}",
        "the queue of a local socket holds one connection more than the backlog; then connect gives EAGAIN",
        success("connect(2) EAGAIN; an experiment: unix_recvq_full", observed=[*[0] * (backlog + 1), "EAGAIN"]),
        needs=["linux"],
        statement=BACKLOG,
    )
    def _(c: Backend, box: Box) -> list[object]:
        _, address = listener(c, kind, backlog)
        return [answer(c, c.connect(kind.socket(c, c.SOCK_NONBLOCK), *address)) for _ in range(backlog + 2)]


for _backlog in (0, 1, 3):
    _queue(LOCAL, _backlog)
    _queue(LOCAL_SEQPACKET, _backlog)


@case(
    "listen/tcp/backlog-beyond-somaxconn",
    "a backlog beyond net.core.somaxconn, here 3, is cut to it in silence",
    success("listen(2)", observed=3),
    needs=["netns"],
    statement=BACKLOG,
)
def _(c: Backend, box: Box) -> int:
    machine.network()
    machine.setting("core/somaxconn", "3")
    fd, _ = bound(c, TCP)
    c.listen(fd, 1000)
    return queue_limit(c, fd)


@case(
    "listen/local/minus-one-is-somaxconn",
    "a backlog of -1 is net.core.somaxconn, here 2, on a local socket too",
    success("listen(2); an experiment: __sys_listen_socket", observed=[0, 0, 0, "EAGAIN"]),
    needs=["netns"],
    statement=BACKLOG,
)
def _(c: Backend, box: Box) -> list[object]:
    machine.network()
    machine.setting("core/somaxconn", "2")
    _, address = listener(c, LOCAL, -1)
    return [answer(c, c.connect(LOCAL.socket(c, c.SOCK_NONBLOCK), *address)) for _ in range(4)]


@case(
    "listen/path-descriptor",
    "a descriptor that O_PATH made stands for a place, and is none for this call",
    error("EBADF", "open(2) O_PATH"),
    needs=["o-path"],
)
def _(c: Backend, box: Box) -> None:
    c.listen(box.keep(os.open(".", os.O_PATH)), 5)

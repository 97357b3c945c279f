"""Several acceptors of one queue, and what ends a blocked one."""

from __future__ import annotations

import signal
import socket as stdlib
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box, when_asleep, when_waiting
from pysock_raw.conformance.case import case, descriptor, error
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_SEQPACKET,
    STREAMS,
    TCP,
    Kind,
    client,
    listener,
    must,
    wait_readable,
)

# --- one queue, several acceptors ---


def _shared(kind: Kind) -> None:
    @case(
        f"accept/{kind.name}/each-of-three-acceptors",
        "of three processes that wait in accept on one listener each gets one of three connections",
        error("EAGAIN", "POSIX.1 accept, fork", observed="got it got it got it"),
        needs=["linux", *kind.needs],
    )
    def _(c: Backend, box: Box) -> str:
        server, address = listener(c, kind)

        def acceptor() -> None:
            must(c, c.fcntl(server, c.F_GETFL, 0))  # so that the trace knows it before there are any clients
            must(c, c.send(must(c, c.accept(server, None, None)), b"got it", 6, 0))

        for acceptor_pid in [box.helper(acceptor) for _ in range(3)]:
            when_asleep(acceptor_pid, lambda: None)
        clients, said = [client(c, kind, address) for _ in range(3)], [bytearray(6) for _ in range(3)]
        for ours, room in zip(clients, said, strict=True):
            must(c, c.recv(ours, room, 6, c.MSG_WAITALL))
        must(c, c.fcntl(server, c.F_SETFL, c.O_NONBLOCK))
        c.accept(server, None, None)
        return " ".join(room.decode() for room in said)

    @case(
        f"accept/{kind.name}/by-a-forked-child",
        "a forked child takes from the same queue: the connection that it took is gone for its parent",
        error("EAGAIN", "POSIX.1 fork, accept", observed="from the child"),
        needs=["linux", *kind.needs],
    )
    def _(c: Backend, box: Box) -> str:
        server, address = listener(c, kind)
        ours, room = client(c, kind, address), bytearray(14)
        wait_readable(c, server)
        box.helper(lambda: must(c, c.send(must(c, c.accept(server, None, None)), b"from the child", 14, 0)))
        must(c, c.recv(ours, room, 14, c.MSG_WAITALL))
        must(c, c.fcntl(server, c.F_SETFL, c.O_NONBLOCK))
        c.accept(server, None, None)
        return room.decode()


for _kind in (*STREAMS, LOCAL_SEQPACKET):
    _shared(_kind)


# --- what ends a blocked accept, and what does not ---


def _woken(kind: Kind) -> None:
    @case(
        f"accept/{kind.name}/woken-by-shutdown",
        "shutdown of the listener ends an accept that waits on it: it is not listening any more",
        error("EINVAL", "an experiment: inet_csk_wait_for_connect, unix_accept"),
        needs=["linux", *kind.needs],
    )
    def _(c: Backend, box: Box) -> None:
        server, _ = listener(c, kind)
        box.thread(lambda: when_waiting(server, lambda: must(c, c.shutdown(server, c.SHUT_RDWR))))
        c.accept(server, None, None)

    @case(
        f"accept/{kind.name}/not-woken-by-close",
        "close in another thread does not end an accept that waits: it still gets the next client",
        descriptor("close(2) on multithreaded programs; an experiment", observed="the next client"),
        needs=["linux", *kind.needs],
    )
    def _(c: Backend, box: Box) -> str:
        server, address = listener(c, kind)

        def close_and_connect() -> None:
            must(c, c.close(server))
            client(c, kind, address)

        box.thread(lambda: when_waiting(server, close_and_connect))
        c.accept(server, None, None)
        return "the next client"


for _kind in (*STREAMS, LOCAL_SEQPACKET):
    _woken(_kind)


def _tcp_server(c: Backend) -> tuple[int, Any]:
    """A listener and what connects to it from a helper."""
    server, (address, _) = listener(c, TCP)
    port = c.ntohs(address.sin_port)
    return server, lambda: stdlib.create_connection(("127.0.0.1", port)).close()


def _patient(c: Backend, fd: int) -> None:
    """A receive timeout that no case ever lives to see."""
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_RCVTIMEO, c.timeval(tv_sec=100), 16))


@case(
    "accept/local/interrupted",
    "a caught signal ends an accept on a local socket too",
    error("EINTR", "POSIX.1 accept; signal(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, LOCAL)
    box.interrupt(then=lambda: client(c, LOCAL, address))
    c.accept(server, None, None)


@case(
    "accept/tcp/restarted-after-a-signal",
    "with SA_RESTART the handler runs and accept goes on",
    descriptor("signal(7): restarted if SA_RESTART was used", observed=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    server, connect = _tcp_server(c)
    handled: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(number))
    signal.siginterrupt(signal.SIGUSR1, False)
    box.undisturbed(signal.SIGUSR1, then=connect)
    c.accept(server, None, None)
    return len(handled)


@case(
    "accept/tcp/never-restarted-with-a-timeout",
    "with SO_RCVTIMEO a caught signal ends accept, SA_RESTART or not",
    error("EINTR", "signal(7): never restarted where SO_RCVTIMEO is set"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, connect = _tcp_server(c)
    _patient(c, server)
    box.interrupt(then=connect, restart=True)
    c.accept(server, None, None)


@case(
    "accept/tcp/ignored-signal",
    "a signal that is ignored is not noticed",
    descriptor("signal(7)", observed="the next client"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    server, connect = _tcp_server(c)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    box.undisturbed(signal.SIGUSR1, then=connect)
    c.accept(server, None, None)
    return "the next client"


@case(
    "accept/tcp/stopped-and-continued",
    "accept goes on after the process was stopped and continued",
    descriptor("signal(7): interruption by stop signals", observed="the next client"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    server, connect = _tcp_server(c)
    box.undisturbed(signal.SIGSTOP, signal.SIGCONT, then=connect)
    c.accept(server, None, None)
    return "the next client"


@case(
    "accept/tcp/stopped-with-a-timeout",
    "with SO_RCVTIMEO accept ends with EINTR when the process was stopped and continued, without any handler",
    error("EINTR", "signal(7): interruption by stop signals, SO_RCVTIMEO"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, connect = _tcp_server(c)
    _patient(c, server)
    box.undisturbed(signal.SIGSTOP, signal.SIGCONT, then=connect)
    c.accept(server, None, None)

"""Errors that are told once."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.cases.companions import hear, peer_gone, reset, say
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    TCP,
    UDP,
    UDP6,
    Kind,
    answer,
    bound,
    client,
    connected,
    must,
    option,
    wait_readable,
)


def _told_once(kind: Kind) -> None:
    def refused(c: Backend) -> int:
        """A datagram socket to which the kernel has said that nobody has the port: its owner hears another
        peer only, so that it is neither free for somebody else nor open to us."""
        owner, address = bound(c, kind)
        must(c, c.connect(owner, *bound(c, kind)[1]))
        fd = client(c, kind, address, c.SOCK_NONBLOCK)
        must(c, c.send(fd, b"x", 1, 0))
        entry = c.pollfd(fd=fd, events=0)
        must(c, c.poll(entry, 1, -1))  # POLLERR comes unasked
        return fd

    @case(
        f"send/{kind.name}/refused",
        "nobody has the port: the next send says so, once",
        error("ECONNREFUSED", "udp(7)", observed=["ECONNREFUSED", 1, "ECONNREFUSED"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        fd = refused(c)
        return [answer(c, c.send(fd, b"x", 1, 0)) for _ in range(3)]

    @case(
        f"recv/{kind.name}/refused",
        "nobody has the port: the next recv says so, once",
        error("EAGAIN", "udp(7)", observed=["ECONNREFUSED", "EAGAIN"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        fd = refused(c)
        return [answer(c, c.recv(fd, bytearray(1), 1, 0)) for _ in range(2)]

    @case(
        f"getsockopt/{kind.name}/pending-error",
        "SO_ERROR gives the pending error and clears it, and recv has nothing more to say",
        success("POSIX.1 getsockopt; socket(7) SO_ERROR", observed=["ECONNREFUSED", 0, "EAGAIN"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        fd = refused(c)
        errors = [option(c, fd, c.SOL_SOCKET, c.SO_ERROR) for _ in range(2)]
        first = "ECONNREFUSED" if errors[0] == c.ECONNREFUSED else errors[0]
        return [first, errors[1], answer(c, c.recv(fd, bytearray(1), 1, 0))]


_told_once(UDP)
_told_once(UDP6)


@case(
    "send/udp/unconnected-is-not-told",
    "a socket without a peer is not told that nobody has the port",
    error("EDESTADDRREQ", "udp(7)", observed=[1, 1, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    owner, address = bound(c, UDP)
    must(c, c.connect(owner, *bound(c, UDP)[1]))
    fd = UDP.socket(c)
    sent = [answer(c, c.sendto(fd, b"x", 1, 0, *address)) for _ in range(2)]
    c.send(fd, b"x", 1, 0)
    return [*sent, option(c, fd, c.SOL_SOCKET, c.SO_ERROR)]


@case(
    "recv/tcp/after-a-reset",
    "a reset is told once: ECONNRESET, and then the end of the stream",
    success("an experiment: tcp_reset in net/ipv4/tcp_input.c", observed=["ECONNRESET", 0, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd = reset(c, TCP)
    return [answer(c, hear(c, fd)) for _ in range(3)]


@case(
    "send/tcp/after-a-reset",
    "a reset is told once: ECONNRESET, and then EPIPE",
    error("EPIPE", "POSIX.1 send; an experiment: sk_stream_wait_connect", observed=["ECONNRESET", "EPIPE", "EPIPE"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd = reset(c, TCP)
    return [answer(c, say(c, fd)) for _ in range(3)]


@case(
    "recv/tcp/closed-with-unread-data",
    "a peer that closes and has not read everything resets the connection, and what it had sent is lost",
    error("ECONNRESET", "RFC 1122, 4.2.2.13; RFC 2525, 2.17"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, other = connected(c, TCP)
    must(c, c.send(one, b"unread", 6, 0))
    wait_readable(c, other)
    must(c, c.close(other))
    entry = c.pollfd(fd=one, events=0)
    must(c, c.poll(entry, 1, -1))
    hear(c, one)


@case(
    "send/local-dgram/peer-closed-then-unconnected",
    "the first send to a peer that closed also dissolves the association",
    error(
        "ENOTCONN",
        "an experiment: unix_dgram_sendmsg in net/unix/af_unix.c",
        observed=["ECONNREFUSED", "ENOTCONN"],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd = peer_gone(c, LOCAL_DGRAM)
    return [answer(c, say(c, fd)) for _ in range(2)]


@case(
    "sendto/local-dgram/other-type",
    "the path belongs to a stream",
    error("EPROTOTYPE", "POSIX.1 sendto"),
)
def _(c: Backend, box: Box) -> None:
    _, address = bound(c, LOCAL)
    c.sendto(LOCAL_DGRAM.socket(c), b"x", 1, 0, *address)


@case(
    "sendto/local-dgram/dead-path",
    "a path that nobody has open any more",
    error("ECONNREFUSED", "unix(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd, address = bound(c, LOCAL_DGRAM)
    must(c, c.close(fd))
    c.sendto(LOCAL_DGRAM.socket(c), b"x", 1, 0, *address)


@case(
    "sendto/local-dgram/not-my-peer",
    "a socket that is connected to another peer does not let a stranger in",
    error("EPERM", "an experiment: unix_may_send in net/unix/af_unix.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, address = bound(c, LOCAL_DGRAM)
    must(c, c.connect(server, *bound(c, LOCAL_DGRAM, "friend")[1]))
    c.sendto(LOCAL_DGRAM.socket(c), b"x", 1, 0, *address)

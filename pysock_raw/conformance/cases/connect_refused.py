"""Refused, reset, connected already."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_SEQPACKET,
    TCP,
    TCP6,
    UDP,
    Kind,
    bound,
    client,
    inet,
    listener,
    local,
    must,
    option,
    peer_of,
    same_address,
)
from pysock_raw.conformance.wire import ACK, PARAMETER_PROBLEM, RST, THERE, UNREACHABLE, Wire
from pysock_raw.trace_values import errno_name


@case(
    "connect/udp/nobody-listening",
    "on a datagram socket connect asks nobody: that nobody listens is known after something was sent",
    success("connect(2); udp(7)", observed=[1, -1, "ECONNREFUSED"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = bound(c, UDP)
    must(c, c.close(fd))
    ours = UDP.socket(c)
    c.connect(ours, *address)
    return [c.send(ours, b"x", 1, 0), c.recv(ours, bytearray(1), 1, 0), errno_name(c.get_errno())]


@case(
    "connect/tcp/refused-later",
    "an asynchronous connect that was refused: poll reports it, SO_ERROR says it once, the next connect says aborted",
    error(
        "ECONNABORTED",
        "connect(2) EINPROGRESS; poll(2); an experiment: __inet_stream_connect",
        observed=["EINPROGRESS", True, "ECONNREFUSED", 0],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    _, address = bound(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    said = errno_name(c.get_errno())
    entry = c.pollfd(fd=ours, events=c.POLLOUT)
    must(c, c.poll(entry, 1, -1))
    errors = [option(c, ours, c.SOL_SOCKET, c.SO_ERROR) for _ in range(2)]
    c.connect(ours, *address)
    return [said, entry.revents == c.POLLOUT | c.POLLERR | c.POLLHUP, errno_name(errors[0]), errors[1]]


@case(
    "connect/tcp/refused-and-received",
    "recv takes the error of an asynchronous connect as SO_ERROR does, and then there is none left",
    error("EINPROGRESS", "an experiment: tcp_recvmsg_locked, sock_error", observed=["ECONNREFUSED", 0, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    _, address = bound(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    must(c, c.poll(c.pollfd(fd=ours, events=c.POLLOUT), 1, -1))
    c.recv(ours, bytearray(1), 1, 0)
    said = errno_name(c.get_errno())
    return [said, option(c, ours, c.SOL_SOCKET, c.SO_ERROR), c.recv(ours, bytearray(1), 1, 0)]


def _complains(id: str, shows: str, errno: str, source: str, type: int, code: int) -> None:
    @case(f"connect/tcp/{id}", shows, error(errno, source), needs=["linux", "netns", "tun"])
    def _(c: Backend, box: Box) -> None:
        wire = Wire(box)
        box.helper(lambda: wire.complain(wire.read(), type, code))
        c.connect(TCP.socket(c), *inet(c, THERE, 9))


_ICMP = "an experiment: icmp_err_convert in net/ipv4/icmp.c; RFC 1122"
_complains("router-says-no-network", "a router knows no way", "ENETUNREACH", _ICMP, UNREACHABLE, 0)
_complains("router-says-no-host", "a router does not reach the host", "EHOSTUNREACH", _ICMP, UNREACHABLE, 1)
_complains("router-says-no-protocol", "the host does not know TCP", "ENOPROTOOPT", _ICMP, UNREACHABLE, 2)
_complains("router-says-unknown-host", "a router knows no such host", "EHOSTDOWN", _ICMP, UNREACHABLE, 7)
_complains("router-says-filtered", "a router's firewall forbids it", "EHOSTUNREACH", _ICMP, UNREACHABLE, 13)
_complains("router-says-parameter-problem", "the header is said to be wrong", "EPROTO", _ICMP, PARAMETER_PROBLEM, 0)


@case(
    "connect/tcp/refused-by-the-host",
    "a reset is the answer to the request: the connection is refused, and not reset",
    error("ECONNREFUSED", "POSIX.1 connect; RFC 9293 3.10.7.3"),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> None:
    wire = Wire(box)
    box.helper(lambda: wire.answer(wire.read(), RST | ACK))
    c.connect(TCP.socket(c), *inet(c, THERE, 9))


@case(
    "connect/tcp/reset-before-it-was-told",
    "the remote host takes the request and resets it before the next connect asks how the first one ended",
    error("ECONNRESET", "POSIX.1 connect (may); an experiment: tcp_reset, __inet_stream_connect"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    theirs = must(c, c.accept(server, None, None))
    must(c, c.setsockopt(theirs, c.SOL_SOCKET, c.SO_LINGER, c.linger(l_onoff=1, l_linger=0), 8))
    must(c, c.close(theirs))
    c.connect(ours, *address)


def _twice(kind: Kind) -> None:
    @case(f"connect/{kind.name}/twice", "it is connected", error("EISCONN", "POSIX.1 connect"), needs=kind.needs)
    def _(c: Backend, box: Box) -> None:
        _, address = listener(c, kind)
        c.connect(client(c, kind, address), *address)


_twice(TCP6)
_twice(LOCAL)
_twice(LOCAL_SEQPACKET)


@case(
    "connect/tcp/listening",
    "a socket that listens has no peer and is said to be connected",
    error("EISCONN", "an experiment: __inet_stream_connect; POSIX.1 may EOPNOTSUPP"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    c.connect(server, *address)


@case(
    "connect/local/listening",
    "a local socket that listens cannot connect",
    error("EINVAL", "an experiment: unix_stream_connect; POSIX.1 may EOPNOTSUPP"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    _, address = listener(c, LOCAL)
    fd = LOCAL.socket(c)
    must(c, c.bind(fd, *local(c, b"other")))
    must(c, c.listen(fd, 5))
    c.connect(fd, *address)


@case(
    "connect/tcp/finished-then-blocking",
    "connect after an asynchronous one that has finished says so with 0 once",
    error("EISCONN", "an experiment: __inet_stream_connect; POSIX.1 connect", observed=0),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    _, address = listener(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    must(c, c.poll(c.pollfd(fd=ours, events=c.POLLOUT), 1, -1))
    must(c, c.fcntl(ours, c.F_SETFL, 0))
    once = c.connect(ours, *address)
    c.connect(ours, *address)
    return once


@case(
    "connect/tcp/to-itself",
    "a socket that is bound can connect to itself: what it sends comes back",
    success("RFC 9293 3.5 simultaneous open; an experiment", observed=[True, "echo"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    ours, name = bound(c, TCP)
    c.connect(ours, *name)
    room = bytearray(4)
    must(c, c.send(ours, b"echo", 4, 0))
    must(c, c.recv(ours, room, 4, c.MSG_WAITALL))
    return [same_address(peer_of(c, ours, TCP), name), room.decode()]

"""What Python's settimeout changes in answers that are there, or ought to be: how much a call transfers, and which
errors it tells. A socket object with a timeout polls the descriptor first and then makes a call that does not wait."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box, when_asleep
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.cases.poll import polled
from pysock_raw.conformance.kinds import (
    LOCAL_DGRAM,
    TCP,
    UDP,
    Address,
    answer,
    bound,
    connected,
    inet,
    listener,
    must,
    name_of,
    pair,
    peer_of,
    set_option,
)
from pysock_raw.conformance.messages import message
from pysock_raw.conformance.waits import (
    A_WHILE,
    MOMENT,
    MUCH,
    PATIENCE,
    connecting_over_tcp,
    fill,
    limited,
    limited_in_c,
)
from pysock_raw.conformance.wire import ACK, SYN, THERE, Wire

Transfer = Callable[..., int]


def _recv(c: Backend, fd: int, room: bytearray, flags: int) -> int:
    return c.recv(fd, room, len(room), flags)


def _recvfrom(c: Backend, fd: int, room: bytearray, flags: int) -> int:
    return c.recvfrom(fd, room, len(room), flags, None, None)


def _read(c: Backend, fd: int, room: bytearray, flags: int) -> int:
    return c.read(fd, room, len(room))


def _recvmsg(c: Backend, fd: int, room: bytearray, flags: int) -> int:
    return c.recvmsg(fd, message(c, room), flags)


RECEIVES: dict[str, Callable[[Backend, int, bytearray, int], int]] = {
    "recv": _recv,
    "recvfrom": _recvfrom,
    "recvmsg": _recvmsg,
}

# --- how much is sent ---

VERY_MUCH = 4 * MUCH
"""More bytes than two TCP sockets buffer when nobody reads."""


def _read_all(box: Box, ours: int, theirs: int) -> None:
    """Read until the other end is closed, as soon as this process sleeps."""

    def read_all() -> None:
        os.close(ours)
        while os.read(theirs, MUCH):
            pass

    box.helper(lambda: when_asleep(box.pid, read_all))


def _sends_all(call: str, kind: str, ends: Callable[[Backend], tuple[int, int]], send: Transfer) -> None:
    @case(
        f"{call}/{kind}/settimeout-and-much",
        f"{call} of more than there is room for waits until all of it is sent",
        success(f"POSIX.1 {call}", result=VERY_MUCH),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, other = ends(c)
        limited(c, one, PATIENCE)
        _read_all(box, one, other)
        send(c, one, bytes(VERY_MUCH), VERY_MUCH)
        must(c, c.close(one))


def _local_ends(c: Backend) -> tuple[int, int]:
    return pair(c, c.SOCK_STREAM)


_sends_all("send", "local", _local_ends, lambda c, fd, data, length: c.send(fd, data, length, 0))
_sends_all("sendmsg", "local", _local_ends, lambda c, fd, data, length: c.sendmsg(fd, message(c, data), 0))
_sends_all("write", "local", _local_ends, lambda c, fd, data, length: c.write(fd, data, length))
_sends_all(
    "sendto",
    "tcp",
    lambda c: connected(c, TCP),
    lambda c, fd, data, length: c.sendto(fd, data, length, 0, *peer_of(c, fd, TCP)),
)


def _little_room(call: str, send: Callable[[Backend, int], int]) -> None:
    @case(
        f"{call}/local/settimeout-and-room",
        "a local stream takes bytes as long as its buffer is not full",
        success(f"POSIX.1 {call}; an experiment: sock_alloc_send_pskb", result=1),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, _ = pair(c, c.SOCK_STREAM)
        must(c, c.send(one, bytes(2**16), 2**16, 0))
        limited(c, one, A_WHILE)
        send(c, one)


_little_room("send", lambda c, fd: c.send(fd, b"x", 1, 0))
_little_room("sendmsg", lambda c, fd: c.sendmsg(fd, message(c, b"x"), 0))


@case(
    "sendto/local-dgram/settimeout-and-room",
    "a local socket takes datagrams as long as its buffer is not full",
    success("POSIX.1 sendto; an experiment: sock_alloc_send_pskb", result=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    (_, address), one = bound(c, LOCAL_DGRAM), LOCAL_DGRAM.socket(c)
    must(c, c.sendto(one, bytes(2**16), 2**16, 0, *address))
    limited(c, one, A_WHILE)
    c.sendto(one, b"x", 1, 0, *address)


def _no_bytes(call: str, send: Callable[[Backend, int], int]) -> None:
    @case(
        f"{call}/local/settimeout-and-nothing",
        "there is always room for no bytes",
        success(f"POSIX.1 {call}; an experiment: unix_stream_sendmsg"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, _ = pair(c, c.SOCK_STREAM)
        fill(c, one)
        limited(c, one, A_WHILE)
        send(c, one)


_no_bytes("send", lambda c, fd: c.send(fd, b"", 0, 0))
_no_bytes("sendmsg", lambda c, fd: c.sendmsg(fd, message(c, b""), 0))


def _no_room(call: str, receive: Callable[[Backend, int], int]) -> None:
    @case(
        f"{call}/tcp/settimeout-without-room",
        "asking for no bytes waits too, and has them all when the time has passed",
        success(f"POSIX.1 {call}; an experiment: tcp_recvmsg_locked"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, _ = connected(c, TCP)
        limited(c, one, MOMENT)
        receive(c, one)


_no_room("recvfrom", lambda c, fd: c.recvfrom(fd, bytearray(1), 0, 0, None, None))
_no_room("recvmsg", lambda c, fd: c.recvmsg(fd, message(c), 0))


# --- how much is received ---


def _waitall(call: str) -> None:
    @case(
        f"{call}/local/settimeout-waitall",
        f"{call} with MSG_WAITALL waits for all that was asked for",
        success(f"POSIX.1 {call} MSG_WAITALL", result=3, observed="abc"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> str:
        (one, other), room = pair(c, c.SOCK_STREAM), bytearray(3)
        must(c, c.send(other, b"a", 1, 0))
        box.helper(lambda: when_asleep(box.pid, lambda: os.write(other, b"bc")))
        limited(c, one, PATIENCE)
        RECEIVES[call](c, one, room, c.MSG_WAITALL)
        return room.decode()


def _low_water(call: str, receive: Callable[[Backend, int, bytearray, int], int]) -> None:
    @case(
        f"{call}/local/settimeout-low-water",
        f"with SO_RCVLOWAT {call} waits until that much is there",
        success("POSIX.1 setsockopt SO_RCVLOWAT", result=3, observed="abc"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> str:
        (one, other), room = pair(c, c.SOCK_STREAM), bytearray(9)
        must(c, set_option(c, one, c.SOL_SOCKET, c.SO_RCVLOWAT, 3))
        must(c, c.send(other, b"a", 1, 0))
        box.helper(lambda: when_asleep(box.pid, lambda: os.write(other, b"bc")))
        limited(c, one, PATIENCE)
        return room[: receive(c, one, room, 0)].decode()


def _little(call: str) -> None:
    @case(
        f"{call}/tcp/settimeout-low-water",
        f"{call} of fewer bytes than SO_RCVLOWAT waits for those alone",
        success("POSIX.1 setsockopt SO_RCVLOWAT: the smaller of the mark and what was asked for", result=1),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, other = connected(c, TCP)
        must(c, c.send(other, b"a", 1, 0))
        must(c, c.recv(one, bytearray(1), 1, c.MSG_PEEK))
        must(c, set_option(c, one, c.SOL_SOCKET, c.SO_RCVLOWAT, 3))
        limited(c, one, A_WHILE)
        RECEIVES[call](c, one, bytearray(1), 0)


def _urgent(call: str) -> None:
    @case(
        f"{call}/tcp/settimeout-urgent",
        f"{call} with MSG_OOB takes an urgent byte that has arrived",
        success("tcp(7); POSIX.1 recv MSG_OOB", result=1, observed="!"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> str:
        (one, other), room = connected(c, TCP), bytearray(1)
        must(c, c.send(other, b"!", 1, c.MSG_OOB))
        must(c, c.poll(c.pollfd(fd=one, events=c.POLLPRI), 1, -1))
        limited(c, one, A_WHILE)
        RECEIVES[call](c, one, room, c.MSG_OOB)
        return room.decode()


def _error_queue(call: str) -> None:
    @case(
        f"{call}/udp/settimeout-error-queue",
        f"{call} with MSG_ERRQUEUE never waits",
        error("EAGAIN", "recv(2) MSG_ERRQUEUE; an experiment: ip_recv_error"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        fd, _ = bound(c, UDP)
        limited(c, fd, MOMENT)
        RECEIVES[call](c, fd, bytearray(1), c.MSG_ERRQUEUE)


for _call in RECEIVES:
    _waitall(_call)
    _little(_call)
    _urgent(_call)
    _error_queue(_call)
for _call, _receive in {**RECEIVES, "read": _read}.items():
    _low_water(_call, _receive)


def _shut_down(call: str) -> None:
    @case(
        f"{call}/local-dgram/settimeout-shut-down",
        f"{call} on a datagram socket that is shut down has nothing to wait for",
        success("POSIX.1 shutdown; an experiment: __skb_wait_for_more_packets"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, _ = pair(c, c.SOCK_DGRAM)
        must(c, c.shutdown(one, c.SHUT_RD))
        limited(c, one, A_WHILE)
        RECEIVES[call](c, one, bytearray(1), 0)


for _call in RECEIVES:
    _shut_down(_call)


# --- errors that need no waiting ---

#: call -> what it is tried on, the call, its errno at once
HOPELESS: dict[str, tuple[str, Callable[[Backend], int], Callable[[Backend, int], int], str]] = {
    "accept": ("a connection", lambda c: pair(c, c.SOCK_STREAM)[0], lambda c, fd: c.accept(fd, None, None), "EINVAL"),
    "accept4": (
        "a connection",
        lambda c: pair(c, c.SOCK_STREAM)[0],
        lambda c, fd: c.accept4(fd, None, None, 0),
        "EINVAL",
    ),
    "send": ("a listener", lambda c: listener(c, TCP)[0], lambda c, fd: c.send(fd, b"x", 1, 0), "EPIPE"),
    "recv": ("a listener", lambda c: listener(c, TCP)[0], lambda c, fd: _recv(c, fd, bytearray(1), 0), "ENOTCONN"),
    "sendto": (
        "a listener",
        lambda c: listener(c, TCP)[0],
        lambda c, fd: c.sendto(fd, b"x", 1, 0, *inet(c, c.INADDR_LOOPBACK, 9)),
        "EPIPE",
    ),
    "recvfrom": (
        "a listener",
        lambda c: listener(c, TCP)[0],
        lambda c, fd: _recvfrom(c, fd, bytearray(1), 0),
        "ENOTCONN",
    ),
    "sendmsg": (
        "a listener",
        lambda c: listener(c, TCP)[0],
        lambda c, fd: c.sendmsg(fd, message(c, b"x"), 0),
        "EPIPE",
    ),
    "recvmsg": (
        "a listener",
        lambda c: listener(c, TCP)[0],
        lambda c, fd: _recvmsg(c, fd, bytearray(1), 0),
        "ENOTCONN",
    ),
}


def _hopeless(call: str) -> None:
    where, arrange, make, errno = HOPELESS[call]

    @case(
        f"{call}/settimeout-hopeless",
        f"{call} on {where}, which never can succeed, says so at once",
        error(errno, f"POSIX.1 {call}; an experiment"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        fd = arrange(c)
        limited(c, fd, A_WHILE)
        make(c, fd)


for _call in HOPELESS:
    _hopeless(_call)


# --- a second connect ---


@case(
    "connect/tcp/settimeout-again",
    "a socket that is connected says so when it is connected again",
    error("EISCONN", "POSIX.1 connect", observed=0),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    wait = connecting_over_tcp(c, box)
    limited(c, wait.fd, PATIENCE)
    first = wait.call(0)
    wait.call(0)
    return first


@case(
    "connect/tcp/settimeout-while-trying",
    "connect waits for a connection that an earlier connect has begun",
    success("an experiment: __inet_stream_connect waits in SS_CONNECTING too", observed="EINPROGRESS"),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> int | str:
    wire, ours, address = Wire(box), TCP.socket(c), inet(c, THERE, 9)
    limited_in_c(c, ours, MOMENT)
    said = answer(c, c.connect(ours, *address))
    box.helper(lambda: when_asleep(box.pid, lambda: wire.answer(wire.read(), SYN | ACK)))
    limited(c, ours, PATIENCE)
    c.connect(ours, *address)
    return said


# --- after a connect that was refused ---

_UNDONE = "an experiment: __inet_stream_connect disconnects what it could not connect"


def _refused(c: Backend) -> tuple[int, Address]:
    """A socket whose connect was refused, because nobody listens there, and the address that it tried."""
    (_, address), ours = bound(c, TCP), TCP.socket(c)
    limited(c, ours, PATIENCE)
    c.connect(ours, *address)
    return ours, address


@case(
    "connect/tcp/settimeout-refused",
    "a socket that was refused can try again, and is refused again",
    error("ECONNREFUSED", f"POSIX.1 connect; {_UNDONE}"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    ours, address = _refused(c)
    c.connect(ours, *address)


@case(
    "getsockname/tcp/settimeout-refused",
    "a socket that was refused has lost the address that its connect had found for it",
    success(_UNDONE, observed="0.0.0.0"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    address, _ = name_of(c, _refused(c)[0], TCP)
    return socket.inet_ntoa(bytes(address.sin_addr))


@case(
    "listen/tcp/settimeout-refused",
    "a socket that was refused can listen",
    success(_UNDONE),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.listen(_refused(c)[0], 1)


@case(
    "poll/tcp/settimeout-refused",
    "a socket that was refused is hung up, as one that never was connected",
    success(_UNDONE, result=1, observed="POLLOUT POLLHUP"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    return polled(c, _refused(c)[0])


def _nothing_comes(call: str, receive: Callable[[Backend, int, bytearray, int], int]) -> None:
    @case(
        f"{call}/tcp/settimeout-refused",
        f"{call} on a socket that was refused finds it unconnected",
        error("ENOTCONN", f"POSIX.1 {call}; {_UNDONE}"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        receive(c, _refused(c)[0], bytearray(1), 0)


for _call, _receive in {**RECEIVES, "read": _read}.items():
    _nothing_comes(_call, _receive)

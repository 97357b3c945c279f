"""The companions that wait, and what ends the wait."""

from __future__ import annotations

import os
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.cases.bad_descriptors import PROPER
from pysock_raw.conformance.cases.companions import hear, hear_oob, ours
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    TCP,
    UDP,
    Kind,
    answer,
    bound,
    connected,
    must,
    pair,
)


def _interrupted(call: str, receive: Callable[[Backend, int], int]) -> None:
    @case(
        f"{call}/local/interrupted",
        f"a signal that is caught ends a blocked {call} with EINTR",
        error("EINTR", f"POSIX.1 {call}; signal(7)"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        one, other = pair(c, c.SOCK_STREAM)
        box.interrupt(then=lambda: os.write(other, b"x"))
        receive(c, one)


_interrupted("recv", hear)
_interrupted("read", PROPER["read"])
_interrupted("recvfrom", lambda c, fd: c.recvfrom(fd, bytearray(1), 1, 0, None, None))
_interrupted("poll", lambda c, fd: c.poll(c.pollfd(fd=fd, events=c.POLLIN), 1, -1))


def _out_of_time(kind: Kind) -> None:
    @case(
        f"recv/{kind.name}/timeout",
        "SO_RCVTIMEO ends a recv that waits, with the errno of a socket that does not wait",
        error("EAGAIN", "POSIX.1 setsockopt SO_RCVTIMEO; socket(7)"),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> None:
        fd, patience = ours(c, kind), c.timeval(tv_usec=1)
        must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_RCVTIMEO, patience, c.sizeof(patience)))
        hear(c, fd)


for _kind in (TCP, UDP, LOCAL, LOCAL_DGRAM, LOCAL_SEQPACKET):
    _out_of_time(_kind)


@case(
    "recv/udp/shut-down",
    "shutdown of a datagram socket without a peer fails with ENOTCONN, and still ends what waits in recv",
    success("an experiment: inet_shutdown sets the mask after it has found no connection", observed="ENOTCONN"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int | str:
    fd, _ = bound(c, UDP)
    said = answer(c, c.shutdown(fd, c.SHUT_RD))
    hear(c, fd)
    return said


@case(
    "send/local-dgram/full-queue",
    "a receiver's queue holds max_dgram_qlen datagrams and one more, then a sender that does not wait gets EAGAIN",
    error("EAGAIN", "POSIX.1 send; an experiment: unix_recvq_full in net/unix/af_unix.c", observed=[1, 1, 1, "EAGAIN"]),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    machine.network()
    machine.setting("unix/max_dgram_qlen", "2")
    one = ours(c, LOCAL_DGRAM)
    return [answer(c, c.send(one, b"x", 1, c.MSG_DONTWAIT)) for _ in range(4)]


@case(
    "send/local-dgram/no-limit-between-two",
    "two that are connected to each other have no limit on their queues but the sender's buffer",
    success("an experiment: unix_dgram_sendmsg looks at the queue of other peers only", result=1, observed=[1] * 9),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    machine.network()
    machine.setting("unix/max_dgram_qlen", "2")
    one, _ = pair(c, c.SOCK_DGRAM)
    return [answer(c, c.send(one, b"x", 1, c.MSG_DONTWAIT)) for _ in range(9)]


@case(
    "send/local/full-buffer",
    "a stream whose buffer is full takes what fits, and then a sender that does not wait gets EAGAIN",
    error("EAGAIN", "POSIX.1 send", observed=[True, "EAGAIN"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    one, _ = pair(c, c.SOCK_STREAM)
    taken = c.send(one, bytes(2**20), 2**20, c.MSG_DONTWAIT)
    return [0 < taken < 2**20, answer(c, c.send(one, bytes(2**16), 2**16, c.MSG_DONTWAIT))]


@case(
    "recv/tcp/out-of-band",
    "one byte is out of band: it is received apart, once, and splits the stream where it was",
    error("EINVAL", "tcp(7); POSIX.1 recv", observed=["!", "before", "after", "EINVAL"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    one, other = connected(c, TCP)
    must(c, c.send(one, b"before", 6, 0))
    must(c, c.send(one, b"!", 1, c.MSG_OOB))
    must(c, c.send(one, b"after", 5, 0))
    must(c, c.poll(c.pollfd(fd=other, events=c.POLLPRI), 1, -1))
    urgent, before, after = bytearray(1), bytearray(20), bytearray(5)
    must(c, c.recv(other, urgent, 1, c.MSG_OOB))
    taken = must(c, c.recv(other, before, 20, 0))
    must(c, c.recv(other, after, 5, c.MSG_WAITALL))
    again = answer(c, hear_oob(c, other))
    return [urgent.decode(), before[:taken].decode(), after.decode(), again]


@case(
    "recv/local/out-of-band",
    "a local stream has out-of-band data too, since Linux 5.15",
    success("unix(7); an experiment: unix_stream_recv_urg", result=1, observed="!"),
    error("EOPNOTSUPP", "a kernel without CONFIG_AF_UNIX_OOB"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str | None:
    (one, other), urgent = pair(c, c.SOCK_STREAM), bytearray(1)
    c.send(one, b"!", 1, c.MSG_OOB)
    return urgent.decode() if c.recv(other, urgent, 1, c.MSG_OOB) == 1 else None

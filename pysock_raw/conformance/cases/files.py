"""What sockets share with files: read, write, fcntl, and the credentials of a peer."""

from __future__ import annotations

import os

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    TCP,
    answer,
    connected,
    must,
    pair,
)


@case(
    "write/read-only-descriptor",
    "write on a descriptor that is open for reading",
    error("EBADF", "POSIX.1 write"),
)
def _(c: Backend, box: Box) -> None:
    c.write(box.pipe()[0], b"x", 1)


@case("read/write-only-descriptor", "read on a descriptor that is open for writing", error("EBADF", "POSIX.1 read"))
def _(c: Backend, box: Box) -> None:
    c.read(box.pipe()[1], bytearray(1), 1)


@case(
    "fcntl/tcp/full-table",
    "F_DUPFD finds no free number below the limit, and EINVAL where it is asked to begin beyond it",
    error("EINVAL", "POSIX.1 fcntl; fcntl(2)", observed=["EMFILE", "EINVAL"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd = TCP.socket(c)
    with machine.descriptors_below(fd + 1):
        return [answer(c, c.fcntl(fd, c.F_DUPFD, number)) for number in (0, fd + 1)]


@case(
    "getsockopt/local/peer-credentials",
    "SO_PEERCRED of a pair: the process that made it",
    success("unix(7) SO_PEERCRED", observed=[True, True, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[bool]:
    one, _ = pair(c, c.SOCK_STREAM)
    peer, length = c.ucred(), c.socklen_t(12)
    c.getsockopt(one, c.SOL_SOCKET, c.SO_PEERCRED, peer, length)
    return [peer.pid == os.getpid(), peer.uid == os.geteuid(), peer.gid == os.getegid()]


@case(
    "getsockopt/tcp/peer-credentials",
    "SO_PEERCRED of a socket that is not local: pid 0, and nobody's ids",
    success("an experiment: cred_to_ucred in net/core/sock.c", observed=[0, 0xFFFFFFFF, 0xFFFFFFFF]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    fd, _ = connected(c, TCP)
    peer, length = c.ucred(), c.socklen_t(12)
    c.getsockopt(fd, c.SOL_SOCKET, c.SO_PEERCRED, peer, length)
    return [peer.pid, peer.uid, peer.gid]


@case(
    "close/tcp/unread-data-stays-with-a-duplicate",
    "closing one descriptor of a socket closes nothing while another one is open",
    success("POSIX.1 close", observed="still"),
)
def _(c: Backend, box: Box) -> str:
    one, other = connected(c, TCP)
    again, text = must(c, c.fcntl(other, c.F_DUPFD, 0)), bytearray(5)
    must(c, c.send(one, b"still", 5, 0))
    c.close(other)
    must(c, c.recv(again, text, 5, c.MSG_WAITALL))
    return text.decode()


@case(
    "fcntl/local/owner-is-a-group",
    "a process group that gets the signals of a descriptor is told as a negative number",
    success("fcntl(2) F_GETOWN", observed=True),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> bool:
    (one, _), group = pair(c, c.SOCK_STREAM), os.getpgrp()
    must(c, c.fcntl(one, c.F_SETOWN, -group))
    told = c.fcntl(one, c.F_GETOWN, 0)
    c.fcntl(one, c.F_SETOWN, 0)
    return told == -group

"""Errors, and what is left after them."""

from __future__ import annotations

import os

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, error
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    TCP,
    Kind,
    bound,
    client,
    inet,
    listener,
    must,
    name_of,
    option,
    peer_of,
    same_address,
    set_option,
)
from pysock_raw.conformance.scarcity import no_files, out_of_memory
from pysock_raw.conformance.wire import PARAMETER_PROBLEM, UNREACHABLE, Wire
from pysock_raw.trace_values import errno_name


@case(
    "accept/path-only-descriptor",
    "a descriptor opened with O_PATH is open for nothing but its path",
    error("EBADF", "open(2) O_PATH; accept(2)"),
    needs=["o-path"],
)
def _(c: Backend, box: Box) -> None:
    c.accept(box.keep(os.open(".", os.O_PATH)), None, None)


@case(
    "accept/tcp/receive-timeout-expires",
    "SO_RCVTIMEO limits how long accept waits for a client",
    error("EAGAIN", "socket(7) SO_RCVTIMEO; accept(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, _ = listener(c, TCP)
    must(c, c.setsockopt(server, c.SOL_SOCKET, c.SO_RCVTIMEO, c.timeval(tv_usec=10_000), 16))
    c.accept(server, None, None)


def abort(c: Backend, fd: int) -> None:
    """Close a connection with a reset (socket(7) SO_LINGER, tcp(7))."""
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, c.linger(l_onoff=1, l_linger=0), 8))
    must(c, c.close(fd))


@case(
    "accept/tcp/after-the-client-reset",
    "a connection that was reset before accept is still extracted: the error is on the new socket, not in accept",
    descriptor(
        "an experiment: reqsk_queue_remove in inet_csk_accept does not look at the connection's state",
        observed=["ECONNRESET", 0],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, TCP)
    abort(c, client(c, TCP, address))
    theirs = c.accept(server, None, None)
    c.recv(theirs, bytearray(1), 1, 0)
    return [errno_name(c.get_errno()), c.recv(theirs, bytearray(1), 1, 0)]


#: IP_RECVERR of linux/in.h, which Python's socket module has no name for
IP_RECVERR = 11

#: id, ICMP type and code, the errno that they stand for (icmp_err_convert in net/ipv4/icmp.c), in words
PENDING = [
    ("network-unreachable", UNREACHABLE, 0, "ENETUNREACH"),
    ("host-unreachable", UNREACHABLE, 1, "EHOSTUNREACH"),
    ("protocol-unreachable", UNREACHABLE, 2, "ENOPROTOOPT"),
    ("host-unknown", UNREACHABLE, 7, "EHOSTDOWN"),
    ("host-isolated", UNREACHABLE, 8, "ENONET"),
    ("parameter-problem", PARAMETER_PROBLEM, 0, "EPROTO"),
]


def _pending(id: str, type: int, code: int, words: str) -> None:
    @case(
        f"accept/tcp/pending-{id}",
        "a network error that is pending on the connection stays on the new socket: accept does not report it",
        descriptor("an experiment: inet_csk_accept, tcp_v4_err in net/ipv4/tcp_ipv4.c", observed=words),
        needs=["linux", "netns", "tun"],
    )
    def _(c: Backend, box: Box) -> str:
        wire = Wire(box)
        server = TCP.socket(c)
        must(c, set_option(c, server, c.IPPROTO_IP, IP_RECVERR, 1))  # the new socket inherits it
        must(c, c.bind(server, *inet(c, c.INADDR_ANY, 9)))
        must(c, c.listen(server, 5))
        wire.complain(wire.client(to_port=9), type, code)
        theirs = c.accept(server, None, None)
        return errno_name(option(c, theirs, c.SOL_SOCKET, c.SO_ERROR))


for _row in PENDING:
    _pending(*_row)


@case(
    "accept/tcp/client-from-port-0",
    "a connection whose client has no name is aborted: accept finds no address for it, and it is lost",
    error("ECONNABORTED", "POSIX.1 accept; accept(2); an experiment: do_accept, where getname fails for port 0"),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> None:
    wire = Wire(box)
    server = TCP.socket(c)
    must(c, c.bind(server, *inet(c, c.INADDR_ANY, 9)))
    must(c, c.listen(server, 5))
    wire.client(to_port=9, port=0)
    c.accept(server, c.sockaddr_in(), c.socklen_t(16))


@case(
    "accept/tcp/interface-down",
    "that the interface of a client went down meanwhile is no error of accept's, nor of the new socket's",
    descriptor("an experiment: inet_csk_accept", observed=0),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> int:
    wire = Wire(box)
    server = TCP.socket(c)
    must(c, c.bind(server, *inet(c, c.INADDR_ANY, 9)))
    must(c, c.listen(server, 5))
    wire.client(to_port=9)
    machine.ip("link set wire down")
    theirs = c.accept(server, None, None)
    return option(c, theirs, c.SOL_SOCKET, c.SO_ERROR)


def _full_table(c: Backend, fd: int) -> str:
    """accept while no descriptor is free; what it said."""
    free = must(c, c.fcntl(fd, c.F_DUPFD, 0))
    must(c, c.close(free))
    with machine.descriptors_below(free):
        c.accept(fd, None, None)
    return errno_name(c.get_errno())


def _emfile(kind: Kind) -> None:
    @case(
        f"accept/{kind.name}/full-descriptor-table",
        "accept first reserves a descriptor: where none is free it fails, even if there is nothing to extract",
        error("EMFILE", "POSIX.1 accept; an experiment: __sys_accept4_file in net/socket.c"),
        needs=["linux", *kind.needs],
    )
    def _(c: Backend, box: Box) -> None:
        server, _ = listener(c, kind)
        must(c, c.fcntl(server, c.F_SETFL, c.O_NONBLOCK))
        _full_table(c, server)

    @case(
        f"accept/{kind.name}/survives-a-full-descriptor-table",
        "the connection stays in the queue when there is no descriptor for it, and comes out by the next accept",
        descriptor("an experiment: __sys_accept4_file in net/socket.c", observed=["EMFILE", True]),
        needs=["linux", *kind.needs],
    )
    def _(c: Backend, box: Box) -> list[object]:
        server, address = listener(c, kind)
        ours = client(c, kind, address)
        said = _full_table(c, server)
        theirs = c.accept(server, None, None)
        return [said, same_address(peer_of(c, ours, kind), name_of(c, theirs, kind))]


for _kind in (TCP, LOCAL):
    _emfile(_kind)


@case(
    "accept/tcp/full-descriptor-table-wins",
    "of two reasons the full table comes before the socket that does not listen",
    error("EMFILE", "an experiment: __sys_accept4_file reserves the descriptor first"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    _full_table(c, bound(c, TCP)[0])


@case(
    "accept/tcp/full-file-table",
    "the table of open files of the whole machine is full",
    error("ENFILE", "POSIX.1 accept; accept(2)"),
    needs=["linux", "machine-wide"],
)
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    with no_files():
        machine.unprivileged()
        c.accept(server, None, None)


@case(
    "accept/tcp/no-kernel-memory",
    "without memory for the inode of the new socket Linux says that there are too many open files",
    error("ENFILE", "an experiment: do_accept in net/socket.c; POSIX.1 accept has ENOMEM and ENOBUFS"),
    needs=["linux", "memory-cgroups"],
)
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    out_of_memory(lambda: c.accept(server, None, None))


@case(
    "accept/tcp/empty-queue-wins",
    "of two reasons the empty queue comes before a negative addrlen, which is looked at with an address in hand",
    error("EAGAIN", "an experiment: do_accept in net/socket.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, _ = listener(c, TCP)
    must(c, c.fcntl(server, c.F_SETFL, c.O_NONBLOCK))
    c.accept(server, bytearray(16), c.socklen_t(-1))


@case("accept/local-dgram/connectionless", "no connections either", error("EOPNOTSUPP", "POSIX.1 accept"))
def _(c: Backend, box: Box) -> None:
    fd, _ = bound(c, LOCAL_DGRAM)
    c.accept(fd, None, None)


@case("accept/local/not-listening", "a local socket that does not listen", error("EINVAL", "POSIX.1 accept"))
def _(c: Backend, box: Box) -> None:
    fd, _ = bound(c, LOCAL)
    c.accept(fd, None, None)


@case(
    "accept/tcp/inherits-options",
    "the new socket has the listener's options",
    descriptor("socket(7), tcp(7); an experiment: inet_csk_clone_lock copies the socket", observed=[1, 1, 77]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    server, address = listener(c, TCP)
    must(c, set_option(c, server, c.SOL_SOCKET, c.SO_KEEPALIVE, 1))
    must(c, set_option(c, server, c.IPPROTO_TCP, c.TCP_NODELAY, 1))
    must(c, set_option(c, server, c.IPPROTO_TCP, c.TCP_KEEPIDLE, 77))
    client(c, TCP, address)
    theirs = c.accept(server, None, None)
    return [
        option(c, theirs, c.SOL_SOCKET, c.SO_KEEPALIVE),
        option(c, theirs, c.IPPROTO_TCP, c.TCP_NODELAY),
        option(c, theirs, c.IPPROTO_TCP, c.TCP_KEEPIDLE),
    ]

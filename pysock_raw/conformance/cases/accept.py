"""accept: what it extracts, in which order, what it returns, and when the connection is established."""

from __future__ import annotations

import os
import signal
import socket as stdlib
import sys
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box, when_asleep, when_waiting
from pysock_raw.conformance.case import case, descriptor, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    STREAMS,
    TCP,
    TCP6,
    UDP,
    Kind,
    bound,
    client,
    connected,
    inet,
    inet6,
    listener,
    local,
    must,
    name_of,
    option,
    peer_of,
    same_address,
    set_option,
    wait_readable,
)
from pysock_raw.conformance.scarcity import no_files, out_of_memory
from pysock_raw.conformance.wire import PARAMETER_PROBLEM, UNREACHABLE, Wire

EXTRACTS = (
    "It extracts the first connection request on the queue of pending connections for the listening socket, sockfd"
)
RETURNS = "creates a new connected socket, and returns a new file descriptor referring to that socket."
ESTABLISHED = (
    "At this point, the connection is established between client and server, and they are ready to transfer data."
)


def _extracts(kind: Kind) -> None:
    @case(
        f"accept/{kind.name}/new-connected-socket",
        "accept returns another descriptor, connected to the client; the listener goes on listening",
        descriptor("POSIX.1 accept", observed=[True, 0, 1]),
        needs=kind.needs,
        statement=RETURNS,
    )
    def _(c: Backend, box: Box) -> list[object]:
        server, address = listener(c, kind)
        ours = client(c, kind, address)
        theirs = c.accept(server, None, None)
        listening = [option(c, fd, c.SOL_SOCKET, c.SO_ACCEPTCONN) for fd in (theirs, server)]
        return [same_address(peer_of(c, ours, kind), name_of(c, theirs, kind)), *listening]

    @case(
        f"accept/{kind.name}/arrival-order",
        "connections come out in the order in which the clients connected",
        descriptor("POSIX.1 accept: the first connection on the queue", observed="first second third"),
        needs=kind.needs,
        statement=EXTRACTS,
    )
    def _(c: Backend, box: Box) -> str:
        server, address = listener(c, kind)
        for word in (b"first ", b"second", b"third "):
            must(c, c.send(client(c, kind, address), word, 6, 0))
            wait_readable(c, server)
        received = [bytearray(6) for _ in range(3)]
        for room in received:
            must(c, c.recv(must(c, c.accept(server, None, None)), room, 6, c.MSG_WAITALL))
        return " ".join(room.decode().strip() for room in received)


for _kind in (*STREAMS, LOCAL_SEQPACKET):
    _extracts(_kind)


@case(
    "accept/tcp/peer-address",
    "addr gets the client's address, addrlen its length",
    descriptor("POSIX.1 accept", observed=[True, 16]),
    statement=RETURNS,
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, TCP)
    ours = client(c, TCP, address)
    peer, length = c.sockaddr_in(), c.socklen_t(16)
    c.accept(server, peer, length)
    return [same_address((peer, 16), name_of(c, ours, TCP)), length.value]


@case(
    "accept/tcp/short-addrlen",
    "an address that does not fit is cut to addrlen, which still becomes its full length",
    descriptor("POSIX.1 accept; accept(2)", observed=["0200", "ff" * 12, 16]),
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    peer, length = bytearray(b"\xff" * 14), c.socklen_t(2)
    c.accept(server, peer, length)
    return [peer[:2].hex(), peer[2:].hex(), length.value]


@case(
    "accept/local/unnamed-peer",
    "a local client that did not bind has no name: its address is a family of 2 bytes",
    descriptor("unix(7)", observed=["AF_UNIX", 2]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, LOCAL)
    client(c, LOCAL, address)
    peer, length = c.sockaddr_un(), c.socklen_t(110)
    c.accept(server, peer, length)
    return ["AF_UNIX" if peer.sun_family == c.AF_UNIX else peer.sun_family, length.value]


@case(
    "accept/tcp/established-before",
    "the connection is established before accept: the client connects and sends while the server has not called it",
    descriptor("POSIX.1 listen, accept; tcp(7)", observed=["sent before accept", "and back"]),
    statement=ESTABLISHED,
)
def _(c: Backend, box: Box) -> list[str]:
    server, address = listener(c, TCP)
    ours = client(c, TCP, address)
    must(c, c.send(ours, b"sent before accept", 18, 0))
    theirs = c.accept(server, None, None)
    there, back = bytearray(18), bytearray(8)
    must(c, c.recv(theirs, there, 18, c.MSG_WAITALL))
    must(c, c.send(theirs, b"and back", 8, 0))
    must(c, c.recv(ours, back, 8, c.MSG_WAITALL))
    return [there.decode(), back.decode()]


@case(
    "accept/tcp/blocks",
    "with an empty queue accept waits for a client",
    descriptor("POSIX.1 accept", observed="connected while accept slept"),
    needs=["linux"],
    statement=EXTRACTS,
)
def _(c: Backend, box: Box) -> str:
    server, (address, _) = listener(c, TCP)
    port = c.ntohs(address.sin_port)
    box.helper(lambda: when_asleep(box.pid, lambda: stdlib.create_connection(("127.0.0.1", port)).close()))
    c.accept(server, None, None)
    return "connected while accept slept"


@case(
    "accept/tcp/empty-queue",
    "with O_NONBLOCK and an empty queue there is nothing to extract",
    error("EAGAIN", "POSIX.1 accept"),
    statement=EXTRACTS,
)
def _(c: Backend, box: Box) -> None:
    server, _ = listener(c, TCP)
    must(c, c.fcntl(server, c.F_SETFL, c.O_NONBLOCK))
    c.accept(server, None, None)


@case(
    "accept/tcp/flags-of-the-new-descriptor",
    "the new descriptor is open across exec and blocks, whatever the listener does",
    descriptor("accept(2): file status flags are not inherited on Linux", observed=[0, False]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, TCP)
    must(c, c.fcntl(server, c.F_SETFL, c.O_NONBLOCK))
    client(c, TCP, address)
    wait_readable(c, server)
    theirs = c.accept(server, None, None)
    return [c.fcntl(theirs, c.F_GETFD, 0), bool(c.fcntl(theirs, c.F_GETFL, 0) & c.O_NONBLOCK)]


@case(
    "accept/tcp/after-the-client-left",
    "a client that connected and closed is still extracted; its end shows on the new socket",
    descriptor("POSIX.1 accept", observed=0),
    statement=EXTRACTS,
)
def _(c: Backend, box: Box) -> int:
    server, address = listener(c, TCP)
    must(c, c.close(client(c, TCP, address)))
    theirs = c.accept(server, None, None)
    return c.recv(theirs, bytearray(1), 1, 0)


@case(
    "accept/tcp/interrupted",
    "a signal that is caught ends a blocked accept with EINTR",
    error("EINTR", "POSIX.1 accept; signal(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, (address, _) = listener(c, TCP)
    port = c.ntohs(address.sin_port)
    box.interrupt(then=lambda: stdlib.create_connection(("127.0.0.1", port)).close())
    c.accept(server, None, None)


@case("accept/tcp/not-listening", "a socket that does not listen has no queue", error("EINVAL", "POSIX.1 accept"))
def _(c: Backend, box: Box) -> None:
    fd, _ = bound(c, TCP)
    c.accept(fd, None, None)


@case("accept/udp/connectionless", "a datagram socket has no connections", error("EOPNOTSUPP", "POSIX.1 accept"))
def _(c: Backend, box: Box) -> None:
    fd, _ = bound(c, UDP)
    c.accept(fd, None, None)


@case("accept/tcp/connected", "a connected socket is not one that listens", error("EINVAL", "POSIX.1 accept"))
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    c.accept(ours, None, None)


def _lost(id: str, shows: str, errno: str, address: int | None, length: int | None) -> None:
    @case(f"accept/tcp/{id}", f"{shows}; the connection is lost", error(errno, "accept(2)"), needs=["linux"])
    def _(c: Backend, box: Box) -> None:
        server, name = listener(c, TCP)
        client(c, TCP, name)
        room = None if address is None else bytearray(address)
        c.accept(server, room, None if length is None else c.socklen_t(length))


_lost("null-addrlen", "a place for the address but NULL for its length", "EFAULT", 16, None)
_lost("negative-addrlen", "a negative length for the address", "EINVAL", 16, -1)


@case("accept/tcp/null-address", "NULL for the address asks for none", success("accept(2)", result="fd", observed=99))
def _(c: Backend, box: Box) -> int:
    server, name = listener(c, TCP)
    client(c, TCP, name)
    length = c.socklen_t(99)
    c.accept(server, None, length)
    return int(length.value)


# --- the address of the peer ---

#: The clients' addresses, and their bytes as accept writes them.
CLIENTS: dict[Kind, tuple[Any, bytes]] = {
    TCP: (lambda c: inet(c, c.INADDR_LOOPBACK, 40000), b"\x9c\x40" + bytes([127, 0, 0, 1]) + bytes(8)),
    TCP6: (lambda c: inet6(c, "::1", 40000), b"\x9c\x40" + bytes(4) + bytes(15) + b"\1" + bytes(4)),
    LOCAL: (lambda c: local(c, b"client"), b"client\0"),
}
FAMILIES = {TCP: stdlib.AF_INET, TCP6: stdlib.AF_INET6, LOCAL: stdlib.AF_UNIX}


def _named_peer(c: Backend, kind: Kind) -> int:
    """A listener in whose queue a client waits that is bound to the kind's name above. A port in a namespace of the
    case's own: half an address holds half a port, which cannot be told from others by name."""
    if kind is not LOCAL:
        machine.network()
    server, address = listener(c, kind)
    ours = kind.socket(c)
    must(c, c.bind(ours, *CLIENTS[kind][0](c)))
    must(c, c.connect(ours, *address))
    return server


def _sized(kind: Kind) -> None:
    whole = FAMILIES[kind].to_bytes(2, sys.byteorder) + CLIENTS[kind][1]
    needs = ("linux", "netns", *kind.needs) if kind is not LOCAL else ("linux",)

    def cut(size: int) -> str:
        return (whole[:size] + b"\xff" * (len(whole) + 4 - min(size, len(whole)))).hex()

    def accepted(c: Backend, server: int, size: int) -> list[object]:
        room, length = bytearray(b"\xff" * (len(whole) + 4)), c.socklen_t(size)
        c.accept(server, room, length)
        return [room.hex(), length.value]

    def row(size: int) -> None:
        what = "truncates" if size < len(whole) else "fits" if size == len(whole) else "has-room"

        @case(
            f"accept/{kind.name}/addrlen-{size}-{what}",
            f"addrlen {size} gets the first {min(size, len(whole))} bytes of the address and becomes {len(whole)}",
            descriptor("POSIX.1 accept; accept(2)", observed=[cut(size), len(whole)]),
            needs=needs,
        )
        def _(c: Backend, box: Box) -> list[object]:
            return accepted(c, _named_peer(c, kind), size)

    for size in (0, 1, 2, 4, len(whole) - 1, len(whole), len(whole) + 1):
        row(size)

    @case(
        f"accept/{kind.name}/addrlen-of-every-size",
        "whatever addrlen is, no byte beyond it is written, and it becomes the full length",
        descriptor("POSIX.1 accept; accept(2)", observed=[]),
        needs=needs,
    )
    def _(c: Backend, box: Box) -> list[object]:
        if kind is not LOCAL:
            machine.network()
        server, address = listener(c, kind)
        wrong: list[object] = []
        for size in range(len(whole) + 5):
            ours = kind.socket(c)
            must(c, set_option(c, ours, c.SOL_SOCKET, c.SO_REUSEADDR, 1))
            must(c, c.bind(ours, *CLIENTS[kind][0](c)))
            must(c, c.connect(ours, *address))
            room, length = bytearray(b"\xff" * (len(whole) + 4)), c.socklen_t(size)
            theirs = must(c, c.accept(server, room, length))
            if [room.hex(), length.value] != [cut(size), len(whole)]:
                wrong.append([size, room.hex(), length.value])
            if kind is LOCAL:
                os.unlink("client")
                must(c, c.close(ours))
            else:  # a reset leaves nothing of the connection, so the port is free again
                _abort(c, ours)
            must(c, c.close(theirs))
        return wrong


for _kind in (TCP, TCP6, LOCAL):
    _sized(_kind)


def _local_peer(id: str, shows: str, name: str | None, length: int) -> None:
    @case(f"accept/local/{id}", shows, descriptor("unix(7)", observed=[True, length]), needs=["linux"])
    def _(c: Backend, box: Box) -> list[object]:
        server, address = listener(c, LOCAL)
        ours = LOCAL.socket(c)
        own = {"path": local(c, b"client"), "abstract": local(c, box.abstract_name)}.get(
            str(name), (c.sockaddr_un(sun_family=c.AF_UNIX), 2)
        )
        must(c, c.bind(ours, *own))
        must(c, c.connect(ours, *address))
        own = name_of(c, ours, LOCAL)
        if id.startswith("closed"):
            must(c, c.close(ours))
        peer, addrlen = c.sockaddr_un(), c.socklen_t(110)
        c.accept(server, peer, addrlen)
        return [same_address((peer, addrlen.value), own), addrlen.value]


_local_peer("peer-with-a-path", "the path that a local client is bound to comes with its NUL", "path", 9)
_local_peer("peer-with-an-abstract-name", "an abstract name comes with its length and no NUL", "abstract", 24)
_local_peer("peer-that-was-autobound", "a client bound to no name has five digits behind a NUL", None, 8)
_local_peer("closed-peer-with-a-path", "a client that closed before accept keeps its path", "path", 9)
_local_peer("closed-peer-that-was-autobound", "a client that closed before accept keeps its name", None, 8)


def _reciprocal(kind: Kind) -> None:
    @case(
        f"accept/{kind.name}/names-are-reciprocal",
        "the peer of each end is the name of the other, and accept gave the client's",
        descriptor("POSIX.1 accept, getpeername", observed=[True, True, True]),
        needs=kind.needs,
        statement=RETURNS,
    )
    def _(c: Backend, box: Box) -> list[bool]:
        server, address = listener(c, kind)
        ours = kind.socket(c)
        must(c, c.bind(ours, *kind.address(c, "client")))
        must(c, c.connect(ours, *address))
        room = kind.room(c)
        length = c.socklen_t(c.sizeof(room))
        theirs = c.accept(server, room, length)
        peer = (room, length.value)
        return [
            same_address(peer_of(c, ours, kind), name_of(c, theirs, kind)),
            same_address(peer_of(c, theirs, kind), name_of(c, ours, kind)),
            same_address(peer, name_of(c, ours, kind)),
        ]


for _kind in (*STREAMS, LOCAL_SEQPACKET):
    _reciprocal(_kind)


@case(
    "accept/tcp6/v4-mapped-peer",
    "a listener on :: takes IPv4 clients too: their address comes as ::ffff:127.0.0.1",
    descriptor("ipv6(7)", observed=["::ffff:127.0.0.1", 28]),
    needs=["ipv6"],
)
def _(c: Backend, box: Box) -> list[object]:
    server = TCP6.socket(c)
    must(c, set_option(c, server, c.IPPROTO_IPV6, c.IPV6_V6ONLY, 0))
    must(c, c.bind(server, *inet6(c, "::", 0)))
    must(c, c.listen(server, 5))
    name = name_of(c, server, TCP6)[0]
    client(c, TCP, inet(c, c.INADDR_LOOPBACK, c.ntohs(name.sin6_port)))
    peer, length, text = c.sockaddr_in6(), c.socklen_t(28), bytearray(46)
    c.accept(server, peer, length)
    c.inet_ntop(c.AF_INET6, peer.sin6_addr, text, 46)
    return [text.rstrip(b"\0").decode(), length.value]


# --- errors, and what is left after them ---


@case(
    "accept/path-only-descriptor",
    "a descriptor opened with O_PATH is open for nothing but its path",
    error("EBADF", "open(2) O_PATH; accept(2)"),
    needs=["linux"],
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


def _abort(c: Backend, fd: int) -> None:
    """Close a connection with a reset (socket(7) SO_LINGER, tcp(7))."""
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, c.linger(l_onoff=1, l_linger=0), 8))
    must(c, c.close(fd))


@case(
    "accept/tcp/after-the-client-reset",
    "a connection that was reset before accept is still extracted: the error is on the new socket, not in accept",
    descriptor(
        "an experiment: reqsk_queue_remove in inet_csk_accept does not look at the connection's state",
        observed=["Connection reset by peer", 0],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, TCP)
    _abort(c, client(c, TCP, address))
    theirs = c.accept(server, None, None)
    c.recv(theirs, bytearray(1), 1, 0)
    return [c.strerror(c.get_errno()), c.recv(theirs, bytearray(1), 1, 0)]


#: IP_RECVERR of linux/in.h, which Python's socket module has no name for
IP_RECVERR = 11

#: id, ICMP type and code, the errno that they stand for (icmp_err_convert in net/ipv4/icmp.c), in words
PENDING = [
    ("network-unreachable", UNREACHABLE, 0, "Network is unreachable"),
    ("host-unreachable", UNREACHABLE, 1, "No route to host"),
    ("protocol-unreachable", UNREACHABLE, 2, "Protocol not available"),
    ("host-unknown", UNREACHABLE, 7, "Host is down"),
    ("host-isolated", UNREACHABLE, 8, "Machine is not on the network"),
    ("parameter-problem", PARAMETER_PROBLEM, 0, "Protocol error"),
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
        return c.strerror(option(c, theirs, c.SOL_SOCKET, c.SO_ERROR))


for _row in PENDING:
    _pending(*_row)


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
    return c.strerror(c.get_errno())


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
        descriptor("an experiment: __sys_accept4_file in net/socket.c", observed=["Too many open files", True]),
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
            must(c, c.fcntl(server, c.F_GETFD, 0))  # so that the trace knows it before there are any clients
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


# --- accept4 ---


@case(
    "accept4/tcp/flags-of-the-new-descriptor",
    "SOCK_CLOEXEC and SOCK_NONBLOCK set exactly those flags of the new descriptor",
    descriptor("accept4(2)", observed=[[1, False], [0, True], [1, True], [0, False]]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = listener(c, TCP)
    found: list[object] = []
    for flags in (c.SOCK_CLOEXEC, c.SOCK_NONBLOCK, c.SOCK_CLOEXEC | c.SOCK_NONBLOCK, 0):
        client(c, TCP, address)
        fd = c.accept4(server, None, None, flags)
        found.append([c.fcntl(fd, c.F_GETFD, 0), bool(c.fcntl(fd, c.F_GETFL, 0) & c.O_NONBLOCK)])
    return found


UNKNOWN_FLAG = 1  # neither SOCK_NONBLOCK nor SOCK_CLOEXEC on any architecture


@case("accept4/tcp/unknown-flag", "a flag that there is not", error("EINVAL", "accept4(2)"), needs=["linux"])
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    c.accept4(server, None, None, UNKNOWN_FLAG)


@case(
    "accept4/tcp/unknown-flag-keeps-the-connection",
    "accept4 with a wrong flag takes nothing off the queue",
    descriptor("an experiment: __sys_accept4_file in net/socket.c", observed="Invalid argument"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    server, address = listener(c, TCP)
    client(c, TCP, address)
    c.accept4(server, None, None, UNKNOWN_FLAG)
    said = c.strerror(c.get_errno())
    c.accept4(server, None, None, 0)
    return said


@case(
    "accept4/closed-descriptor-before-flags",
    "the descriptor is looked up before the flags are looked at",
    error("EBADF", "an experiment: __sys_accept4 in net/socket.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd = TCP.socket(c)
    must(c, c.close(fd))
    c.accept4(fd, None, None, UNKNOWN_FLAG)


@case(
    "accept4/flags-before-no-socket",
    "the flags are looked at before the descriptor is found to be no socket",
    error("EINVAL", "an experiment: __sys_accept4_file in net/socket.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.accept4(box.pipe()[0], None, None, UNKNOWN_FLAG)

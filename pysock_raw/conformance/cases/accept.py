"""accept: what it extracts, in which order, what it returns, and when the connection is established."""

from __future__ import annotations

import socket as stdlib

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box, when_asleep
from pysock_raw.conformance.case import case, descriptor, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_SEQPACKET,
    STREAMS,
    TCP,
    UDP,
    Kind,
    bound,
    client,
    connected,
    listener,
    must,
    name_of,
    option,
    peer_of,
    same_address,
    wait_readable,
)

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

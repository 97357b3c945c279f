"""The address of the peer, at every length."""

from __future__ import annotations

import os
import socket as stdlib
import sys
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor
from pysock_raw.conformance.cases.accept import RETURNS
from pysock_raw.conformance.cases.accept_errors import abort
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_SEQPACKET,
    STREAMS,
    TCP,
    TCP6,
    Kind,
    client,
    inet,
    inet6,
    listener,
    local,
    must,
    name_of,
    peer_of,
    same_address,
    set_option,
)

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
                abort(c, ours)
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

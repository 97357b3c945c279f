"""socket: what it returns, each domain and type, protocol 0 and the protocol number of the IP header."""

from __future__ import annotations

import socket as stdlib
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, error
from pysock_raw.conformance.kinds import KINDS, TCP, TCP6, UDP, Kind, bound, connected, must, option

DESCRIPTOR = "sockfd: socket descriptor, an integer (like a file-handle)"
DOMAIN = "domain: integer, specifies communication domain."
TYPE = "SOCK_STREAM: TCP(reliable, connection oriented) SOCK_DGRAM: UDP(unreliable, connectionless)"
PROTOCOL = "protocol: Protocol value for Internet Protocol(IP), which is 0."
HEADER = "This is the same number which appears on protocol field in the IP header of a packet."


@case(
    "socket/lowest-descriptor",
    "the descriptor is the lowest number that is free",
    descriptor("POSIX.1 socket; open(2)", observed=True),
    statement=DESCRIPTOR,
)
def _(c: Backend, box: Box) -> bool:
    first, _ = TCP.socket(c), TCP.socket(c)
    must(c, c.close(first))
    return TCP.socket(c) == first


@case(
    "socket/like-a-file",
    "the descriptor is one like a file's: read and write work on it, and it can be duplicated",
    descriptor("POSIX.1 socket, read, write", observed="hello"),
    statement=DESCRIPTOR,
)
def _(c: Backend, box: Box) -> str:
    pair, text = bytearray(8), bytearray(5)
    must(c, c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, pair))
    one, other = memoryview(pair).cast("i")
    again = must(c, c.fcntl(one, c.F_DUPFD, 0))
    must(c, c.write(again, b"hello", 5))
    must(c, c.read(other, text, 5))
    c.socket(c.AF_UNIX, c.SOCK_STREAM, 0)
    return text.decode()


def _domain(kind: Kind) -> None:
    @case(
        f"socket/{kind.name}/domain-and-type",
        f"socket({kind.family}, {kind.type}, 0) makes a socket of that domain and type",
        descriptor("POSIX.1 socket; SO_DOMAIN and SO_TYPE in socket(7)", observed=[kind.family, kind.type]),
        needs=kind.needs,
        statement=DOMAIN,
    )
    def _(c: Backend, box: Box) -> list[str]:
        fd = kind.socket(c)
        domain, type = (option(c, fd, c.SOL_SOCKET, name) for name in (c.SO_DOMAIN, c.SO_TYPE))
        return [
            next(name for name in ("AF_INET", "AF_INET6", "AF_UNIX") if getattr(c, name) == domain),
            next(name for name in ("SOCK_STREAM", "SOCK_DGRAM") if getattr(c, name) == type),
        ]


for _kind in KINDS:
    _domain(_kind)


def _protocol(kind: Kind, number: int, name: str) -> None:
    @case(
        f"socket/{kind.name}/protocol-0",
        f"protocol 0 is not IP's number but the usual protocol of the type: {name}, {number}",
        descriptor("POSIX.1 socket; SO_PROTOCOL in socket(7); protocols(5)", observed=number),
        needs=kind.needs,
        statement=PROTOCOL,
    )
    def _(c: Backend, box: Box) -> int:
        return option(c, kind.socket(c), c.SOL_SOCKET, c.SO_PROTOCOL)


_protocol(TCP, 6, "TCP")
_protocol(UDP, 17, "UDP")
_protocol(TCP6, 6, "TCP")


@case(
    "socket/raw/protocol-in-ip-header",
    "the protocol field of the IP header (byte 9) holds the protocol's own number, 17 for UDP, not the 0 given",
    descriptor("raw(7); RFC 791", observed=17),
    needs=["raw"],
    statement=HEADER,
)
def _(c: Backend, box: Box) -> int:
    # The sniffer is the instrument, not the subject, so it is not one of the api's calls. It also sees the
    # datagrams of others.
    with stdlib.socket(stdlib.AF_INET, stdlib.SOCK_RAW, stdlib.IPPROTO_UDP) as sniffer:
        _, address = bound(c, UDP)
        word = b"protocol field"
        must(c, c.sendto(UDP.socket(c), word, len(word), 0, *address))
        while True:
            packet = sniffer.recv(2048)
            if packet.endswith(word):
                return packet[9]


@case(
    "socket/stream-is-reliable",
    "SOCK_STREAM delivers every byte in order, without the boundaries of the writes",
    descriptor("POSIX.1 Socket Types; tcp(7)", observed="one two three"),
    statement=TYPE,
)
def _(c: Backend, box: Box) -> str:
    ours, theirs = connected(c, TCP)
    for word in (b"one ", b"two ", b"three"):
        must(c, c.send(ours, word, len(word), 0))
    text = bytearray(13)
    must(c, c.recv(theirs, text, 13, c.MSG_WAITALL))
    return text.decode()


@case(
    "socket/dgram-is-connectionless",
    "SOCK_DGRAM keeps the boundaries of messages, needs no connection, and drops what does not fit a read",
    descriptor("POSIX.1 Socket Types; udp(7)", observed=["on", "two"]),
    statement=TYPE,
)
def _(c: Backend, box: Box) -> list[str]:
    receiver, address = bound(c, UDP)
    sender = UDP.socket(c)
    for word in (b"one", b"two"):
        must(c, c.sendto(sender, word, len(word), 0, *address))
    short, rest = bytearray(2), bytearray(3)
    must(c, c.recv(receiver, short, 2, 0))
    must(c, c.recv(receiver, rest, 3, 0))
    return [short.decode(), rest.decode()]


@case(
    "socket/no-close-on-exec",
    "a new descriptor stays open across exec: FD_CLOEXEC is set only if SOCK_CLOEXEC asks for it",
    descriptor("POSIX.1 socket; socket(2)", observed=[0, 1]),
)
def _(c: Backend, box: Box) -> list[int]:
    return [c.fcntl(TCP.socket(c, flags), c.F_GETFD, 0) for flags in (0, c.SOCK_CLOEXEC)]


@case(
    "socket/blocking",
    "a new descriptor blocks: O_NONBLOCK is set only if SOCK_NONBLOCK asks for it",
    descriptor("POSIX.1 socket; socket(2)", observed=[False, True]),
)
def _(c: Backend, box: Box) -> list[bool]:
    flags = [c.fcntl(TCP.socket(c, flags), c.F_GETFL, 0) for flags in (0, c.SOCK_NONBLOCK)]
    return [bool(value & c.O_NONBLOCK) for value in flags]


def _refused(id: str, shows: str, errno: str, source: str, *args: Any) -> None:
    @case(f"socket/{id}", shows, error(errno, source))
    def _(c: Backend, box: Box) -> None:
        c.socket(*(getattr(c, arg) if isinstance(arg, str) else arg for arg in args))


_refused("unknown-domain", "a domain that does not exist", "EAFNOSUPPORT", "POSIX.1 socket", 999, "SOCK_STREAM", 0)
_refused("unspecified-domain", "AF_UNSPEC is no domain of a socket", "EAFNOSUPPORT", "socket(2)", "AF_UNSPEC", 1, 0)
_refused("unknown-type", "a type that does not exist", "EINVAL", "socket(2)", "AF_INET", 15, 0)
_refused("unknown-flags", "a flag in the type that does not exist", "EINVAL", "socket(2)", "AF_INET", 0x1001, 0)
_refused("type-of-other-family", "a type that IPv4 lacks", "ESOCKTNOSUPPORT", "ip(7)", "AF_INET", "SOCK_SEQPACKET", 0)
_refused("foreign-protocol", "UDP is no protocol of a stream", "EPROTONOSUPPORT", "POSIX.1 socket", "AF_INET", 1, 17)
_refused("protocol-out-of-range", "a number that no protocol has", "EINVAL", "socket(2)", "AF_INET", 1, 99999)
_refused("domain-minus-one", "-1 is no domain", "EAFNOSUPPORT", "POSIX.1 socket", -1, "SOCK_STREAM", 0)
_refused("type-minus-one", "-1 is no type", "EINVAL", "socket(2)", "AF_INET", -1, 0)
_refused("protocol-minus-one", "-1 is no protocol", "EINVAL", "socket(2)", "AF_INET", "SOCK_STREAM", -1)

"""Addresses of another family, and none (AF_UNSPEC)."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.cases.connect import SERVER
from pysock_raw.conformance.kinds import (
    LOCAL_DGRAM,
    TCP,
    TCP6,
    UDP,
    UDP6,
    Kind,
    bound,
    client,
    connected,
    inet6,
    listener,
    must,
    option,
    peer_of,
    set_option,
)
from pysock_raw.trace_values import errno_name


def _mapped(kind: Kind, peer: Kind, only: int, outcome: Outcome, shows: str) -> None:
    id = "v4-mapped-on-a-v6-only-socket" if only else "v4-mapped"

    @case(f"connect/{kind.name}/{id}", shows, outcome, needs=["ipv6"])
    def _(c: Backend, box: Box) -> None:
        _, (address, _) = listener(c, TCP) if peer is TCP else bound(c, UDP)
        fd = kind.socket(c)
        must(c, set_option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, only))
        c.connect(fd, *inet6(c, "::ffff:127.0.0.1", c.ntohs(address.sin_port)))


for _kind, _peer in ((TCP6, TCP), (UDP6, UDP)):
    _mapped(_kind, _peer, 0, success("ipv6(7)"), "::ffff:127.0.0.1 is an IPv4 server's address on an IPv6 socket")
    _mapped(
        _kind,
        _peer,
        1,
        error("ENETUNREACH", "an experiment: tcp_v6_connect, __ip6_datagram_connect"),
        "with IPV6_V6ONLY an IPv4 server is out of reach",
    )


@case(
    "connect/udp6/v4-address",
    "a UDP socket over IPv6 takes an IPv4 address as it is",
    success("an experiment: __ip6_datagram_connect", observed="::ffff:127.0.0.1"),
    needs=["linux", "ipv6"],
)
def _(c: Backend, box: Box) -> str:
    _, address = bound(c, UDP)
    fd, text = UDP6.socket(c), bytearray(46)
    c.connect(fd, *address)
    c.inet_ntop(c.AF_INET6, peer_of(c, fd, UDP6)[0].sin6_addr, text, 46)
    return text.rstrip(b"\0").decode()


@case(
    "connect/udp/foreign-family",
    "an IPv6 address for a UDP socket over IPv4",
    error("EAFNOSUPPORT", "POSIX.1 connect"),
)
def _(c: Backend, box: Box) -> None:
    c.connect(UDP.socket(c), *inet6(c, "::1", 9))


def _to_any(kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/to-in6addr-any",
        "connecting to :: means this host",
        success("an experiment: tcp_v6_connect, __ip6_datagram_connect", observed="::1"),
        needs=["linux", "ipv6"],
        statement=SERVER,
    )
    def _(c: Backend, box: Box) -> str:
        _, (address, _) = listener(c, kind) if kind is TCP6 else bound(c, kind)
        fd, text = kind.socket(c), bytearray(46)
        c.connect(fd, *inet6(c, "::", c.ntohs(address.sin6_port)))
        c.inet_ntop(c.AF_INET6, peer_of(c, fd, kind)[0].sin6_addr, text, 46)
        return text.rstrip(b"\0").decode()


_to_any(TCP6)
_to_any(UDP6)


def _unspecified(c: Backend, fd: int) -> int:
    return c.connect(fd, c.sockaddr(sa_family=c.AF_UNSPEC), 16)


@case(
    "connect/tcp/unspecified-resets",
    "AF_UNSPEC resets the connection, and the socket can connect again",
    success("connect(2); an experiment: tcp_disconnect", observed="ECONNRESET"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    server, address = listener(c, TCP)
    ours = client(c, TCP, address)
    theirs = must(c, c.accept(server, None, None))
    must(c, _unspecified(c, ours))
    c.recv(theirs, bytearray(1), 1, 0)
    said = errno_name(c.get_errno())
    c.connect(ours, *address)
    return said


@case(
    "connect/tcp/unspecified-then-listen",
    "a socket that AF_UNSPEC dissolved can listen",
    success("an experiment: tcp_disconnect, inet_listen", observed=[0, 1]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    ours, _ = connected(c, TCP)
    _unspecified(c, ours)
    return [c.listen(ours, 5), option(c, ours, c.SOL_SOCKET, c.SO_ACCEPTCONN)]


@case(
    "connect/tcp/unspecified-listener",
    "AF_UNSPEC ends listening",
    success("an experiment: tcp_disconnect", observed=0),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    server, _ = listener(c, TCP)
    _unspecified(c, server)
    return option(c, server, c.SOL_SOCKET, c.SO_ACCEPTCONN)


def _unspecified_dgram(kind: Kind, errno: str) -> None:
    @case(
        f"connect/{kind.name}/unspecified",
        "AF_UNSPEC takes a datagram socket's peer away",
        success("connect(2)", observed=errno),
        needs=["linux", *kind.needs],
    )
    def _(c: Backend, box: Box) -> str:
        _, address = bound(c, kind)
        ours = client(c, kind, address)
        _unspecified(c, ours)
        c.send(ours, b"x", 1, 0)
        return errno_name(c.get_errno())


_unspecified_dgram(UDP, "EDESTADDRREQ")
_unspecified_dgram(UDP6, "EDESTADDRREQ")
_unspecified_dgram(LOCAL_DGRAM, "ENOTCONN")

"""Addresses of IPv4 and IPv6, and the state of the socket."""

from __future__ import annotations

import os

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.kinds import (
    KINDS,
    LOCAL,
    TCP,
    TCP6,
    Kind,
    connected,
    inet,
    inet6,
    local,
    must,
    name_of,
    set_option,
)

# --- addresses of IPv4 and IPv6 ---


def _group(name: str, host: int) -> None:
    @case(
        f"bind/tcp/{name}",
        f"a TCP socket binds to a {name} address, and even listens there, though no client can ever connect",
        success(
            "an experiment: __inet_bind in net/ipv4/af_inet.c allows what inet_addr_type_table calls it", observed=0
        ),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> int:
        fd = TCP.socket(c)
        c.bind(fd, *inet(c, host, 0))
        return c.listen(fd, 1)


_group("multicast", 0xEF010101)
_group("broadcast", 0xFFFFFFFF)


def _address6(id: str, shows: str, outcome: Outcome, host: str, scope: int = 0, v6only: int = 0) -> None:
    @case(f"bind/tcp6/{id}", shows, outcome, needs=["linux", "ipv6"])
    def _(c: Backend, box: Box) -> None:
        fd, (address, length) = TCP6.socket(c), inet6(c, host, 0)
        must(c, set_option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, v6only))
        address.sin6_scope_id = scope
        c.bind(fd, address, length)


_address6(
    "not-local",
    "an IPv6 address that no interface has",
    error("EADDRNOTAVAIL", "POSIX.1 bind; RFC 3849: 2001:db8:: is for documentation"),
    "2001:db8::1",
)
_address6(
    "link-local-without-scope",
    "a link-local address does not say by itself on which link it is",
    error("EINVAL", "ipv6(7): sin6_scope_id; bind(2)"),
    "fe80::1",
)
_address6(
    "link-local-with-unknown-scope",
    "a link-local address on an interface that does not exist",
    error("ENODEV", "ipv6(7) ENODEV"),
    "fe80::1",
    scope=9999,
)
_address6(
    "mapped-address",
    "an IPv4 address mapped into IPv6 is an address of a dual-stack socket",
    success("ipv6(7)"),
    "::ffff:127.0.0.1",
)
_address6(
    "mapped-address-for-v6only",
    "an IPv4 address mapped into IPv6 is none of a socket for IPv6 alone",
    error("EINVAL", "ipv6(7) IPV6_V6ONLY; bind(2)"),
    "::ffff:127.0.0.1",
    v6only=1,
)


# --- the state of the socket ---


@case(
    "bind/tcp/connected",
    "a connected socket has an address already",
    error("EINVAL", "bind(2): already bound; POSIX.1 would also allow EISCONN"),
)
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    c.bind(ours, *TCP.address(c))


@case(
    "bind/tcp/half-shut-down",
    "a connection that was shut down for writing keeps its address",
    error("EINVAL", "POSIX.1 bind; bind(2): already bound"),
)
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    must(c, c.shutdown(ours, c.SHUT_WR))
    c.bind(ours, *TCP.address(c))


@case(
    "bind/local/shut-down",
    "Linux does not ask whether a socket that has no address yet has been shut down",
    success("an experiment: unix_bind in net/unix/af_unix.c does not look at sk_shutdown"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd = LOCAL.socket(c)
    must(c, c.shutdown(fd, c.SHUT_RDWR))
    c.bind(fd, *local(c, b"server"))


def _at_once(kind: Kind) -> None:
    @case(
        f"bind/{kind.name}/at-once",
        "bind never leaves anything to be done: without blocking it is complete when it returns, and a second bind "
        "finds the address there, not an assignment in progress",
        error("EINVAL", "an experiment: bind of AF_INET and AF_UNIX waits for nothing", observed=[0, True]),
        needs=("linux", *kind.needs),
    )
    def _(c: Backend, box: Box) -> list[object]:
        fd = kind.socket(c, c.SOCK_NONBLOCK)
        first = c.bind(fd, *kind.address(c))
        _, length = name_of(c, fd, kind)
        c.bind(fd, *kind.address(c, "other"))
        return [first, length > 2]


for _kind in KINDS:
    _at_once(_kind)


@case(
    "bind/path-descriptor",
    "a descriptor that O_PATH made stands for a place, and is none for this call",
    error("EBADF", "open(2) O_PATH"),
    needs=["o-path"],
)
def _(c: Backend, box: Box) -> None:
    c.bind(box.keep(os.open(".", os.O_PATH)), *inet(c, c.INADDR_LOOPBACK, 0))

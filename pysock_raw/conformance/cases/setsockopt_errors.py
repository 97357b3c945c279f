"""What is refused, in which state, and without privileges."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    TCP,
    TCP6,
    UDP,
    UDP6,
    Kind,
    answer,
    connected,
    must,
    option,
    set_option,
)

# --- what is refused ---

Value = Callable[[Backend], Any]
LOOPBACK, GROUP, NOBODYS = (bytes(map(int, text.split("."))) for text in ("127.0.0.1", "239.1.2.3", "192.0.2.1"))


# asm-generic/socket.h, linux/tcp.h and linux/in.h: Python has no names for these (for the last from 3.12).
SO_DETACH_FILTER, SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_LOCK_FILTER = 27, 32, 33, 44
TCP_REPAIR = 19
IP_UNBLOCK_SOURCE = 37


def _refused(
    id: str, shows: str, answer: Outcome, kind: Kind, level: str, name: str | int, value: Value, *needs: str
) -> None:
    @case(f"setsockopt/{id}", shows, answer, needs=(*kind.needs, *needs))
    def _(c: Backend, box: Box) -> None:
        given = value(c)
        c.setsockopt(kind.socket(c), getattr(c, level), _number(c, name), given, memoryview(given).nbytes)


def _number(c: Backend, name: str | int) -> int:
    return int(getattr(c, name)) if isinstance(name, str) else name


def _int(number: int) -> Value:
    return lambda c: c.c_int(number)


def _bytes(value: bytes) -> Value:
    return lambda c: bytearray(value)


for _name in ("SO_RCVTIMEO", "SO_SNDTIMEO"):
    _slug = _name[3:].lower()
    _refused(
        f"{_slug}-of-a-million-microseconds",
        f"tv_usec of {_name} is below a million",
        error("EDOM", "POSIX.1 setsockopt"),
        TCP,
        "SOL_SOCKET",
        _name,
        lambda c: c.timeval(tv_usec=1_000_000),
    )
    _refused(
        f"{_slug}-of-minus-a-microsecond",
        f"tv_usec of {_name} is not negative",
        error("EDOM", "POSIX.1 setsockopt"),
        TCP,
        "SOL_SOCKET",
        _name,
        lambda c: c.timeval(tv_usec=-1),
    )

_refused(
    "ttl-out-of-range",
    "a time to live has 8 bits",
    error("EINVAL", "ip(7) IP_TTL: between 1 and 255"),
    TCP,
    "IPPROTO_IP",
    "IP_TTL",
    _int(1000),
)
_refused(
    "hops-out-of-range",
    "a hop limit has 8 bits",
    error("EINVAL", "ipv6(7) IPV6_UNICAST_HOPS: between -1 and 255"),
    TCP6,
    "IPPROTO_IPV6",
    "IPV6_UNICAST_HOPS",
    _int(1000),
)
_refused(
    "keepidle-0",
    "a time of 0 seconds before the first probe",
    error("EINVAL", "an experiment: tcp_sock_set_keepidle_locked"),
    TCP,
    "IPPROTO_TCP",
    "TCP_KEEPIDLE",
    _int(0),
)
_refused(
    "maxseg-too-small",
    "a segment of one byte",
    error("EINVAL", "an experiment: tcp_sock_set_maxseg wants at least TCP_MIN_MSS"),
    TCP,
    "IPPROTO_TCP",
    "TCP_MAXSEG",
    _int(1),
)
_refused(
    "unknown-congestion-control",
    "an algorithm that does not exist",
    error("ENOENT", "tcp(7) TCP_CONGESTION; an experiment: tcp_set_congestion_control"),
    TCP,
    "IPPROTO_TCP",
    "TCP_CONGESTION",
    _bytes(b"nonesuch"),
)
_refused(
    "unknown-device",
    "SO_BINDTODEVICE to an interface that does not exist",
    error("ENODEV", "socket(7) SO_BINDTODEVICE"),
    TCP,
    "SOL_SOCKET",
    "SO_BINDTODEVICE",
    _bytes(b"nonesuch"),
    "linux",
)
_refused(
    "udp/option-of-tcp",
    "a level that the socket's protocol does not have",
    error("ENOPROTOOPT", "POSIX.1 setsockopt"),
    UDP,
    "IPPROTO_TCP",
    "TCP_NODELAY",
    _int(1),
)
_refused(
    "tcp/ipv6-level",
    "an IPv4 socket has no options of IPv6",
    error("ENOPROTOOPT", "POSIX.1 setsockopt"),
    TCP,
    "IPPROTO_IPV6",
    "IPV6_V6ONLY",
    _int(1),
)
_refused(
    "local/option-of-tcp",
    "AF_UNIX has no options above SOL_SOCKET",
    error("EOPNOTSUPP", "ip(7); an experiment: do_sock_setsockopt finds no setsockopt in unix_stream_ops"),
    LOCAL,
    "IPPROTO_TCP",
    "TCP_NODELAY",
    _int(1),
    "linux",
)
_refused(
    "local/reuseport",
    "SO_REUSEPORT is for addresses that have ports",
    error("EOPNOTSUPP", "an experiment: sk_setsockopt wants AF_INET or AF_INET6 (Linux 6.13)"),
    LOCAL,
    "SOL_SOCKET",
    "SO_REUSEPORT",
    _int(1),
    "linux",
)
_refused(
    "drop-membership-of-a-group-not-joined",
    "leaving a multicast group that was not joined",
    error("EADDRNOTAVAIL", "ip(7); an experiment: ip_mc_leave_group"),
    UDP,
    "IPPROTO_IP",
    "IP_DROP_MEMBERSHIP",
    _bytes(GROUP + LOOPBACK),
)
_refused(
    "join-through-nobodys-address",
    "joining a multicast group through an address that no interface has",
    error("ENODEV", "ip(7) IP_ADD_MEMBERSHIP; an experiment: ip_mc_join_group"),
    UDP,
    "IPPROTO_IP",
    "IP_ADD_MEMBERSHIP",
    _bytes(GROUP + NOBODYS),
)
_refused(
    "join-a-unicast-address",
    "joining an address that is no multicast group",
    error("EINVAL", "an experiment: ip_mc_join_group"),
    UDP,
    "IPPROTO_IP",
    "IP_ADD_MEMBERSHIP",
    _bytes(LOOPBACK + LOOPBACK),
)


@case(
    "setsockopt/unblock-a-source-that-is-not-blocked",
    "a source of a joined multicast group is unblocked that was not blocked",
    error("EADDRNOTAVAIL", "ip(7) IP_UNBLOCK_SOURCE"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd = UDP.socket(c)
    must(c, c.setsockopt(fd, c.IPPROTO_IP, c.IP_ADD_MEMBERSHIP, GROUP + LOOPBACK, 8))
    c.setsockopt(fd, c.IPPROTO_IP, IP_UNBLOCK_SOURCE, GROUP + LOOPBACK + NOBODYS, 12)


@case(
    "setsockopt/join-twice",
    "a socket joins a multicast group once",
    error("EADDRINUSE", "an experiment: ip_mc_join_group"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd = UDP.socket(c)
    must(c, c.setsockopt(fd, c.IPPROTO_IP, c.IP_ADD_MEMBERSHIP, GROUP + LOOPBACK, 8))
    c.setsockopt(fd, c.IPPROTO_IP, c.IP_ADD_MEMBERSHIP, GROUP + LOOPBACK, 8)


@case(
    "setsockopt/one-membership-too-many",
    "a socket joins net.ipv4.igmp_max_memberships multicast groups, here 3, and not one more",
    error("ENOBUFS", "POSIX.1 setsockopt; ip(7) igmp_max_memberships"),
    needs=["netns"],
)
def _(c: Backend, box: Box) -> None:
    machine.network()
    machine.setting("ipv4/igmp_max_memberships", "3")
    fd = UDP.socket(c)
    for number in range(3):
        must(c, c.setsockopt(fd, c.IPPROTO_IP, c.IP_ADD_MEMBERSHIP, bytes([239, 1, 2, number]) + LOOPBACK, 8))
    c.setsockopt(fd, c.IPPROTO_IP, c.IP_ADD_MEMBERSHIP, GROUP + LOOPBACK, 8)


@case(
    "setsockopt/udp6/no-option-memory",
    "a socket may have net.core.optmem_max bytes for its options, here none: it cannot remember a multicast group",
    error("ENOMEM", "POSIX.1 setsockopt; socket(7) optmem_max, in a network namespace from Linux 6.7"),
    needs=["netns", "netns-optmem", "ipv6"],
)
def _(c: Backend, box: Box) -> None:
    machine.network()
    machine.setting("core/optmem_max", "0")
    group = bytearray(16)
    must(c, c.inet_pton(c.AF_INET6, "ff02::1234", group))
    loopback = struct.pack("i", 1)  # the first interface of every network namespace
    c.setsockopt(UDP6.socket(c), c.IPPROTO_IPV6, c.IPV6_JOIN_GROUP, bytes(group) + loopback, 20)


# --- the state of the socket ---


@case(
    "setsockopt/tcp/after-shutdown",
    "Linux lets options of a socket that has been shut down be set",
    success("an experiment: sk_setsockopt does not look at sk_shutdown", observed=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    ours, _ = connected(c, TCP)
    must(c, c.shutdown(ours, c.SHUT_RDWR))
    set_option(c, ours, c.SOL_SOCKET, c.SO_KEEPALIVE, 1)
    return option(c, ours, c.SOL_SOCKET, c.SO_KEEPALIVE)


@case(
    "setsockopt/tcp/fast-open-when-connected",
    "an option that a connected socket may not set any more is EINVAL on Linux, not EISCONN",
    error("EINVAL", "an experiment: do_tcp_setsockopt allows TCP_FASTOPEN in TCP_CLOSE and TCP_LISTEN"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    set_option(c, ours, c.IPPROTO_TCP, c.TCP_FASTOPEN, 5)


@case(
    "setsockopt/path-descriptor",
    "a descriptor that O_PATH made stands for a place, and is none for this call",
    error("EBADF", "open(2) O_PATH"),
    needs=["o-path"],
)
def _(c: Backend, box: Box) -> None:
    c.setsockopt(box.keep(os.open(".", os.O_PATH)), c.SOL_SOCKET, c.SO_REUSEADDR, c.c_int(1), 4)


# --- privileges ---


def _privileged(id: str, level: str, name: str | int, value: int, source: str, errno: str = "EPERM") -> None:
    @case(
        f"setsockopt/unprivileged-{id}",
        "an option that takes a privilege (CAP_NET_ADMIN)",
        error(errno, f"{source}; capabilities(7)"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        machine.unprivileged()
        set_option(c, TCP.socket(c), getattr(c, level), _number(c, name), value)


_privileged("mark", "SOL_SOCKET", "SO_MARK", 1, "socket(7) SO_MARK")
_privileged("priority-7", "SOL_SOCKET", "SO_PRIORITY", 7, "socket(7) SO_PRIORITY: outside the range 0 to 6")
_privileged("rcvbufforce", "SOL_SOCKET", SO_RCVBUFFORCE, 4096, "socket(7) SO_RCVBUFFORCE")
_privileged("sndbufforce", "SOL_SOCKET", SO_SNDBUFFORCE, 4096, "socket(7) SO_SNDBUFFORCE")
_privileged("repair", "IPPROTO_TCP", TCP_REPAIR, 1, "an experiment: tcp_can_repair_sock")
_privileged("transparent", "IPPROTO_IP", "IP_TRANSPARENT", 1, "ip(7) IP_TRANSPARENT")
_privileged("debug", "SOL_SOCKET", "SO_DEBUG", 1, "socket(7) SO_DEBUG", errno="EACCES")


@case(
    "setsockopt/unprivileged-priority-6",
    "the priorities from 0 to 6 take no privilege",
    success("socket(7) SO_PRIORITY", observed=6),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    machine.unprivileged()
    fd = TCP.socket(c)
    set_option(c, fd, c.SOL_SOCKET, c.SO_PRIORITY, 6)
    return option(c, fd, c.SOL_SOCKET, c.SO_PRIORITY)


@case(
    "setsockopt/locked-filter-stays-locked",
    "SO_LOCK_FILTER freezes the filter even for root: it can be neither detached nor unlocked",
    error("EPERM", "socket(7) SO_LOCK_FILTER", observed=["ENOENT", 0, "EPERM", "EPERM"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd = TCP.socket(c)
    return [
        answer(c, set_option(c, fd, c.SOL_SOCKET, name, value))
        for name, value in ((SO_DETACH_FILTER, 0), (SO_LOCK_FILTER, 1), (SO_DETACH_FILTER, 0), (SO_LOCK_FILTER, 0))
    ]

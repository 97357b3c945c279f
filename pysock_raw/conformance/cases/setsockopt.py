"""setsockopt: what it changes, and what it prevents ("address already in use")."""

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
    bound,
    client,
    connected,
    listener,
    must,
    name_of,
    option,
    same_address,
    set_option,
)

MANIPULATES = "This helps in manipulating options for the socket referred by the file descriptor sockfd."
OPTIONAL = "This is completely optional, but it helps in reuse of address and port."
PREVENTS = 'Prevents error such as: "address already in use".'


@case(
    "setsockopt/changes-one-option",
    "an option is 0, is set, reads back as set, and belongs to this socket alone",
    success("POSIX.1 setsockopt; socket(7)", observed=[0, 1, 0]),
    statement=MANIPULATES,
)
def _(c: Backend, box: Box) -> list[int]:
    fd, other = TCP.socket(c), TCP.socket(c)
    before = option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE)
    set_option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1)
    return [before, option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE), option(c, other, c.SOL_SOCKET, c.SO_KEEPALIVE)]


@case(
    "setsockopt/structure",
    "an option may be a structure: SO_LINGER reads back as it was set",
    success("POSIX.1 setsockopt; socket(7)", observed=[1, 7]),
    statement=MANIPULATES,
)
def _(c: Backend, box: Box) -> list[int]:
    fd, value = TCP.socket(c), c.linger(l_onoff=1, l_linger=7)
    c.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, value, c.sizeof(value))
    back, length = c.linger(), c.socklen_t(8)
    must(c, c.getsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, back, length))
    return [back.l_onoff, back.l_linger]


def _restart(c: Backend, reuse: int) -> str | None:
    """A server that closed its connections first leaves them in TIME_WAIT; then it starts again."""
    first, address = listener(c, TCP)
    must(c, set_option(c, first, c.SOL_SOCKET, c.SO_REUSEADDR, reuse))
    ours = client(c, TCP, address)
    theirs = must(c, c.accept(first, None, None))
    must(c, c.shutdown(theirs, c.SHUT_WR))
    must(c, c.recv(ours, bytearray(1), 1, 0))
    for fd in (ours, theirs, first):
        must(c, c.close(fd))
    second = TCP.socket(c)
    set_option(c, second, c.SOL_SOCKET, c.SO_REUSEADDR, reuse)
    return None if c.bind(second, *address) == 0 else c.strerror(c.get_errno())


@case(
    "setsockopt/optional",
    "without SO_REUSEADDR a server that restarts finds its port in TIME_WAIT: address already in use",
    success("tcp(7); socket(7) SO_REUSEADDR", observed="Address already in use"),
    statement=OPTIONAL,
)
def _(c: Backend, box: Box) -> str | None:
    return _restart(c, reuse=0)


@case(
    "setsockopt/prevents-address-in-use",
    "with SO_REUSEADDR a server that restarts gets its port back, though it is in TIME_WAIT",
    success("tcp(7); socket(7) SO_REUSEADDR", observed=None),
    statement=PREVENTS,
)
def _(c: Backend, box: Box) -> str | None:
    return _restart(c, reuse=1)


@case(
    "setsockopt/prevents-no-second-listener",
    "SO_REUSEADDR does not let a second server have the port of one that listens",
    success("socket(7) SO_REUSEADDR", observed="Address already in use"),
    statement=PREVENTS,
)
def _(c: Backend, box: Box) -> str | None:
    fd, address = listener(c, TCP)
    must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1))
    second = TCP.socket(c)
    set_option(c, second, c.SOL_SOCKET, c.SO_REUSEADDR, 1)
    return None if c.bind(second, *address) == 0 else c.strerror(c.get_errno())


@case(
    "setsockopt/reuses-port",
    "with SO_REUSEPORT on both, two sockets of one user have the same address and port",
    success("socket(7) SO_REUSEPORT", observed=True),
    statement=OPTIONAL,
)
def _(c: Backend, box: Box) -> bool:
    one, two = UDP.socket(c), UDP.socket(c)
    for fd in (one, two):
        set_option(c, fd, c.SOL_SOCKET, c.SO_REUSEPORT, 1)
    must(c, c.bind(one, *UDP.address(c)))
    must(c, c.bind(two, *name_of(c, one, UDP)))
    return same_address(name_of(c, one, UDP), name_of(c, two, UDP))


@case(
    "setsockopt/buffer-is-doubled",
    "Linux doubles a buffer size for its own book-keeping",
    success("socket(7) SO_RCVBUF", observed=16384),
    needs=["linux"],
    statement=MANIPULATES,
)
def _(c: Backend, box: Box) -> int:
    fd, _ = bound(c, UDP)
    set_option(c, fd, c.SOL_SOCKET, c.SO_RCVBUF, 8192)
    return option(c, fd, c.SOL_SOCKET, c.SO_RCVBUF)


# asm-generic/socket.h, linux/tcp.h and linux/in.h: Python has no names for these (for the last from 3.12).
SO_DETACH_FILTER, SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_LOCK_FILTER = 27, 32, 33, 44
TCP_REPAIR = 19
IP_UNBLOCK_SOURCE = 37


def _setting(name: str) -> int:
    """A setting below /proc/sys/net."""
    with open(f"/proc/sys/net/{name}") as file:
        return int(file.read())


def _buffer_sizes(name: str, force: int, setting: str, minimum: int) -> None:
    option_name = f"SO_{name.upper()}"

    def read_back(c: Backend, fd: int, value: int, set: int | None = None) -> int:
        get = getattr(c, option_name)
        must(c, set_option(c, fd, c.SOL_SOCKET, get if set is None else set, value))
        return option(c, fd, c.SOL_SOCKET, get)

    @case(
        f"setsockopt/{name}-has-a-minimum",
        f"{option_name} is no smaller than a minimum, whatever is asked for",
        success("socket(7); an experiment: SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF of 64-bit kernels", [minimum] * 3),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[int]:
        fd = TCP.socket(c)
        return [read_back(c, fd, value) for value in (0, 1, minimum // 2 - 1)]

    @case(
        f"setsockopt/{name}-is-cut-to-its-maximum",
        f"{option_name} beyond net.{setting.replace('/', '.')} is cut to it in silence; a negative size is a huge one",
        success(f"socket(7) {option_name}", observed=[True, True, True]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[bool]:
        fd, most = TCP.socket(c), 2 * _setting(setting)
        return [read_back(c, fd, value) == most for value in (most, 2**31 - 1, -1)]

    @case(
        f"setsockopt/{name}force-passes-the-maximum",
        f"{option_name}FORCE of a privileged process is not cut, and a negative size is the smallest, never negative",
        success("capabilities(7) CAP_NET_ADMIN; an experiment: sk_setsockopt", observed=[True, 2**31 - 2, minimum]),
        needs=["linux", "root"],
    )
    def _(c: Backend, box: Box) -> list[int | bool]:
        fd, more = TCP.socket(c), _setting(setting) + 4096
        sizes = [read_back(c, fd, value, force) for value in (more, 2**31 - 1, -1)]
        return [sizes[0] == 2 * more, *sizes[1:]]


_buffer_sizes("sndbuf", SO_SNDBUFFORCE, "core/wmem_max", 4608)
_buffer_sizes("rcvbuf", SO_RCVBUFFORCE, "core/rmem_max", 2304)


# --- value-result lengths, on the side that reads ---


def _lengths(kind: Kind) -> None:
    @case(
        f"getsockopt/{kind.name}/short-lengths-cut-in-silence",
        "optlen 0 to 4 gives that many bytes of an int and says so, and 8 comes back as 4: no error anywhere",
        success(
            "POSIX.1 getsockopt; getsockopt(2)",
            observed=["0 0 ", "1 1 01", "2 2 0100", "3 3 010000", "4 4 01000000", "8 4 01000000eeeeeeee"],
        ),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> list[str]:
        fd, seen = kind.socket(c), []
        must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1))
        for room in (0, 1, 2, 3, 4, 8):
            value, length = bytearray(b"\xee" * room), c.socklen_t(room)
            must(c, c.getsockopt(fd, c.SOL_SOCKET, c.SO_KEEPALIVE, value, length))
            seen.append(f"{room} {length.value} {value.hex()}")
        return seen


for _kind in (TCP, UDP, LOCAL):
    _lengths(_kind)


@case(
    "getsockopt/tcp/a-structure-is-cut-too",
    "of SO_LINGER 5 bytes are given for an optlen of 5",
    success("POSIX.1 getsockopt; getsockopt(2)", observed=[5, "0100000007"]),
)
def _(c: Backend, box: Box) -> list[object]:
    fd, value, length = TCP.socket(c), bytearray(5), c.socklen_t(5)
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, c.linger(l_onoff=1, l_linger=7), 8))
    must(c, c.getsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, value, length))
    return [length.value, value.hex()]


# --- IPV6_V6ONLY ---


@case(
    "setsockopt/tcp6/v6only",
    "IPV6_V6ONLY is what net.ipv6.bindv6only says, until it is set",
    success("ipv6(7) IPV6_V6ONLY", observed=[True, 1, 0]),
    needs=["linux", "ipv6"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd = TCP6.socket(c)
    seen: list[object] = [option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY) == _setting("ipv6/bindv6only")]
    for value in (1, 0):
        must(c, set_option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, value))
        seen.append(option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY))
    return seen


@case(
    "setsockopt/tcp6/v6only-of-a-bound-socket",
    "IPV6_V6ONLY cannot change once the socket has an address",
    error("EINVAL", "an experiment: do_ipv6_setsockopt in net/ipv6/ipv6_sockglue.c looks at inet_num"),
    needs=["linux", "ipv6"],
)
def _(c: Backend, box: Box) -> None:
    fd, _ = bound(c, TCP6)
    set_option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, 1)


# --- what is refused ---

Value = Callable[[Backend], Any]
LOOPBACK, GROUP, NOBODYS = (bytes(map(int, text.split("."))) for text in ("127.0.0.1", "239.1.2.3", "192.0.2.1"))


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
    needs=["linux"],
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

"""socket: what it returns, each domain and type, protocol 0 and the protocol number of the IP header."""

from __future__ import annotations

import os
import socket as stdlib
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, error
from pysock_raw.conformance.kinds import KINDS, TCP, TCP6, UDP, Kind, answer, bound, connected, must, option
from pysock_raw.conformance.scarcity import no_files, out_of_memory
from pysock_raw.trace_values import errno_name

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


def _flags(kind: Kind) -> None:
    @case(
        f"socket/{kind.name}/flags-in-the-type",
        "SOCK_CLOEXEC and SOCK_NONBLOCK set exactly FD_CLOEXEC and O_NONBLOCK, each alone and both together",
        descriptor("socket(2)", observed=[[0, False], [1, False], [0, True], [1, True]]),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> list[list[int | bool]]:
        fds = [
            kind.socket(c, cloexec | nonblock) for nonblock in (0, c.SOCK_NONBLOCK) for cloexec in (0, c.SOCK_CLOEXEC)
        ]
        return [[c.fcntl(fd, c.F_GETFD, 0), bool(c.fcntl(fd, c.F_GETFL, 0) & c.O_NONBLOCK)] for fd in fds]


for _kind in KINDS:
    _flags(_kind)


@case(
    "socket/cannot-be-opened-by-its-procfs-link",
    "a socket is no file that open finds again: its link in /proc/self/fd gives ENXIO",
    descriptor(
        "open(2) ENXIO: the file is a UNIX domain socket; an experiment: sock_no_open in net/socket.c", observed="ENXIO"
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str | None:
    try:
        os.close(os.open(f"/proc/self/fd/{TCP.socket(c)}", os.O_RDWR))
    except OSError as error:
        return errno_name(error.errno or 0)
    return None


@case(
    "socket/local/raw-becomes-dgram",
    "AF_UNIX has no raw sockets: SOCK_RAW makes a SOCK_DGRAM",
    descriptor("an experiment: unix_create in net/unix/af_unix.c", observed=True),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> bool:
    return bool(option(c, must(c, c.socket(c.AF_UNIX, c.SOCK_RAW, 0)), c.SOL_SOCKET, c.SO_TYPE) == c.SOCK_DGRAM)


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
_refused("tcp-as-datagrams", "TCP has no datagrams", "EPROTONOSUPPORT", "socket(2)", "AF_INET", "SOCK_DGRAM", 6)
_refused("tcp6-as-datagrams", "TCP has none over IPv6", "EPROTONOSUPPORT", "socket(2)", "AF_INET6", "SOCK_DGRAM", 6)
_refused(
    "local/foreign-protocol", "UDP is none of AF_UNIX", "EPROTONOSUPPORT", "socket(2)", "AF_UNIX", "SOCK_DGRAM", 17
)
_refused("local/unknown-type", "a type that AF_UNIX lacks", "ESOCKTNOSUPPORT", "unix(7)", "AF_UNIX", "SOCK_RDM", 0)
_refused("raw/no-protocol", "SOCK_RAW wants a protocol", "EPROTONOSUPPORT", "raw(7)", "AF_INET", "SOCK_RAW", 0)
_refused(
    "flags-before-domain",
    "of unknown flags and domain the flags win",
    "EINVAL",
    "an experiment: __sys_socket_create looks at the flags first",
    999,
    0x1001,
    0,
)
_refused(
    "domain-before-type",
    "of unknown domain and type the domain wins",
    "EAFNOSUPPORT",
    "an experiment: __sock_create looks at the family first",
    999,
    15,
    0,
)
_refused(
    "type-before-protocol",
    "of a type that IPv4 lacks and a foreign protocol the type wins",
    "ESOCKTNOSUPPORT",
    "an experiment: inet_create looks for the type first",
    "AF_INET",
    "SOCK_SEQPACKET",
    17,
)
_refused("domain-minus-one", "-1 is no domain", "EAFNOSUPPORT", "POSIX.1 socket", -1, "SOCK_STREAM", 0)
_refused("type-minus-one", "-1 is no type", "EINVAL", "socket(2)", "AF_INET", -1, 0)
_refused("protocol-minus-one", "-1 is no protocol", "EINVAL", "socket(2)", "AF_INET", "SOCK_STREAM", -1)


@case(
    "socket/ping-outside-the-group-range",
    "in a new network namespace nobody may make a ping socket, not even root: ping_group_range is empty",
    error("EACCES", "POSIX.1 socket; socket(2); icmp(7) ping_group_range"),
    needs=["netns"],
)
def _(c: Backend, box: Box) -> None:
    machine.network()
    c.socket(c.AF_INET, c.SOCK_DGRAM, c.IPPROTO_ICMP)


@case(
    "socket/ping-inside-the-group-range",
    "a group in ping_group_range may make a ping socket without any privilege",
    descriptor("icmp(7) ping_group_range"),
    needs=["netns", "root"],
)
def _(c: Backend, box: Box) -> None:
    machine.network()
    machine.setting("ipv4/ping_group_range", f"{machine.NOBODY} {machine.NOBODY}")
    machine.unprivileged()
    c.socket(c.AF_INET, c.SOCK_DGRAM, c.IPPROTO_ICMP)


@case(
    "socket/raw/unprivileged",
    "a raw socket takes CAP_NET_RAW",
    error("EPERM", "raw(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    machine.unprivileged()
    c.socket(c.AF_INET, c.SOCK_RAW, c.IPPROTO_UDP)


@case(
    "socket/no-number-left",
    "the process may have descriptors below 3 only, and has them all",
    error("EMFILE", "POSIX.1 socket; socket(2)"),
)
def _(c: Backend, box: Box) -> None:
    with machine.descriptors_below(3):
        c.socket(c.AF_INET, c.SOCK_STREAM, 0)


@case(
    "socket/number-left-again",
    "closing a descriptor makes room for the next",
    descriptor("POSIX.1 socket, close", observed=["EMFILE", 3]),
)
def _(c: Backend, box: Box) -> list[object]:
    with machine.descriptors_below(4):
        fd = TCP.socket(c)
        full = answer(c, c.socket(c.AF_INET, c.SOCK_STREAM, 0))
        must(c, c.close(fd))
        return [full, c.socket(c.AF_INET, c.SOCK_STREAM, 0)]


@case(
    "socket/file-table-full",
    "the machine has as many open files as it allows",
    error("ENFILE", "POSIX.1 socket; socket(2)"),
    needs=["linux", "machine-wide"],
)
def _(c: Backend, box: Box) -> None:
    with no_files():
        c.socket(c.AF_INET, c.SOCK_STREAM, 0)


@case(
    "socket/no-kernel-memory",
    "without memory for the inode of a socket Linux says that there are too many open files",
    error("ENFILE", "an experiment: __sock_create in net/socket.c calls it the closest POSIX thing"),
    needs=["linux", "memory-cgroups"],
)
def _(c: Backend, box: Box) -> None:
    out_of_memory(lambda: c.socket(c.AF_UNIX, c.SOCK_STREAM, 0))

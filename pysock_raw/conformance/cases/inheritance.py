"""What a new descriptor has from the one it was made of: options, flags, and what is shared across dup, fork and
threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box, Unarranged
from pysock_raw.conformance.case import case, descriptor, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    TCP,
    TCP6,
    Kind,
    client,
    inet,
    listener,
    must,
    option,
    pair,
    set_option,
    wait_readable,
)

# --- options ---

Value = Callable[[Backend], Any]


def _int(number: int) -> Value:
    return lambda c: c.c_int(number)


#: level, option, a value that no new socket has
OF_SOCKETS: list[tuple[str, str, Value]] = [
    ("SOL_SOCKET", "SO_KEEPALIVE", _int(1)),
    ("SOL_SOCKET", "SO_OOBINLINE", _int(1)),
    ("SOL_SOCKET", "SO_DONTROUTE", _int(1)),
    ("SOL_SOCKET", "SO_BROADCAST", _int(1)),
    ("SOL_SOCKET", "SO_REUSEADDR", _int(1)),
    ("SOL_SOCKET", "SO_RCVLOWAT", _int(7)),
    ("SOL_SOCKET", "SO_RCVBUF", _int(10000)),
    ("SOL_SOCKET", "SO_SNDBUF", _int(10000)),
    ("SOL_SOCKET", "SO_PRIORITY", _int(3)),
    ("SOL_SOCKET", "SO_LINGER", lambda c: c.linger(l_onoff=1, l_linger=7)),
    ("SOL_SOCKET", "SO_RCVTIMEO", lambda c: c.timeval(tv_sec=30)),
    ("SOL_SOCKET", "SO_SNDTIMEO", lambda c: c.timeval(tv_sec=40)),
]
OF_TCP: list[tuple[str, str, Value]] = [
    ("SOL_SOCKET", "SO_REUSEPORT", _int(1)),
    ("IPPROTO_TCP", "TCP_NODELAY", _int(1)),
    ("IPPROTO_TCP", "TCP_CORK", _int(1)),
    ("IPPROTO_TCP", "TCP_KEEPIDLE", _int(100)),
    ("IPPROTO_TCP", "TCP_KEEPINTVL", _int(20)),
    ("IPPROTO_TCP", "TCP_KEEPCNT", _int(5)),
    ("IPPROTO_TCP", "TCP_SYNCNT", _int(3)),
    ("IPPROTO_TCP", "TCP_LINGER2", _int(20)),
    ("IPPROTO_TCP", "TCP_USER_TIMEOUT", _int(5000)),
    ("IPPROTO_TCP", "TCP_NOTSENT_LOWAT", _int(4096)),
]
OF_IPV4: list[tuple[str, str, Value]] = [
    ("IPPROTO_IP", "IP_TTL", _int(33)),
    ("IPPROTO_IP", "IP_TOS", _int(0x10)),
]
OF_IPV6: list[tuple[str, str, Value]] = [
    ("IPPROTO_IPV6", "IPV6_UNICAST_HOPS", _int(33)),
    ("IPPROTO_IPV6", "IPV6_TCLASS", _int(0x10)),
    ("IPPROTO_IPV6", "IPV6_V6ONLY", _int(1)),
]
OF_LOCAL: list[tuple[str, str, Value]] = [("SOL_SOCKET", "SO_PASSCRED", _int(1))]
Options = list[tuple[str, str, Value]]


def _get(c: Backend, fd: int, level: str, name: str) -> bytes:
    room, length = bytearray(16), c.socklen_t(16)
    must(c, c.getsockopt(fd, getattr(c, level), getattr(c, name), room, length))
    return bytes(room[: length.value])


def _set(c: Backend, fd: int, options: Options) -> None:
    for level, name, value in options:
        given = value(c)
        must(c, c.setsockopt(fd, getattr(c, level), getattr(c, name), given, c.sizeof(given)))


def _whose(c: Backend, kind: Kind, server: int, theirs: int, options: Options) -> dict[str, list[str]]:
    """Which options an accepted socket has from its listener, and which are those of any new socket."""
    found: dict[str, list[str]] = {"the listener's": [], "a new socket's": [], "neither": []}
    new = kind.socket(c)
    for level, name, _ in options:
        value, listeners, news = (_get(c, fd, level, name) for fd in (theirs, server, new))
        if listeners == news:
            raise Unarranged(f"{name} of the listener is that of every socket")
        whose = {listeners: "the listener's", news: "a new socket's"}
        found[whose.get(value, "neither")].append(name)
    return {key: sorted(names) for key, names in found.items() if names}


def _inherits(kind: Kind, options: Options, new: list[str], source: str) -> None:
    given = sorted(name for _, name, _ in options if name not in new)
    table = {key: names for key, names in (("the listener's", given), ("a new socket's", sorted(new))) if names}

    @case(
        f"accept/{kind.name}/options-of-the-listener",
        "which options an accepted socket has from its listener, and which not",
        descriptor(source, observed=table),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> dict[str, list[str]]:
        server = kind.socket(c)
        _set(c, server, options)
        must(c, c.bind(server, *kind.address(c)))
        must(c, c.listen(server, 5))
        ours = kind.socket(c)
        name, length = kind.room(c), c.socklen_t(c.sizeof(kind.room(c)))
        must(c, c.getsockname(server, name, length))
        must(c, c.connect(ours, name, length.value))
        return _whose(c, kind, server, c.accept(server, None, None), options)


_CLONED = "socket(7); an experiment: sk_clone_lock copies the listener, and sets sk_priority to 0"
_inherits(TCP, [*OF_SOCKETS, *OF_TCP, *OF_IPV4], ["SO_PRIORITY"], _CLONED)
_inherits(TCP6, [*OF_SOCKETS, *OF_TCP, *OF_IPV6], ["SO_PRIORITY"], _CLONED)
_MADE = "an experiment: unix_stream_connect makes a new socket, which has the flags of SO_PASSCRED alone"
for _kind in (LOCAL, LOCAL_SEQPACKET):
    _inherits(_kind, [*OF_SOCKETS, *OF_LOCAL], [name for _, name, _ in OF_SOCKETS], _MADE)


def _too_late(kind: Kind) -> None:
    @case(
        f"accept/{kind.name}/options-set-while-it-waited",
        "an accepted socket has the options that the listener had when the client came, not when accept was called",
        descriptor(
            "an experiment: sk_clone_lock is called at the end of the handshake",
            observed={"a new socket's": ["SO_KEEPALIVE", "TCP_NODELAY"]},
        ),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> dict[str, list[str]]:
        options = [("SOL_SOCKET", "SO_KEEPALIVE", _int(1)), ("IPPROTO_TCP", "TCP_NODELAY", _int(1))]
        server, address = listener(c, kind)
        client(c, kind, address)
        wait_readable(c, server)
        _set(c, server, options)
        return _whose(c, kind, server, c.accept(server, None, None), options)

    @case(
        f"accept/{kind.name}/options-set-after-listen",
        "options that are set on a socket that listens already hold for the clients that come later",
        descriptor(
            "an experiment: sk_clone_lock is called at the end of the handshake",
            observed={"the listener's": ["SO_KEEPALIVE", "TCP_NODELAY"]},
        ),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> dict[str, list[str]]:
        options = [("SOL_SOCKET", "SO_KEEPALIVE", _int(1)), ("IPPROTO_TCP", "TCP_NODELAY", _int(1))]
        server, address = listener(c, kind)
        _set(c, server, options)
        client(c, kind, address)
        return _whose(c, kind, server, c.accept(server, None, None), options)


_too_late(TCP)
_too_late(TCP6)


@case(
    "accept/tcp/mark-of-the-listener",
    "the mark of the listener is that of its connections",
    descriptor("socket(7) SO_MARK; an experiment: inet_request_mark", observed=[42, 42]),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> list[int]:
    machine.network()  # in its own namespace even an ordinary user may set it
    server, address = TCP.socket(c), inet(c, c.INADDR_LOOPBACK, 8080)
    must(c, set_option(c, server, c.SOL_SOCKET, c.SO_MARK, 42))
    must(c, c.bind(server, *address))
    must(c, c.listen(server, 5))
    client(c, TCP, address)
    theirs = c.accept(server, None, None)
    return [option(c, fd, c.SOL_SOCKET, c.SO_MARK) for fd in (server, theirs)]


@case(
    "accept/tcp/device-of-the-listener",
    "the device that the listener is bound to is that of its connections",
    descriptor("socket(7) SO_BINDTODEVICE; an experiment: sk_clone_lock", observed=["lo", "lo", ""]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[str]:
    server = TCP.socket(c)
    must(c, c.setsockopt(server, c.SOL_SOCKET, c.SO_BINDTODEVICE, b"lo", 2))
    must(c, c.bind(server, *TCP.address(c)))
    must(c, c.listen(server, 5))
    name, length = c.sockaddr_in(), c.socklen_t(16)
    must(c, c.getsockname(server, name, length))
    ours = client(c, TCP, (name, 16))
    found = [_get(c, fd, "SOL_SOCKET", "SO_BINDTODEVICE") for fd in (server, c.accept(server, None, None), ours)]
    return [device.rstrip(b"\0").decode() for device in found]


# --- flags of descriptors ---

Flags = dict[str, list[bool]]


def flags_of(c: Backend, fd: int) -> list[bool]:
    """[closed by exec, does not block]"""
    return [bool(c.fcntl(fd, c.F_GETFD, 0) & c.FD_CLOEXEC), bool(c.fcntl(fd, c.F_GETFL, 0) & c.O_NONBLOCK)]


ASKED: Flags = {
    "nothing": [False, False],
    "SOCK_CLOEXEC": [True, False],
    "SOCK_NONBLOCK": [False, True],
    "SOCK_CLOEXEC|SOCK_NONBLOCK": [True, True],
}


def _asked(c: Backend, names: str) -> int:
    return sum(getattr(c, name) for name in names.split("|") if name != "nothing")


def _flags_of(kind: Kind) -> None:
    @case(
        f"accept4/{kind.name}/flags-are-those-asked-for",
        "a descriptor from accept4 has the flags that the call asks for, whatever those of the listener are",
        descriptor("accept(2)", observed=ASKED),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> Flags:
        server = kind.socket(c, c.SOCK_CLOEXEC | c.SOCK_NONBLOCK)
        must(c, c.bind(server, *kind.address(c)))
        must(c, c.listen(server, 5))
        name, length = kind.room(c), c.socklen_t(c.sizeof(kind.room(c)))
        must(c, c.getsockname(server, name, length))
        found = {}
        for names in ASKED:
            client(c, kind, (name, length.value))
            wait_readable(c, server)
            found[names] = flags_of(c, must(c, c.accept4(server, None, None, _asked(c, names))))
        return found

    @case(
        f"accept/{kind.name}/no-flags-of-the-listener",
        "a descriptor from accept has no flags, though the listener has both",
        descriptor("accept(2): file status flags are not inherited on Linux", observed=[False, False]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[bool]:
        server, address = listener(c, kind)
        must(c, c.fcntl(server, c.F_SETFL, c.O_NONBLOCK))
        must(c, c.fcntl(server, c.F_SETFD, c.FD_CLOEXEC))
        client(c, kind, address)
        wait_readable(c, server)
        return flags_of(c, c.accept(server, None, None))


for _kind in (TCP, TCP6, LOCAL, LOCAL_SEQPACKET):
    _flags_of(_kind)


def _flags_of_a_pair(kind: Kind) -> None:
    @case(
        f"socketpair/{kind.name}/flags-in-the-type",
        "both descriptors of a pair have the flags in the type, and no others",
        success("socketpair(2)", observed={names: flags + flags for names, flags in ASKED.items()}),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> Flags:
        found = {}
        for names in ASKED:
            one, two = pair(c, getattr(c, kind.type) | _asked(c, names))
            found[names] = flags_of(c, one) + flags_of(c, two)
        return found


for _kind in (LOCAL, LOCAL_DGRAM, LOCAL_SEQPACKET):
    _flags_of_a_pair(_kind)


@case(
    "fcntl/tcp/flags-of-a-duplicate",
    "F_DUPFD leaves a duplicate open across exec and F_DUPFD_CLOEXEC does not, whatever the first one has; "
    "O_NONBLOCK is that of both",
    success(
        "POSIX.1 fcntl, open; fcntl(2)",
        result="fd",
        observed={"F_DUPFD": [False, True], "F_DUPFD_CLOEXEC": [True, True], "first": [True, True]},
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> Flags:
    fd = TCP.socket(c, c.SOCK_CLOEXEC | c.SOCK_NONBLOCK)
    found = {name: flags_of(c, must(c, c.fcntl(fd, getattr(c, name), 0))) for name in ("F_DUPFD", "F_DUPFD_CLOEXEC")}
    return {**found, "first": flags_of(c, fd)}


@case(
    "fcntl/tcp/number-of-a-duplicate",
    "a duplicate has the lowest free number from the one that is asked for",
    success("POSIX.1 fcntl", result="fd", observed=[50, 51, 52, True]),
)
def _(c: Backend, box: Box) -> list[object]:
    fd = TCP.socket(c)
    found = [c.fcntl(fd, command, 50) for command in (c.F_DUPFD, c.F_DUPFD_CLOEXEC, c.F_DUPFD)]
    lowest = must(c, c.fcntl(fd, c.F_DUPFD, 0))
    return [*found, lowest == fd + 1]


@case(
    "fcntl/tcp/status-flags-are-shared",
    "O_NONBLOCK belongs to the socket and is seen by every duplicate; FD_CLOEXEC belongs to one descriptor",
    success("POSIX.1 fcntl, open", observed=[[False, True], [True, True], [False, False]], result=2),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[list[bool]]:
    fd = TCP.socket(c)
    again = must(c, c.fcntl(fd, c.F_DUPFD, 0))
    must(c, c.fcntl(again, c.F_SETFL, c.O_NONBLOCK))
    must(c, c.fcntl(again, c.F_SETFD, c.FD_CLOEXEC))
    must(c, c.fcntl(fd, c.F_SETFD, 0))  # Python has set it, and this case is not about that
    found = [flags_of(c, fd), flags_of(c, again)]
    must(c, c.fcntl(fd, c.F_SETFL, 0))
    return [*found, flags_of(c, fd)]


@case(
    "socket/tcp/across-exec",
    "a descriptor is there after exec, unless SOCK_CLOEXEC or FD_CLOEXEC closes it",
    descriptor("POSIX.1 exec; socket(2)", observed=[True, False, False]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[bool]:
    fds = [TCP.socket(c), TCP.socket(c, c.SOCK_CLOEXEC), TCP.socket(c)]
    must(c, c.fcntl(fds[2], c.F_SETFD, c.FD_CLOEXEC))
    for fd in fds:
        c.fcntl(fd, c.F_GETFD, 0)
    found = []
    for fd in fds:
        child = os.spawnv(os.P_NOWAIT, "/bin/sh", ["sh", "-c", f"test -e /proc/self/fd/{fd}"])
        found.append(os.waitpid(child, 0)[1] == 0)
    return found

"""IPv6 sockets and IPv4: IPV6_V6ONLY, v4-mapped addresses, and addresses of the wrong family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, descriptor, error, success
from pysock_raw.conformance.cases.other_addresses import SENDING, WITH_AN_ADDRESS
from pysock_raw.conformance.kinds import (
    TCP,
    TCP6,
    UDP,
    UDP6,
    Address,
    Kind,
    answer,
    bound,
    inet,
    inet6,
    listener,
    must,
    name_of,
    option,
    peer_of,
    set_option,
    wait_readable,
)

PORT = 8080  # in a network namespace of the case's own


def host(c: Backend, address: Address) -> str:
    """The host of an IPv6 address as text."""
    text = bytearray(46)
    c.inet_ntop(c.AF_INET6, address[0].sin6_addr, text, 46)
    return text.rstrip(b"\0").decode()


def port(c: Backend, address: Address) -> int:
    return c.ntohs(getattr(address[0], "sin_port", None) or address[0].sin6_port)


def _only(c: Backend, fd: int, value: int = 1) -> int:
    return set_option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, value)


def _v6only(c: Backend, kind: Kind) -> int:
    fd = kind.socket(c)
    must(c, _only(c, fd))
    return fd


# --- the option ---


@case(
    "getsockopt/tcp6/v6only-by-default",
    "whether a new socket is v6-only is net.ipv6.bindv6only of its namespace, 0 where nobody set it",
    success("ipv6(7) IPV6_V6ONLY; ip-sysctl bindv6only", observed=[0, 0, 1, 1]),
    needs=["linux", "ipv6", "netns"],
)
def _(c: Backend, box: Box) -> list[int]:
    machine.network()
    found = []
    for value in ("0", "1"):
        machine.setting("ipv6/bindv6only", value)
        found += [option(c, kind.socket(c), c.IPPROTO_IPV6, c.IPV6_V6ONLY) for kind in (TCP6, UDP6)]
    return found


def _settable(kind: Kind) -> None:
    @case(
        f"setsockopt/{kind.name}/v6only-set-and-cleared",
        "before bind v6-only can be set and cleared, and anything but 0 reads back as 1",
        success("ipv6(7) IPV6_V6ONLY", observed=[1, 0, 1]),
        needs=["ipv6"],
    )
    def _(c: Backend, box: Box) -> list[int]:
        fd, found = kind.socket(c), []
        for value in (1, 0, -7):
            _only(c, fd, value)
            found.append(option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY))
        return found

    @case(
        f"setsockopt/{kind.name}/v6only-after-bind",
        "after bind it is too late",
        error("EINVAL", "an experiment: do_ipv6_setsockopt in net/ipv6/ipv6_sockglue.c wants no port yet"),
        needs=["ipv6", "linux"],
    )
    def _(c: Backend, box: Box) -> None:
        fd, _ = bound(c, kind)
        _only(c, fd)


for _kind in (TCP6, UDP6):
    _settable(_kind)


@case("setsockopt/tcp/v6only-of-ipv4", "an IPv4 socket has no such option", error("ENOPROTOOPT", "setsockopt(2)"))
def _(c: Backend, box: Box) -> None:
    _only(c, TCP.socket(c))


# --- both families on one socket ---


@case(
    "accept/tcp6/v4-client-of-the-wildcard",
    "a listener on :: takes IPv4 clients: both names are v4-mapped addresses of AF_INET6",
    descriptor("RFC 3493, 3.7; ipv6(7)", observed=["::ffff:127.0.0.1", "::ffff:127.0.0.1", 28, "AF_INET6"]),
    needs=["ipv6", "linux", "netns"],
)
def _(c: Backend, box: Box) -> list[object]:
    machine.network()
    server, peer, length = TCP6.socket(c), c.sockaddr_in6(), c.socklen_t(28)
    must(c, _only(c, server, 0))
    must(c, c.bind(server, *inet6(c, "::", PORT)))
    must(c, c.listen(server, 5))
    must(c, c.connect(TCP.socket(c), *inet(c, c.INADDR_LOOPBACK, PORT)))
    theirs = c.accept(server, peer, length)
    domain = option(c, theirs, c.SOL_SOCKET, c.SO_DOMAIN)
    names = [host(c, (peer, 28)), host(c, name_of(c, theirs, TCP6))]
    return [*names, length.value, "AF_INET6" if domain == c.AF_INET6 else domain]


#: Where a listener is, and which of three clients reach it: to 127.0.0.1, to ::1 and to ::ffff:127.0.0.1.
REACH: list[tuple[str, Kind, Callable[[Backend], Address], int, str, list[int | str]]] = [
    ("v4-wildcard", TCP, lambda c: inet(c, c.INADDR_ANY, PORT), 0, "0.0.0.0", [0, "ECONNREFUSED", 0]),
    ("v6-wildcard", TCP6, lambda c: inet6(c, "::", PORT), 0, ":: that is not v6-only", [0, 0, 0]),
    ("v6only-wildcard", TCP6, lambda c: inet6(c, "::", PORT), 1, ":: that is v6-only",
     ["ECONNREFUSED", 0, "ECONNREFUSED"]),
    ("v6-loopback", TCP6, lambda c: inet6(c, "::1", PORT), 0, "::1", ["ECONNREFUSED", 0, "ECONNREFUSED"]),
    ("mapped-loopback", TCP6, lambda c: inet6(c, "::ffff:127.0.0.1", PORT), 0, "::ffff:127.0.0.1",
     [0, "ECONNREFUSED", 0]),
    ("mapped-wildcard", TCP6, lambda c: inet6(c, "::ffff:0.0.0.0", PORT), 0, "::ffff:0.0.0.0",
     [0, "ECONNREFUSED", 0]),
]  # fmt: skip


def _reach(
    id: str, kind: Kind, place: Callable[[Backend], Address], only: int, where: str, reached: list[int | str]
) -> None:
    last: Outcome = (
        success("RFC 3493, 3.7; ipv6(7)", observed=reached)
        if reached[-1] == 0
        else error("ECONNREFUSED", "RFC 3493, 5.3; ipv6(7)", observed=reached)
    )

    @case(
        f"connect/tcp6/reaching-the-{id}",
        f"which clients reach a listener on {where}: to 127.0.0.1, to ::1, to ::ffff:127.0.0.1",
        last,
        needs=["ipv6", "linux", "netns"],
    )
    def _(c: Backend, box: Box) -> list[int | str]:
        machine.network()
        server = kind.socket(c)
        if kind is TCP6:
            must(c, _only(c, server, only))
        must(c, c.bind(server, *place(c)))
        must(c, c.listen(server, 5))
        return [
            answer(c, c.connect(TCP.socket(c), *inet(c, c.INADDR_LOOPBACK, PORT))),
            answer(c, c.connect(TCP6.socket(c), *inet6(c, "::1", PORT))),
            answer(c, c.connect(TCP6.socket(c), *inet6(c, "::ffff:127.0.0.1", PORT))),
        ]


for _row in REACH:
    _reach(*_row)


def _mapped_target(kind: Kind, server_kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/dual-stack-v4-mapped",
        "an IPv6 socket reaches an IPv4 server by its v4-mapped address, and has such a name itself",
        success("RFC 3493, 3.7; ipv6(7)", observed=["::ffff:127.0.0.1", "::ffff:127.0.0.1", True, 28]),
        needs=["ipv6"],
    )
    def _(c: Backend, box: Box) -> list[object]:
        _, address = (listener if kind is TCP6 else bound)(c, server_kind)
        fd = kind.socket(c)
        must(c, _only(c, fd, 0))
        c.connect(fd, *inet6(c, "::ffff:127.0.0.1", port(c, address)))
        peer, name = peer_of(c, fd, kind), name_of(c, fd, kind)
        return [host(c, peer), host(c, name), port(c, peer) == port(c, address), peer[1]]

    @case(
        f"connect/{kind.name}/dual-stack-v4-mapped-from-v6only",
        "a v6-only socket cannot reach IPv4",
        error("ENETUNREACH", "an experiment: tcp_v6_connect and __ip6_datagram_connect; ipv6(7)"),
        needs=["ipv6", "linux"],
    )
    def _(c: Backend, box: Box) -> None:
        c.connect(_v6only(c, kind), *inet6(c, "::ffff:127.0.0.1", 9))

    @case(
        f"bind/{kind.name}/dual-stack-v4-mapped-of-v6only",
        "a v6-only socket cannot have an IPv4 address",
        error("EINVAL", "an experiment: __inet6_bind in net/ipv6/af_inet6.c; ipv6(7)"),
        needs=["ipv6", "linux"],
    )
    def _(c: Backend, box: Box) -> None:
        c.bind(_v6only(c, kind), *inet6(c, "::ffff:127.0.0.1", 0))

    @case(
        f"bind/{kind.name}/dual-stack-v4-mapped",
        "an IPv6 socket can have an IPv4 address, and has it as a v4-mapped one",
        success("RFC 3493, 3.7; ipv6(7)", observed=["::ffff:127.0.0.1", True]),
        needs=["ipv6"],
    )
    def _(c: Backend, box: Box) -> list[object]:
        fd = kind.socket(c)
        must(c, _only(c, fd, 0))
        c.bind(fd, *inet6(c, "::ffff:127.0.0.1", 0))
        name = name_of(c, fd, kind)
        return [host(c, name), port(c, name) != 0]

    @case(
        f"bind/{kind.name}/dual-stack-v4-mapped-not-local",
        "a v4-mapped address that no interface has",
        error("EADDRNOTAVAIL", "POSIX.1 bind; RFC 5737: 192.0.2.1 is for documentation"),
        needs=["ipv6"],
    )
    def _(c: Backend, box: Box) -> None:
        fd = kind.socket(c)
        must(c, _only(c, fd, 0))
        c.bind(fd, *inet6(c, "::ffff:192.0.2.1", 0))

    @case(
        f"connect/{kind.name}/dual-stack-wildcard",
        "connecting to :: means ::1, and to ::ffff:0.0.0.0 it means 127.0.0.1",
        success(
            "an experiment: tcp_v6_connect and __ip6_datagram_connect take a wildcard for loopback",
            observed=["::1", "::ffff:127.0.0.1"],
        ),
        needs=["ipv6", "linux", "netns"],
    )
    def _(c: Backend, box: Box) -> list[str]:
        machine.network()
        server = kind.socket(c)
        must(c, c.bind(server, *inet6(c, "::", PORT)))
        if kind is TCP6:
            must(c, c.listen(server, 5))
        reached = []
        for target in ("::", "::ffff:0.0.0.0"):
            fd = kind.socket(c)
            c.connect(fd, *inet6(c, target, PORT))
            reached.append(host(c, peer_of(c, fd, kind)))
        return reached


_mapped_target(TCP6, TCP)
_mapped_target(UDP6, UDP)


# --- datagrams ---


@case(
    "recvfrom/udp6/from-v4",
    "a datagram of IPv4 has a v4-mapped sender on an IPv6 socket, and the answer to it arrives",
    success("RFC 3493, 3.7; ipv6(7)", result=4, observed=["::ffff:127.0.0.1", True, "back"]),
    needs=["ipv6", "linux", "netns"],
)
def _(c: Backend, box: Box) -> list[object]:
    machine.network()
    server, text = UDP6.socket(c), bytearray(4)
    must(c, c.bind(server, *inet6(c, "::", PORT)))
    fd, name = bound(c, UDP)
    must(c, c.sendto(fd, b"ping", 4, 0, *inet(c, c.INADDR_LOOPBACK, PORT)))
    sender, length = c.sockaddr_in6(), c.socklen_t(28)
    c.recvfrom(server, text, 4, 0, sender, length)
    must(c, c.sendto(server, b"back", 4, 0, sender, length.value))
    must(c, c.recv(fd, text, 4, 0))
    return [host(c, (sender, 28)), port(c, (sender, 28)) == port(c, name), text.decode()]


#: id, what it shows, v6-only or not, the target, the outcome of a sending call from an IPv6 datagram socket
TARGETS: list[tuple[str, str, int, Callable[[Backend, int], Address], Outcome]] = [
    ("v4-mapped", "a v4-mapped address is reached over IPv4", 0, lambda c, to: inet6(c, "::ffff:127.0.0.1", to),
     success("RFC 3493, 3.7; ipv6(7)", result=1, observed=1)),
    ("v4-mapped-from-v6only", "a v6-only socket does not send over IPv4", 1,
     lambda c, to: inet6(c, "::ffff:127.0.0.1", to),
     error("ENETUNREACH", "an experiment: udpv6_sendmsg in net/ipv6/udp.c", observed="EAGAIN")),
    ("v4-address", "Linux takes an IPv4 address as it is", 0, lambda c, to: inet(c, c.INADDR_LOOPBACK, to),
     success("an experiment: udpv6_sendmsg in net/ipv6/udp.c", result=1, observed=1)),
    ("v4-address-from-v6only", "a v6-only socket does not send over IPv4", 1,
     lambda c, to: inet(c, c.INADDR_LOOPBACK, to),
     error("ENETUNREACH", "an experiment: udpv6_sendmsg in net/ipv6/udp.c", observed="EAGAIN")),
]  # fmt: skip


def _target(
    call: str, id: str, shows: str, only: int, target: Callable[[Backend, int], Address], outcome: Outcome
) -> None:
    @case(f"{call}/udp6/{id}", shows, outcome, needs=["ipv6", "linux"])
    def _(c: Backend, box: Box) -> int | str:
        server, address = bound(c, UDP)
        fd = UDP6.socket(c)
        must(c, _only(c, fd, only))
        WITH_AN_ADDRESS[call](c, fd, target(c, port(c, address)))
        return answer(c, c.recv(server, bytearray(1), 1, c.MSG_DONTWAIT))


for _call in SENDING:
    for _target_row in TARGETS:
        _target(_call, *_target_row)


@case(
    "connect/udp6/dual-stack-v4-address",
    "an IPv6 datagram socket takes an IPv4 address, and has a v4-mapped peer",
    success("an experiment: __ip6_datagram_connect in net/ipv6/datagram.c", observed="::ffff:127.0.0.1"),
    needs=["ipv6", "linux"],
)
def _(c: Backend, box: Box) -> str:
    _, address = bound(c, UDP)
    fd = UDP6.socket(c)
    must(c, _only(c, fd, 0))
    c.connect(fd, *address)
    return host(c, peer_of(c, fd, UDP6))


@case(
    "connect/udp6/v4-address-from-v6only",
    "a v6-only datagram socket takes none",
    error("EAFNOSUPPORT", "an experiment: __ip6_datagram_connect in net/ipv6/datagram.c"),
    needs=["ipv6", "linux"],
)
def _(c: Backend, box: Box) -> None:
    _, address = bound(c, UDP)
    c.connect(_v6only(c, UDP6), *address)


@case(
    "send/udp6/connected-to-v4-mapped",
    "what a socket sends to its v4-mapped peer arrives over IPv4, from an IPv4 address",
    success("RFC 3493, 3.7; ipv6(7)", result=4, observed=["127.0.0.1", True]),
    needs=["ipv6"],
)
def _(c: Backend, box: Box) -> list[object]:
    server, address = bound(c, UDP)
    fd, sender, text = UDP6.socket(c), c.sockaddr_in(), bytearray(16)
    must(c, _only(c, fd, 0))
    must(c, c.connect(fd, *inet6(c, "::ffff:127.0.0.1", port(c, address))))
    c.send(fd, b"ping", 4, 0)
    must(c, c.recvfrom(server, bytearray(4), 4, 0, sender, c.socklen_t(16)))
    c.inet_ntop(c.AF_INET, sender.sin_addr, text, 16)
    return [text.rstrip(b"\0").decode(), port(c, (sender, 16)) == port(c, name_of(c, fd, UDP6))]


# --- addresses of another family ---


def _padded(c: Backend, family: str) -> Address:
    """An address of the right length for IPv6 whose family is another one."""
    address, length = inet6(c, "::1", 9)
    address.sin6_family = getattr(c, family)
    return address, length


#: call, id, the socket, the address, errno, source
MISMATCHES: list[tuple[str, str, Kind, Callable[[Backend], Address], str, str]] = [
    ("connect", "udp/v6-address", UDP, lambda c: inet6(c, "::1", 9), "EAFNOSUPPORT", "POSIX.1 connect"),
    ("connect", "udp/v4-mapped", UDP, lambda c: inet6(c, "::ffff:127.0.0.1", 9), "EAFNOSUPPORT", "POSIX.1 connect"),
    ("connect", "tcp/v4-mapped", TCP, lambda c: inet6(c, "::ffff:127.0.0.1", 9), "EAFNOSUPPORT", "POSIX.1 connect"),
    ("connect", "tcp6/v4-address", TCP6, lambda c: inet(c, c.INADDR_LOOPBACK, 9), "EINVAL",
     "an experiment: tcp_v6_connect looks at the length first"),
    ("connect", "tcp6/long-v4-address", TCP6, lambda c: _padded(c, "AF_INET"), "EAFNOSUPPORT", "POSIX.1 connect"),
    ("connect", "tcp6/local-address", TCP6, lambda c: _padded(c, "AF_UNIX"), "EAFNOSUPPORT", "POSIX.1 connect"),
    ("connect", "udp6/local-address", UDP6, lambda c: _padded(c, "AF_UNIX"), "EAFNOSUPPORT", "POSIX.1 connect"),
    ("bind", "udp/v4-mapped", UDP, lambda c: inet6(c, "::ffff:127.0.0.1", 0), "EAFNOSUPPORT", "POSIX.1 bind"),
    ("bind", "udp6/v4-address", UDP6, lambda c: inet(c, c.INADDR_LOOPBACK, 0), "EINVAL",
     "an experiment: inet6_bind_sk looks at the length first"),
    ("bind", "tcp6/long-v4-address", TCP6, lambda c: _padded(c, "AF_INET"), "EAFNOSUPPORT", "POSIX.1 bind"),
    ("bind", "tcp6/unspecified-family", TCP6, lambda c: _padded(c, "AF_UNSPEC"), "EAFNOSUPPORT", "POSIX.1 bind"),
]  # fmt: skip


def _mismatch(call: str, id: str, kind: Kind, address: Callable[[Backend], Address], errno: str, source: str) -> None:
    @case(
        f"{call}/{id}",
        f"{call} of {'an IPv6' if kind.family == 'AF_INET6' else 'an IPv4'} socket with an address of another family",
        error(errno, source),
        needs=["ipv6", "linux"],
    )
    def _(c: Backend, box: Box) -> None:
        getattr(c, call)(kind.socket(c), *address(c))


for _arguments in MISMATCHES:
    _mismatch(*_arguments)


# --- one port, a socket for each family ---


@case(
    "listen/tcp6/beside-v4",
    "a v6-only listener and an IPv4 one share a port, and each gets the clients of its family",
    success("RFC 3493, 5.3; ipv6(7)", observed=[["127.0.0.1", 16], ["::1", 28]]),
    needs=["ipv6", "linux", "netns"],
)
def _(c: Backend, box: Box) -> list[list[Any]]:
    machine.network()
    four, six = TCP.socket(c), _v6only(c, TCP6)
    must(c, c.bind(four, *inet(c, c.INADDR_ANY, PORT)))
    must(c, c.bind(six, *inet6(c, "::", PORT)))
    for fd in (four, six):
        c.listen(fd, 5)
    must(c, c.connect(TCP6.socket(c), *inet6(c, "::1", PORT)))
    must(c, c.connect(TCP.socket(c), *inet(c, c.INADDR_LOOPBACK, PORT)))
    found: list[list[Any]] = []
    for fd, peer, member, family in (
        (four, c.sockaddr_in(), "sin_addr", c.AF_INET),
        (six, c.sockaddr_in6(), "sin6_addr", c.AF_INET6),
    ):
        length, text = c.socklen_t(c.sizeof(peer)), bytearray(46)
        wait_readable(c, fd)
        must(c, c.accept(fd, peer, length))
        c.inet_ntop(family, getattr(peer, member), text, 46)
        found.append([text.rstrip(b"\0").decode(), length.value])
    return found

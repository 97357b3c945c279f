"""Who may have an address beside whom: SO_REUSEADDR, SO_REUSEPORT, wildcards, IPv4 beside IPv6, TIME_WAIT.

A table has a row for each first socket and a column for each second one; "+" says that the second bind works, "-"
that the address is in use (any other answer would stand there by its name)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    TCP,
    TCP6,
    UDP,
    UDP6,
    Address,
    Kind,
    answer,
    bound,
    client,
    inet,
    inet6,
    must,
    name_of,
    set_option,
)

#: The four combinations of the two options, in the order of rows and columns.
OPTIONS: tuple[tuple[str, ...], ...] = ((), ("SO_REUSEADDR",), ("SO_REUSEPORT",), ("SO_REUSEADDR", "SO_REUSEPORT"))

Table = dict[str, str]
Before = Callable[[Backend, Kind, tuple[str, ...]], Address]

BOTH_ALIKE = {"none": "----", "address": "-+-+", "port": "--++", "both": "-+++"}
ONLY_PORTS = {"none": "----", "address": "----", "port": "--++", "both": "--++"}


def _with(c: Backend, kind: Kind, options: tuple[str, ...]) -> int:
    fd = kind.socket(c)
    for name in options:
        must(c, set_option(c, fd, c.SOL_SOCKET, getattr(c, name), 1))
    return fd


def _own_port(c: Backend, kind: Kind) -> Address:
    """An address with a port that nobody has. Asked for port 0, a socket with these options may be given a port that
    another socket with them has already; one without them is not."""
    fd, address = bound(c, kind)
    must(c, c.close(fd))
    return address


def _bound(c: Backend, kind: Kind, options: tuple[str, ...]) -> Address:
    fd, address = _with(c, kind, options), _own_port(c, kind)
    must(c, c.bind(fd, *address))
    return address


def _listening(c: Backend, kind: Kind, options: tuple[str, ...]) -> Address:
    fd, address = _with(c, kind, options), _own_port(c, kind)
    must(c, c.bind(fd, *address))
    must(c, c.listen(fd, 5))
    return address


def _in_time_wait(c: Backend, kind: Kind, options: tuple[str, ...]) -> Address:
    """The address of a server that has closed its connection first, and itself."""
    fd, address = _with(c, kind, options), _own_port(c, kind)
    must(c, c.bind(fd, *address))
    must(c, c.listen(fd, 5))
    ours = client(c, kind, address)
    theirs = must(c, c.accept(fd, None, None))
    must(c, c.shutdown(theirs, c.SHUT_WR))
    must(c, c.recv(ours, bytearray(1), 1, 0))
    for descriptor in (ours, theirs, fd):
        must(c, c.close(descriptor))
    return address


def _fits(c: Backend, result: int) -> str:
    said = answer(c, result)
    return {0: "+", "EADDRINUSE": "-"}.get(said, str(said))


def _matrix(kind: Kind, state: str, before: Before, table: Table, shows: str, source: str) -> None:
    @case(
        f"bind/{kind.name}/reuse-beside-{state}",
        shows,
        success(source, observed=table),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> Table:
        found = {}
        for name, first in zip(table, OPTIONS, strict=True):
            row = ""
            for second in OPTIONS:
                address = before(c, kind, first)
                row += _fits(c, c.bind(_with(c, kind, second), *address))
            found[name] = row
        return found


_SOURCE = "socket(7) SO_REUSEADDR, SO_REUSEPORT; an experiment: "
for _kind in (TCP, TCP6):
    _matrix(_kind, "bound", _bound, BOTH_ALIKE, "two streams that do not listen share an address if both have the same "
            "option", _SOURCE + "inet_bind_conflict in net/ipv4/inet_connection_sock.c")  # fmt: skip
    _matrix(_kind, "listening", _listening, ONLY_PORTS, "beside a listener only SO_REUSEPORT on both helps",
            _SOURCE + "inet_bind_conflict in net/ipv4/inet_connection_sock.c")  # fmt: skip
    _matrix(_kind, "time-wait", _in_time_wait, BOTH_ALIKE, "TIME_WAIT keeps its server's options: the next server "
            "needs one that the last had too", _SOURCE + "inet_twsk_alloc in inet_timewait_sock.c")  # fmt: skip
for _kind in (UDP, UDP6):
    _matrix(_kind, "bound", _bound, BOTH_ALIKE, "two datagram sockets share an address if both have the same option",
            _SOURCE + "inet_rcv_saddr_equal and udp_lib_lport_inuse in net/ipv4/udp.c")  # fmt: skip


# --- which addresses overlap ---

PORT = 8080  # in a network namespace of the case's own

#: What a socket can be bound to on one host, and what of the whole that is.
PLACES: dict[str, tuple[Callable[[Backend], Address], bool]] = {
    "0.0.0.0": (lambda c: inet(c, c.INADDR_ANY, PORT), False),
    "127.0.0.1": (lambda c: inet(c, c.INADDR_LOOPBACK, PORT), False),
    "127.0.0.2": (lambda c: inet(c, c.INADDR_LOOPBACK + 1, PORT), False),
    "::": (lambda c: inet6(c, "::", PORT), False),
    ":: v6only": (lambda c: inet6(c, "::", PORT), True),
    "::1": (lambda c: inet6(c, "::1", PORT), False),
    "::ffff:0.0.0.0": (lambda c: inet6(c, "::ffff:0.0.0.0", PORT), False),
    "::ffff:127.0.0.1": (lambda c: inet6(c, "::ffff:127.0.0.1", PORT), False),
}

#: A column for each of PLACES, in its order.
OVERLAPS: Table = {
    "0.0.0.0": "----++--",
    "127.0.0.1": "--+-++--",
    "127.0.0.2": "-+--++-+",
    "::": "--------",
    ":: v6only": "+++---++",
    "::1": "+++---++",
    "::ffff:0.0.0.0": "----++--",
    "::ffff:127.0.0.1": "--+-++--",
}


def _placed(c: Backend, kinds: tuple[Kind, Kind], place: str, options: tuple[str, ...] = ()) -> tuple[int, int]:
    """A socket of one of the kinds (IPv4, IPv6) that was bound to a place; it and what bind said."""
    address, only = PLACES[place]
    kind = kinds[address(c)[0]._fields_[0][0].startswith("sin6")]
    fd = _with(c, kind, options)
    if kind.family == "AF_INET6":
        must(c, set_option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, only))
    return fd, c.bind(fd, *address(c))


def _overlaps(kinds: tuple[Kind, Kind], variant: str, options: tuple[str, ...], listen: bool, shows: str) -> None:
    @case(
        f"bind/{kinds[0].name}/{variant}",
        shows,
        success("ipv6(7) IPV6_V6ONLY; RFC 3493; an experiment: ipv6_rcv_saddr_equal", observed=OVERLAPS),
        needs=["linux", "ipv6", "netns"],
    )
    def _(c: Backend, box: Box) -> Table:
        machine.network()
        found = {}
        for first in PLACES:
            row = ""
            one, said = _placed(c, kinds, first, options)
            must(c, said)
            if listen:
                must(c, c.listen(one, 1))
            for second in PLACES:
                two, said = _placed(c, kinds, second, options)
                row += _fits(c, said)
                must(c, c.close(two))
            must(c, c.close(one))
            found[first] = row
        # The last bind of the tables fails; the case is about them all.
        must(c, c.bind(kinds[0].socket(c), *inet(c, c.INADDR_LOOPBACK, PORT)))
        return found


_overlaps((TCP, TCP6), "overlapping-addresses", (), False,
          "a wildcard overlaps its whole family, and one that is not v6-only IPv4 too")  # fmt: skip
_overlaps((TCP, TCP6), "overlapping-addresses-of-a-listener", ("SO_REUSEADDR",), True,
          "beside a listener the same addresses overlap, in spite of SO_REUSEADDR")  # fmt: skip
_overlaps((UDP, UDP6), "overlapping-addresses", (), False,
          "datagram sockets overlap where streams do")  # fmt: skip


def _wildcard_beside(kind: Kind, wildcard_first: bool, shows: str) -> None:
    @case(
        f"bind/{kind.name}/reuse-address-{'after' if wildcard_first else 'before'}-the-wildcard",
        shows,
        success("socket(7) SO_REUSEADDR", observed=None),
        needs=["linux", "netns"],
    )
    def _(c: Backend, box: Box) -> None:
        machine.network()
        hosts = [c.INADDR_ANY, c.INADDR_LOOPBACK]
        for host in hosts if wildcard_first else reversed(hosts):
            c.bind(_with(c, kind, ("SO_REUSEADDR",)), *inet(c, host, PORT))


for _kind in (TCP, UDP):
    _wildcard_beside(_kind, True, "with SO_REUSEADDR on both a wildcard and one of its addresses go together")
    _wildcard_beside(_kind, False, "with SO_REUSEADDR on both an address and its wildcard go together")


@case(
    "bind/udp/port-of-tcp",
    "the ports of TCP and UDP have nothing to do with each other",
    success("ip(7): the port spaces are separate; RFC 768", observed=True),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> bool:
    machine.network()
    must(c, c.bind(TCP.socket(c), *inet(c, c.INADDR_LOOPBACK, PORT)))
    return c.bind(UDP.socket(c), *inet(c, c.INADDR_LOOPBACK, PORT)) == 0


# --- what the options do besides ---


@case(
    "listen/tcp/second-of-a-shared-address",
    "two streams may be bound to one address with SO_REUSEADDR, and one of them may listen",
    error("EADDRINUSE", "POSIX.1 listen; listen(2)", observed=[0, 0, 0, "EADDRINUSE"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    one, two = (_with(c, TCP, ("SO_REUSEADDR",)) for _ in range(2))
    said = [answer(c, c.bind(one, *TCP.address(c)))]
    said.append(answer(c, c.bind(two, *name_of(c, one, TCP))))
    return [*said, *(answer(c, c.listen(fd, 5)) for fd in (one, two))]


@case(
    "listen/tcp/both-with-reuse-port",
    "with SO_REUSEPORT both listen; when one of them closes, the other gets every client",
    success("socket(7) SO_REUSEPORT", observed=["reached"] * 4),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[str]:
    one, two = (_with(c, TCP, ("SO_REUSEPORT",)) for _ in range(2))
    must(c, c.bind(one, *TCP.address(c)))
    address = name_of(c, one, TCP)
    must(c, c.bind(two, *address))
    for fd in (one, two):
        c.listen(fd, 5)
    must(c, c.close(two))
    reached = []
    for _ in range(4):
        client(c, TCP, address)
        must(c, c.accept(one, None, None))
        reached.append("reached")
    return reached


def _set_late(name: str, kind: Kind) -> None:
    @case(
        f"setsockopt/{kind.name}/{name.lower().replace('_', '-')}-after-bind",
        "what counts is whether the first socket has the option when the second binds, not when it bound itself",
        success("an experiment: sk_reuse and sk_reuseport are read by each bind", observed=[-1, 0]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[int]:
        one, two = kind.socket(c), _with(c, kind, (name,))
        must(c, c.bind(one, *kind.address(c)))
        address = name_of(c, one, kind)
        before = c.bind(two, *address)
        must(c, set_option(c, one, c.SOL_SOCKET, getattr(c, name), 1))
        return [before, c.bind(two, *address)]


_set_late("SO_REUSEADDR", TCP)
_set_late("SO_REUSEADDR", UDP)
_set_late("SO_REUSEPORT", UDP)


@case(
    "bind/local/reuse-address",
    "SO_REUSEADDR does not give a local socket a path that exists",
    error("EADDRINUSE", "unix(7)"),
)
def _(c: Backend, box: Box) -> None:
    address = LOCAL.address(c)
    for _ in range(2):
        c.bind(_with(c, LOCAL, ("SO_REUSEADDR",)), *address)


@case(
    "setsockopt/local/reuse-port",
    "a local socket has no port to share",
    error("EOPNOTSUPP", "an experiment: sk_setsockopt in net/core/sock.c from Linux 6.13"),
    success("Linux before 6.13, without an effect"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    set_option(c, LOCAL.socket(c), c.SOL_SOCKET, c.SO_REUSEPORT, 1)


def _heard(c: Backend, fds: list[int]) -> list[Any]:
    return [answer(c, c.recv(fd, bytearray(4), 4, c.MSG_DONTWAIT)) for fd in fds]


@case(
    "recv/udp/last-bound-of-a-shared-address",
    "of two datagram sockets that share an address by SO_REUSEADDR, the last one that was bound gets everything",
    error("EAGAIN", "an experiment: __udp4_lib_lookup takes the first of the hash chain", observed=[4, "EAGAIN"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[Any]:
    one, two = (_with(c, UDP, ("SO_REUSEADDR",)) for _ in range(2))
    must(c, c.bind(one, *UDP.address(c)))
    address = name_of(c, one, UDP)
    must(c, c.bind(two, *address))
    must(c, c.sendto(UDP.socket(c), b"last", 4, 0, *address))
    return _heard(c, [two, one])


@case(
    "recv/udp/address-before-wildcard",
    "the socket that is bound to the address itself gets the datagram, not the wildcard",
    error("EAGAIN", "an experiment: compute_score in net/ipv4/udp.c", observed=[4, "EAGAIN"]),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> list[Any]:
    machine.network()
    one, two = (_with(c, UDP, ("SO_REUSEADDR",)) for _ in range(2))
    must(c, c.bind(one, *inet(c, c.INADDR_LOOPBACK, PORT)))
    must(c, c.bind(two, *inet(c, c.INADDR_ANY, PORT)))
    must(c, c.sendto(UDP.socket(c), b"mine", 4, 0, *inet(c, c.INADDR_LOOPBACK, PORT)))
    return _heard(c, [one, two])


@case(
    "recv/udp/connected-before-unconnected",
    "the socket that is connected to the sender gets the datagram, not the one that is only bound",
    error("EAGAIN", "an experiment: compute_score in net/ipv4/udp.c", observed=[4, "EAGAIN"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[Any]:
    sender, one, two = (_with(c, UDP, ("SO_REUSEADDR",)) for _ in range(3))
    for fd in (sender, one):
        must(c, c.bind(fd, *UDP.address(c)))
    address = name_of(c, one, UDP)
    must(c, c.connect(one, *name_of(c, sender, UDP)))
    must(c, c.bind(two, *address))
    must(c, c.sendto(sender, b"mine", 4, 0, *address))
    return _heard(c, [one, two])


@case(
    "recv/udp/broadcast-to-all",
    "a broadcast reaches every socket that shares the port",
    success("ip(7); an experiment: __udp4_lib_mcast_deliver", result=4, observed=[4, 4]),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> list[Any]:
    machine.network()
    fds = [_with(c, UDP, ("SO_REUSEADDR",)) for _ in range(2)]
    for fd in fds:
        must(c, c.bind(fd, *inet(c, c.INADDR_ANY, PORT)))
    sender = _with(c, UDP, ("SO_BROADCAST",))
    must(c, c.sendto(sender, b"all!", 4, 0, *inet(c, 0x7FFFFFFF, PORT)))
    return _heard(c, fds)

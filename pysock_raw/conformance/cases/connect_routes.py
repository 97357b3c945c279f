"""Routes, local policy, and which port it leaves from."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.firewall import connecting_forbidden
from pysock_raw.conformance.kinds import (
    TCP,
    TCP6,
    UDP,
    UDP6,
    Kind,
    bound,
    client,
    inet,
    inet6,
    listener,
    must,
    name_of,
    same_address,
    set_option,
)
from pysock_raw.conformance.wire import THERE
from pysock_raw.trace_values import errno_name

# --- routes and local policy ---

VETH = ("link add v0 type veth peer name v1", "addr add 192.0.2.1/24 dev v0", "link set v0 up", "link set v1 up")

#: id, what the machine says about the way to 192.0.2.2, commands of ip(8), errno, its source
ROUTES: list[tuple[str, str, tuple[str, ...], str, str]] = [
    ("no-route", "there is no route", (), "ENETUNREACH", "POSIX.1 connect"),
    ("prohibited-route", "the route is prohibited", ("route add prohibit 192.0.2.2",), "EACCES", "ip(7) EACCES"),
    ("blackhole-route", "the route is a black hole", ("route add blackhole 192.0.2.2",), "EINVAL", "ip(7) EINVAL"),
    ("unreachable-route", "the route says unreachable", ("route add unreachable 192.0.2.2",), "EHOSTUNREACH",
     "POSIX.1 connect; ip-route(8)"),
    ("interface-down", "the interface is down, which takes its routes with it", (*VETH, "link set v0 down"),
     "ENETUNREACH", "an experiment: fib_sync_down_dev; POSIX.1 may ENETDOWN"),
    ("forbidden-by-policy", "a rule of the local security policy blocks it",
     (*VETH, "xfrm policy add dir out dst 192.0.2.2 action block"), "EPERM",
     "RFC 4301 4.4.1 DISCARD, ip-xfrm(8); an experiment: xfrm_lookup_with_ifid"),
]  # fmt: skip


def _route(kind: Kind, id: str, shows: str, commands: tuple[str, ...], errno: str, source: str) -> None:
    @case(f"connect/{kind.name}/{id}", f"{shows}, so connect fails", error(errno, source), needs=["linux", "netns"])
    def _(c: Backend, box: Box) -> None:
        machine.network(*commands)
        c.connect(kind.socket(c), *inet(c, THERE, 9))


def _route6(id: str, shows: str, commands: tuple[str, ...], errno: str, source: str) -> None:
    @case(f"connect/tcp6/{id}", f"{shows}, so connect fails", error(errno, source), needs=["linux", "netns", "ipv6"])
    def _(c: Backend, box: Box) -> None:
        machine.network(*(command.replace("192.0.2.2", "2001:db8::2") for command in commands))
        c.connect(TCP6.socket(c), *inet6(c, "2001:db8::2", 9))


for _way in ROUTES:
    _route(TCP, *_way)
    _route(UDP, *_way)
for _way in ROUTES[:4]:
    _route6(*_way)


def _firewall(kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/forbidden-by-a-firewall",
        "a local firewall rule forbids to connect",
        error("EPERM", "connect(2); an experiment: BPF_CGROUP_RUN_PROG_INET4_CONNECT"),
        needs=["linux", "cgroup-bpf"],
    )
    def _(c: Backend, box: Box) -> None:
        _, address = listener(c, kind) if kind is TCP else bound(c, kind)
        with connecting_forbidden():
            c.connect(kind.socket(c), *address)


_firewall(TCP)
_firewall(UDP)


@case(
    "connect/udp/broadcast-without-permission",
    "a broadcast address wants SO_BROADCAST first",
    error("EACCES", "connect(2); ip(7) EACCES"),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> None:
    machine.network()
    c.connect(UDP.socket(c), *inet(c, 0x7FFFFFFF, 9))


@case(
    "connect/udp/broadcast-with-permission",
    "with SO_BROADCAST a socket may be connected to a broadcast address",
    success("socket(7) SO_BROADCAST"),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> None:
    machine.network()
    fd = UDP.socket(c)
    must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_BROADCAST, 1))
    c.connect(fd, *inet(c, 0x7FFFFFFF, 9))


def _link_local(kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/link-local-without-scope",
        "a link-local address means nothing without sin6_scope_id, the interface",
        error("EINVAL", "ipv6(7) sin6_scope_id; an experiment: tcp_v6_connect, __ip6_datagram_connect"),
        needs=["linux", *kind.needs],
    )
    def _(c: Backend, box: Box) -> None:
        c.connect(kind.socket(c), *inet6(c, "fe80::1", 9))


_link_local(TCP6)
_link_local(UDP6)


@case(
    "connect/packet/cannot-connect",
    "a packet socket has no connect",
    error("EOPNOTSUPP", "POSIX.1 connect (may); an experiment: sock_no_connect in packet_ops"),
    needs=["linux", "raw"],
)
def _(c: Backend, box: Box) -> None:
    fd = must(c, c.socket(c.AF_PACKET, c.SOCK_DGRAM, 0))
    address = c.sockaddr_storage(ss_family=c.AF_PACKET)  # sockaddr_ll has 20 bytes (packet(7))
    c.connect(fd, address, 20)


# --- ports ---


def _one_port(kind: Kind, errno: str, source: str) -> None:
    @case(
        f"connect/{kind.name}/ports-exhausted",
        "the range of ports has one, and a connection to the same server has it",
        error(errno, source),
        needs=["linux", "netns"],
    )
    def _(c: Backend, box: Box) -> None:
        machine.network()
        machine.setting("ipv4/ip_local_port_range", "40000 40000")
        fd = kind.socket(c)
        must(c, c.bind(fd, *inet(c, c.INADDR_LOOPBACK, 9)))
        if kind is TCP:
            must(c, c.listen(fd, 5))
        client(c, kind, inet(c, c.INADDR_LOOPBACK, 9))
        c.connect(kind.socket(c), *inet(c, c.INADDR_LOOPBACK, 9))


_one_port(TCP, "EADDRNOTAVAIL", "connect(2); POSIX.1 connect")
_one_port(UDP, "EAGAIN", "connect(2); an experiment: inet_autobind")


@case(
    "connect/tcp/one-port-two-servers",
    "one port is enough for connections to two servers: a connection is both of its ends",
    success("tcp(7); an experiment: __inet_check_established", observed=True),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> bool:
    machine.network()
    machine.setting("ipv4/ip_local_port_range", "40000 40000")
    names = []
    for port in (9, 10):
        fd = TCP.socket(c)
        must(c, c.bind(fd, *inet(c, c.INADDR_LOOPBACK, port)))
        must(c, c.listen(fd, 5))
        ours = TCP.socket(c)
        c.connect(ours, *inet(c, c.INADDR_LOOPBACK, port))
        names.append(name_of(c, ours, TCP))
    return same_address(*names)


@case(
    "connect/tcp/the-same-connection-twice",
    "two sockets bound to one address (SO_REUSEADDR) cannot both connect to one server",
    error("EADDRNOTAVAIL", "an experiment: __inet_check_established; POSIX.1 may EADDRINUSE"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    _, server = listener(c, TCP)
    one, two = TCP.socket(c), TCP.socket(c)
    for fd in (one, two):
        must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1))
    must(c, c.bind(one, *inet(c, c.INADDR_LOOPBACK, 0)))
    must(c, c.bind(two, *name_of(c, one, TCP)))
    must(c, c.connect(one, *server))
    c.connect(two, *server)


@case(
    "connect/tcp/even-ports",
    "connect picks even ports and bind odd ones, as long as there are some",
    success("an experiment: __inet_hash_connect and inet_csk_find_open_port, Linux 4.2 and later", observed=[0, 1]),
    needs=["linux", "netns"],
)
def _(c: Backend, box: Box) -> list[int]:
    machine.network()
    _, address = listener(c, TCP)
    picked = TCP.socket(c)
    c.connect(picked, *address)
    return [c.ntohs(name_of(c, fd, TCP)[0].sin_port) % 2 for fd in (picked, bound(c, TCP)[0])]


def _port_zero(kind: Kind, shows: str, outcome: Outcome) -> None:
    @case(f"connect/{kind.name}/port-0", shows, outcome, needs=["linux"])
    def _(c: Backend, box: Box) -> str:
        fd = kind.socket(c)
        c.connect(fd, *inet(c, c.INADDR_LOOPBACK, 0))
        c.getpeername(fd, c.sockaddr_in(), c.socklen_t(16))
        return errno_name(c.get_errno())


_port_zero(TCP, "nobody can listen on port 0", error("ECONNREFUSED", "an experiment", observed="ENOTCONN"))
_port_zero(
    UDP,
    "connect succeeds and has connected the socket to nobody",
    success("an experiment: __ip4_datagram_connect, inet_getname", observed="ENOTCONN"),
)

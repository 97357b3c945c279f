"""connect: to the address and port given, or to nobody."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box, when_asleep, when_waiting
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.firewall import connecting_forbidden
from pysock_raw.conformance.fuse import broken_file_system
from pysock_raw.conformance.kinds import (
    DGRAMS,
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    STREAMS,
    TCP,
    TCP6,
    UDP,
    UDP6,
    Address,
    Kind,
    bound,
    client,
    connected,
    inet,
    inet6,
    listener,
    local,
    must,
    name_of,
    option,
    peer_of,
    same_address,
    set_option,
    wait_readable,
)
from pysock_raw.conformance.scarcity import out_of_memory
from pysock_raw.conformance.wire import ACK, PARAMETER_PROBLEM, RST, SYN, THERE, UNREACHABLE, Wire

CONNECTS = (
    "The connect() system call connects the socket referred to by the file descriptor sockfd to the address "
    "specified by addr."
)
SERVER = "Server's address and port is specified in addr."
SAME_SOCKET = "Exactly same as that of server's socket creation"


def _connects(kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/to-the-address",
        "connect connects to the address in addr: getpeername reports it",
        success("POSIX.1 connect, getpeername", observed=True),
        needs=kind.needs,
        statement=CONNECTS,
    )
    def _(c: Backend, box: Box) -> bool:
        _, address = listener(c, kind) if kind in STREAMS else bound(c, kind)
        ours = kind.socket(c)
        c.connect(ours, *address)
        return same_address(peer_of(c, ours, kind), address)


for _kind in (*STREAMS, *DGRAMS):
    _connects(_kind)


@case(
    "connect/tcp/picks-own-port",
    "a client that did not bind gets a local address and a free port from connect",
    success("POSIX.1 connect; ip(7)", observed=[True, True]),
    statement=SAME_SOCKET,
)
def _(c: Backend, box: Box) -> list[bool]:
    _, address = listener(c, TCP)
    ours = TCP.socket(c)
    c.connect(ours, *address)
    name = name_of(c, ours, TCP)[0]
    return [name.sin_addr.s_addr == c.htonl(c.INADDR_LOOPBACK), name.sin_port != 0]


@case(
    "connect/tcp/to-inaddr-any",
    "connecting to INADDR_ANY means this host",
    success("ip(7); an experiment: ip_route_connect takes the wildcard for loopback", observed="127.0.0.1"),
    needs=["linux"],
    statement=SERVER,
)
def _(c: Backend, box: Box) -> str:
    _, (address, _) = listener(c, TCP)
    ours, text = TCP.socket(c), bytearray(16)
    c.connect(ours, *inet(c, c.INADDR_ANY, c.ntohs(address.sin_port)))
    c.inet_ntop(c.AF_INET, peer_of(c, ours, TCP)[0].sin_addr, text, 16)
    return text.rstrip(b"\0").decode()


def _nobody(kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/nobody-listening",
        "an address that is bound but where nobody listens: connection refused",
        error("ECONNREFUSED", "POSIX.1 connect"),
        needs=kind.needs,
        statement=CONNECTS,
    )
    def _(c: Backend, box: Box) -> None:
        _, address = bound(c, kind)
        c.connect(kind.socket(c), *address)


for _kind in STREAMS:
    _nobody(_kind)


@case(
    "connect/udp/filters",
    "a connected datagram socket sends to its peer by send, and receives from it alone",
    success("POSIX.1 connect; udp(7)", observed="from the peer"),
    statement=CONNECTS,
)
def _(c: Backend, box: Box) -> str:
    (peer, address), (stranger, _) = bound(c, UDP), bound(c, UDP)
    ours, name = bound(c, UDP)
    c.connect(ours, *address)
    must(c, c.sendto(stranger, b"a stranger", 10, 0, *name))
    must(c, c.sendto(peer, b"from the peer", 13, 0, *name))
    text = bytearray(13)
    must(c, c.recv(ours, text, 13, 0))
    return text.decode()


@case("connect/tcp/twice", "a stream is connected once", error("EISCONN", "POSIX.1 connect"), statement=CONNECTS)
def _(c: Backend, box: Box) -> None:
    _, address = listener(c, TCP)
    ours = client(c, TCP, address)
    c.connect(ours, *address)


@case(
    "connect/udp/again",
    "a datagram socket may be connected again, to another peer",
    success("POSIX.1 connect; udp(7)", observed=True),
    statement=CONNECTS,
)
def _(c: Backend, box: Box) -> bool:
    (_, one), (_, two) = bound(c, UDP), bound(c, UDP)
    ours = client(c, UDP, one)
    c.connect(ours, *two)
    return same_address(peer_of(c, ours, UDP), two)


@case(
    "connect/tcp/unspecified",
    "AF_UNSPEC dissolves a connection",
    success("connect(2); tcp(7)", observed="Transport endpoint is not connected"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    ours, _ = connected(c, TCP)
    c.connect(ours, c.sockaddr(sa_family=c.AF_UNSPEC), 16)
    c.getpeername(ours, c.sockaddr_in(), c.socklen_t(16))
    return c.strerror(c.get_errno())


@case(
    "connect/local/unspecified",
    "a local stream cannot be dissolved",
    error("EINVAL", "an experiment: unix_stream_connect in net/unix/af_unix.c wants AF_UNIX"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, LOCAL)
    c.connect(ours, c.sockaddr(sa_family=c.AF_UNSPEC), 16)


@case(
    "connect/local/other-type",
    "the path belongs to a datagram socket, and this one is a stream",
    error("EPROTOTYPE", "POSIX.1 connect"),
)
def _(c: Backend, box: Box) -> None:
    _, address = bound(c, LOCAL_DGRAM)
    c.connect(LOCAL.socket(c), *address)


@case(
    "connect/tcp/without-blocking",
    "with O_NONBLOCK connect does not wait: in progress, then writable, and SO_ERROR says how it ended",
    error("EINPROGRESS", "POSIX.1 connect; connect(2)", observed=[1, 0]),
    needs=["linux"],
    statement=CONNECTS,
)
def _(c: Backend, box: Box) -> list[int]:
    _, address = listener(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    entry = c.pollfd(fd=ours, events=c.POLLOUT)
    return [c.poll(entry, 1, -1), option(c, ours, c.SOL_SOCKET, c.SO_ERROR)]


@case(
    "connect/local/interrupted",
    "a caught signal ends a connect that waits for room in the queue, and there is no connection",
    error("EINTR", "POSIX.1 connect; signal(7)", observed="Transport endpoint is not connected"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    _, address = listener(c, LOCAL, backlog=0)
    client(c, LOCAL, address)
    ours = LOCAL.socket(c)
    box.interrupt(then=lambda: None)
    c.connect(ours, *address)
    c.getpeername(ours, c.sockaddr_un(), c.socklen_t(110))
    return c.strerror(c.get_errno())


# --- paths ---


def _write_denied(c: Backend) -> bytes:
    listener(c, LOCAL)
    os.chmod("server", 0o555)
    machine.unprivileged()
    return b"server"


def _file(c: Backend) -> bytes:
    with open("file", "w"):
        return b"file"


def _left_behind(c: Backend) -> bytes:
    server, _ = listener(c, LOCAL)
    must(c, c.close(server))
    return b"server"


def _chain(c: Backend) -> bytes:
    """One symbolic link more than path_resolution(7) allows: 40."""
    listener(c, LOCAL)
    os.symlink("server", "link0")
    for number in range(40):
        os.symlink(f"link{number}", f"link{number + 1}")
    return b"link40"


def _linked(target: str) -> Callable[[Backend], bytes]:
    def path(c: Backend) -> bytes:
        os.symlink(target, "link")
        return b"link"

    return path


#: id, what is wrong with the path, errno, its source, what makes the path
PATHS: list[tuple[str, str, str, str, Callable[[Backend], bytes]]] = [
    ("write-permission-denied", "a socket file that may not be written to", "EACCES", "POSIX.1 connect; unix(7)",
     _write_denied),
    ("no-socket-at-the-path", "a path where a regular file is", "ECONNREFUSED", "connect(2)", _file),
    ("socket-left-behind", "the file of a socket that was closed", "ECONNREFUSED", "unix(7)", _left_behind),
    ("symlink-loop", "a symbolic link to itself", "ELOOP", "POSIX.1 connect", _linked("link")),
    ("too-many-symlinks", "a chain of 41 symbolic links to a listener", "ELOOP",
     "POSIX.1 connect (may); path_resolution(7)", _chain),
    ("name-too-long", "a link to a name of 300 bytes", "ENAMETOOLONG", "POSIX.1 connect; path_resolution(7)",
     _linked("x" * 300)),
    ("prefix-no-directory", "a path below a regular file", "ENOTDIR", "POSIX.1 connect",
     lambda c: _file(c) + b"/server"),
    ("dangling-symlink", "a symbolic link to nothing", "ENOENT", "POSIX.1 connect", _linked("nothing")),
]  # fmt: skip


def _path(id: str, shows: str, errno: str, source: str, path: Callable[[Backend], bytes]) -> None:
    @case(f"connect/local/{id}", f"connecting to {shows}", error(errno, source), needs=["linux"])
    def _(c: Backend, box: Box) -> None:
        c.connect(LOCAL.socket(c), *local(c, path(c)))


for _row in PATHS:
    _path(*_row)


@case(
    "connect/local/search-denied",
    "connecting to a path through a directory that may not be searched",
    error("EACCES", "POSIX.1 connect; path_resolution(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    os.mkdir("closed")
    fd = LOCAL.socket(c)
    must(c, c.bind(fd, *local(c, b"closed/server")))
    must(c, c.listen(fd, 5))
    os.chmod("closed", 0o600)
    machine.unprivileged()
    c.connect(LOCAL.socket(c), *local(c, b"closed/server"))
    with contextlib.suppress(PermissionError):  # who was not root has to be able to remove it
        os.chmod("closed", 0o700)


@case(
    "connect/local/io-error",
    "connecting to a path in a file system that cannot read its disk",
    error("EIO", "POSIX.1 connect"),
    needs=["linux", "fuse"],
)
def _(c: Backend, box: Box) -> None:
    os.mkdir("broken")
    with broken_file_system("broken"):
        c.connect(LOCAL.socket(c), *local(c, b"broken/server"))


@case(
    "connect/local/no-kernel-memory",
    "without memory for the server's end Linux says that there is no memory, and not that there are no buffers",
    error("ENOMEM", "an experiment: unix_stream_connect in net/unix/af_unix.c; POSIX.1 may ENOBUFS"),
    needs=["linux", "memory-cgroups"],
)
def _(c: Backend, box: Box) -> None:
    _, address = listener(c, LOCAL)
    ours = LOCAL.socket(c)
    out_of_memory(lambda: c.connect(ours, *address))


@case(
    "connect/local/no-such-abstract-name",
    "an abstract name that nobody has",
    error("ECONNREFUSED", "unix(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.connect(LOCAL.socket(c), *local(c, box.abstract_name))


@case(
    "connect/path-only-descriptor",
    "a descriptor opened with O_PATH is open for nothing but its path",
    error("EBADF", "open(2) O_PATH; connect(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.connect(box.keep(os.open(".", os.O_PATH)), *inet(c, c.INADDR_LOOPBACK, 9))


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
        return c.strerror(c.get_errno())


NOT_CONNECTED = "Transport endpoint is not connected"
_port_zero(TCP, "nobody can listen on port 0", error("ECONNREFUSED", "an experiment", observed=NOT_CONNECTED))
_port_zero(
    UDP,
    "connect succeeds and has connected the socket to nobody",
    success("an experiment: __ip4_datagram_connect, inet_getname", observed=NOT_CONNECTED),
)


# --- addresses of another family, and none ---


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
    success("connect(2); an experiment: tcp_disconnect", observed="Connection reset by peer"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    server, address = listener(c, TCP)
    ours = client(c, TCP, address)
    theirs = must(c, c.accept(server, None, None))
    must(c, _unspecified(c, ours))
    c.recv(theirs, bytearray(1), 1, 0)
    said = c.strerror(c.get_errno())
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
        return c.strerror(c.get_errno())


_unspecified_dgram(UDP, "Destination address required")
_unspecified_dgram(UDP6, "Destination address required")
_unspecified_dgram(LOCAL_DGRAM, NOT_CONNECTED)


# --- refused, reset, connected already ---


@case(
    "connect/udp/nobody-listening",
    "on a datagram socket connect asks nobody: that nobody listens is known after something was sent",
    success("connect(2); udp(7)", observed=[1, -1, "Connection refused"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = bound(c, UDP)
    must(c, c.close(fd))
    ours = UDP.socket(c)
    c.connect(ours, *address)
    return [c.send(ours, b"x", 1, 0), c.recv(ours, bytearray(1), 1, 0), c.strerror(c.get_errno())]


@case(
    "connect/tcp/refused-later",
    "an asynchronous connect that was refused: poll reports it, SO_ERROR says it once, the next connect says aborted",
    error(
        "ECONNABORTED",
        "connect(2) EINPROGRESS; poll(2); an experiment: __inet_stream_connect",
        observed=["Operation now in progress", True, "Connection refused", 0],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    _, address = bound(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    said = c.strerror(c.get_errno())
    entry = c.pollfd(fd=ours, events=c.POLLOUT)
    must(c, c.poll(entry, 1, -1))
    errors = [option(c, ours, c.SOL_SOCKET, c.SO_ERROR) for _ in range(2)]
    c.connect(ours, *address)
    return [said, entry.revents == c.POLLOUT | c.POLLERR | c.POLLHUP, c.strerror(errors[0]), errors[1]]


@case(
    "connect/tcp/refused-and-received",
    "recv takes the error of an asynchronous connect as SO_ERROR does, and then there is none left",
    error("EINPROGRESS", "an experiment: tcp_recvmsg_locked, sock_error", observed=["Connection refused", 0, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    _, address = bound(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    must(c, c.poll(c.pollfd(fd=ours, events=c.POLLOUT), 1, -1))
    c.recv(ours, bytearray(1), 1, 0)
    said = c.strerror(c.get_errno())
    return [said, option(c, ours, c.SOL_SOCKET, c.SO_ERROR), c.recv(ours, bytearray(1), 1, 0)]


def _complains(id: str, shows: str, errno: str, source: str, type: int, code: int) -> None:
    @case(f"connect/tcp/{id}", shows, error(errno, source), needs=["linux", "netns", "tun"])
    def _(c: Backend, box: Box) -> None:
        wire = Wire(box)
        box.helper(lambda: wire.complain(wire.read(), type, code))
        c.connect(TCP.socket(c), *inet(c, THERE, 9))


_ICMP = "an experiment: icmp_err_convert in net/ipv4/icmp.c; RFC 1122"
_complains("router-says-no-network", "a router knows no way", "ENETUNREACH", _ICMP, UNREACHABLE, 0)
_complains("router-says-no-host", "a router does not reach the host", "EHOSTUNREACH", _ICMP, UNREACHABLE, 1)
_complains("router-says-no-protocol", "the host does not know TCP", "ENOPROTOOPT", _ICMP, UNREACHABLE, 2)
_complains("router-says-unknown-host", "a router knows no such host", "EHOSTDOWN", _ICMP, UNREACHABLE, 7)
_complains("router-says-filtered", "a router's firewall forbids it", "EHOSTUNREACH", _ICMP, UNREACHABLE, 13)
_complains("router-says-parameter-problem", "the header is said to be wrong", "EPROTO", _ICMP, PARAMETER_PROBLEM, 0)


@case(
    "connect/tcp/refused-by-the-host",
    "a reset is the answer to the request: the connection is refused, and not reset",
    error("ECONNREFUSED", "POSIX.1 connect; RFC 9293 3.10.7.3"),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> None:
    wire = Wire(box)
    box.helper(lambda: wire.answer(wire.read(), RST | ACK))
    c.connect(TCP.socket(c), *inet(c, THERE, 9))


@case(
    "connect/tcp/reset-before-it-was-told",
    "the remote host takes the request and resets it before the next connect asks how the first one ended",
    error("ECONNRESET", "POSIX.1 connect (may); an experiment: tcp_reset, __inet_stream_connect"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    theirs = must(c, c.accept(server, None, None))
    must(c, c.setsockopt(theirs, c.SOL_SOCKET, c.SO_LINGER, c.linger(l_onoff=1, l_linger=0), 8))
    must(c, c.close(theirs))
    c.connect(ours, *address)


def _twice(kind: Kind) -> None:
    @case(f"connect/{kind.name}/twice", "it is connected", error("EISCONN", "POSIX.1 connect"), needs=kind.needs)
    def _(c: Backend, box: Box) -> None:
        _, address = listener(c, kind)
        c.connect(client(c, kind, address), *address)


_twice(TCP6)
_twice(LOCAL)
_twice(LOCAL_SEQPACKET)


@case(
    "connect/tcp/listening",
    "a socket that listens has no peer and is said to be connected",
    error("EISCONN", "an experiment: __inet_stream_connect; POSIX.1 may EOPNOTSUPP"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    server, address = listener(c, TCP)
    c.connect(server, *address)


@case(
    "connect/local/listening",
    "a local socket that listens cannot connect",
    error("EINVAL", "an experiment: unix_stream_connect; POSIX.1 may EOPNOTSUPP"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    _, address = listener(c, LOCAL)
    fd = LOCAL.socket(c)
    must(c, c.bind(fd, *local(c, b"other")))
    must(c, c.listen(fd, 5))
    c.connect(fd, *address)


@case(
    "connect/tcp/finished-then-blocking",
    "connect after an asynchronous one that has finished says so with 0 once",
    error("EISCONN", "an experiment: __inet_stream_connect; POSIX.1 connect", observed=0),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    _, address = listener(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    must(c, c.poll(c.pollfd(fd=ours, events=c.POLLOUT), 1, -1))
    must(c, c.fcntl(ours, c.F_SETFL, 0))
    once = c.connect(ours, *address)
    c.connect(ours, *address)
    return once


@case(
    "connect/tcp/to-itself",
    "a socket that is bound can connect to itself: what it sends comes back",
    success("RFC 9293 3.5 simultaneous open; an experiment", observed=[True, "echo"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    ours, name = bound(c, TCP)
    c.connect(ours, *name)
    room = bytearray(4)
    must(c, c.send(ours, b"echo", 4, 0))
    must(c, c.recv(ours, room, 4, c.MSG_WAITALL))
    return [same_address(peer_of(c, ours, TCP), name), room.decode()]


# --- waiting ---


def _full(c: Backend, kind: Kind) -> tuple[int, Address]:
    """A listener whose queue is full: what asks it now gets no answer (listen(2))."""
    server, address = listener(c, kind, backlog=0)
    client(c, kind, address)
    wait_readable(c, server)
    return server, address


def _impatient(c: Backend, kind: Kind, seconds: float) -> int:
    fd = kind.socket(c)
    patience = c.timeval(tv_sec=int(seconds), tv_usec=int(seconds % 1 * 1_000_000))
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_SNDTIMEO, patience, 16))
    return fd


@case(
    "connect/tcp/already-trying",
    "a second connect while the first is under way",
    error("EALREADY", "POSIX.1 connect", observed="Operation now in progress"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    _, address = _full(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    said = c.strerror(c.get_errno())
    c.connect(ours, *address)
    return said


def _waits(kind: Kind, expired: str, source: str) -> None:
    @case(
        f"connect/{kind.name}/send-timeout-expires",
        "SO_SNDTIMEO limits how long connect waits",
        error(expired, source),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        _, address = _full(c, kind)
        c.connect(_impatient(c, kind, 0.01), *address)


_waits(TCP, "EINPROGRESS", "socket(7) SO_SNDTIMEO; connect(2)")
_waits(LOCAL, "EAGAIN", "socket(7) SO_SNDTIMEO; connect(2)")
_waits(LOCAL_SEQPACKET, "EAGAIN", "socket(7) SO_SNDTIMEO; connect(2)")


def _local_waits(kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/full-queue",
        "without blocking there is no waiting for room in the queue, and no connection in progress either",
        error("EAGAIN", "connect(2) EAGAIN", observed=NOT_CONNECTED),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> str:
        _, address = _full(c, kind)
        ours = kind.socket(c, c.SOCK_NONBLOCK)
        c.connect(ours, *address)
        c.getpeername(ours, c.sockaddr_un(), c.socklen_t(110))
        return c.strerror(c.get_errno())

    @case(
        f"connect/{kind.name}/waits-for-room",
        "connect waits for room in the queue, and goes on when somebody accepts",
        success("unix(7); an experiment: unix_wait_for_peer"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        server, address = _full(c, kind)
        box.helper(lambda: when_asleep(box.pid, lambda: must(c, c.accept(server, None, None))))
        c.connect(kind.socket(c), *address)

    @case(
        f"connect/{kind.name}/restarted-after-a-signal",
        "with SA_RESTART the handler runs and connect goes on",
        success("signal(7): restarted if SA_RESTART was used", observed=1),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> int:
        server, address = _full(c, kind)
        handled: list[int] = []
        signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(number))
        signal.siginterrupt(signal.SIGUSR1, False)
        box.undisturbed(signal.SIGUSR1, then=lambda: must(c, c.accept(server, None, None)))
        c.connect(kind.socket(c), *address)
        return len(handled)

    @case(
        f"connect/{kind.name}/never-restarted-with-a-timeout",
        "with SO_SNDTIMEO a caught signal ends connect, SA_RESTART or not",
        error("EINTR", "signal(7): never restarted where SO_SNDTIMEO is set"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        _, address = _full(c, kind)
        box.interrupt(then=lambda: None, restart=True)
        c.connect(_impatient(c, kind, 100), *address)

    @case(
        f"connect/{kind.name}/woken-by-the-listeners-end",
        "a connect that waits for room is refused when the listener is closed",
        error("ECONNREFUSED", "unix(7); an experiment: unix_release_sock wakes who waits in unix_wait_for_peer"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        server, address = _full(c, kind)
        ours = kind.socket(c)
        box.thread(lambda: when_waiting(ours, lambda: must(c, c.close(server))))
        c.connect(ours, *address)

    @case(
        f"connect/{kind.name}/not-woken-by-close",
        "close in another thread does not end a connect that waits: it still gets its connection",
        success("close(2) on multithreaded programs; an experiment"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        server, address = _full(c, kind)
        ours = kind.socket(c)

        def close_and_accept() -> None:
            must(c, c.close(ours))
            kind.socket(c)  # the number is another socket's now
            must(c, c.accept(server, None, None))

        box.thread(lambda: when_waiting(ours, close_and_accept))
        c.connect(ours, *address)


_local_waits(LOCAL)
_local_waits(LOCAL_SEQPACKET)


@case(
    "connect/tcp/interrupted-and-completes",
    "a caught signal ends connect, and the connection then completes by itself",
    error("EINTR", "POSIX.1 connect; signal(7)", observed=[1, 0, True]),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> list[object]:
    wire = Wire(box)
    ours = TCP.socket(c)
    box.interrupt(then=lambda: wire.answer(wire.read(), SYN | ACK))
    address = inet(c, THERE, 9)
    c.connect(ours, *address)
    completed = c.poll(c.pollfd(fd=ours, events=c.POLLOUT), 1, -1)
    return [completed, option(c, ours, c.SOL_SOCKET, c.SO_ERROR), same_address(peer_of(c, ours, TCP), address)]


@case(
    "connect/tcp/restarted-after-a-signal",
    "with SA_RESTART the handler runs and connect goes on to wait for the same connection",
    success("signal(7): restarted if SA_RESTART was used", observed=1),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> int:
    wire = Wire(box)
    handled: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(number))
    signal.siginterrupt(signal.SIGUSR1, False)
    box.undisturbed(signal.SIGUSR1, then=lambda: wire.answer(wire.read(), SYN | ACK))
    c.connect(TCP.socket(c), *inet(c, THERE, 9))
    return len(handled)


@case(
    "connect/tcp/in-progress-then-established",
    "without blocking connect is in progress until the answer comes, and poll says when",
    error("EINPROGRESS", "POSIX.1 connect; connect(2)", observed=[0, 1, 0]),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> list[int]:
    wire = Wire(box)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *inet(c, THERE, 9))
    entry = c.pollfd(fd=ours, events=c.POLLOUT)
    before = c.poll(entry, 1, 0)
    wire.answer(wire.read(), SYN | ACK)
    return [before, c.poll(entry, 1, -1), option(c, ours, c.SOL_SOCKET, c.SO_ERROR)]


@case(
    "connect/tcp/woken-by-shutdown",
    "shutdown of the socket ends its connect",
    error("ECONNRESET", "an experiment: inet_shutdown, tcp_disconnect in TCP_SYN_SENT"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    _, address = _full(c, TCP)
    ours = TCP.socket(c)
    box.thread(lambda: when_waiting(ours, lambda: must(c, c.shutdown(ours, c.SHUT_RDWR))))
    c.connect(ours, *address)


@case(
    "connect/tcp/not-woken-by-close",
    "close in another thread does not end a connect that waits: it still gets its connection",
    success("close(2) on multithreaded programs; an experiment"),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> None:
    wire = Wire(box)
    ours = TCP.socket(c)

    def close_and_answer() -> None:
        must(c, c.close(ours))
        wire.answer(wire.read(), SYN | ACK)

    box.thread(lambda: when_waiting(ours, close_and_answer))
    c.connect(ours, *inet(c, THERE, 9))


@case(
    "connect/tcp/shutdown-while-trying",
    "shutdown of a socket that is connecting gives the attempt up: SO_ERROR says reset, and it can connect again",
    error(
        "EINPROGRESS",
        "an experiment: inet_shutdown, tcp_disconnect in TCP_SYN_SENT",
        observed=["Operation now in progress", 0, "Connection reset by peer"],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    _, address = _full(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    said = c.strerror(c.get_errno())
    ended = c.shutdown(ours, c.SHUT_RDWR)
    number = option(c, ours, c.SOL_SOCKET, c.SO_ERROR)
    c.connect(ours, *address)
    return [said, ended, c.strerror(number)]


def _unanswered(id: str, shows: str, abort_on_overflow: bool, needs: list[str]) -> None:
    @case(
        f"connect/tcp/{id}",
        shows,
        error("ETIMEDOUT", "POSIX.1 connect; tcp(7) TCP_USER_TIMEOUT"),
        needs=["linux", *needs],
        slow=True,  # the kernel repeats its first request after 1 s, and only then looks at how long it may try
    )
    def _(c: Backend, box: Box) -> None:
        if abort_on_overflow:
            machine.network()
            machine.setting("ipv4/tcp_abort_on_overflow", "1")
        _, address = _full(c, TCP)
        ours = TCP.socket(c)
        must(c, set_option(c, ours, c.IPPROTO_TCP, c.TCP_SYNCNT, 1))
        must(c, set_option(c, ours, c.IPPROTO_TCP, c.TCP_USER_TIMEOUT, 1))
        c.connect(ours, *address)


_unanswered("nobody-answers", "requests that are dropped end the attempt after a while", False, [])
_unanswered(
    "nobody-answers-on-overflow", "tcp_abort_on_overflow does not answer a request to a full queue", True, ["netns"]
)

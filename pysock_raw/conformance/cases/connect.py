"""connect: to the address and port given, or to nobody."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    DGRAMS,
    LOCAL,
    LOCAL_DGRAM,
    STREAMS,
    TCP,
    UDP,
    Kind,
    bound,
    client,
    connected,
    inet,
    listener,
    must,
    name_of,
    option,
    peer_of,
    same_address,
)
from pysock_raw.trace_values import errno_name

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
    success("connect(2); tcp(7)", observed="ENOTCONN"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    ours, _ = connected(c, TCP)
    c.connect(ours, c.sockaddr(sa_family=c.AF_UNSPEC), 16)
    c.getpeername(ours, c.sockaddr_in(), c.socklen_t(16))
    return errno_name(c.get_errno())


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
    error("EINTR", "POSIX.1 connect; signal(7)", observed="ENOTCONN"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    _, address = listener(c, LOCAL, backlog=0)
    client(c, LOCAL, address)
    ours = LOCAL.socket(c)
    box.interrupt(then=lambda: None)
    c.connect(ours, *address)
    c.getpeername(ours, c.sockaddr_un(), c.socklen_t(110))
    return errno_name(c.get_errno())

"""listen: what it changes, what the backlog limits, and what a client sees when the queue is full."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    STREAMS,
    TCP,
    TCP6,
    UDP,
    Address,
    Kind,
    bound,
    client,
    connected,
    inet,
    listener,
    must,
    name_of,
    option,
    set_option,
    wait_readable,
)
from pysock_raw.trace_values import errno_name

PASSIVE = (
    "It puts the server socket in a passive mode, where it waits for the client to approach the server to make a "
    "connection."
)
BACKLOG = "The backlog, defines the maximum length to which the queue of pending connections for sockfd may grow."
FULL = (
    "If a connection request arrives when the queue is full, the client may receive an error with an indication of "
    "ECONNREFUSED."
)


def _passive(kind: Kind) -> None:
    @case(
        f"listen/{kind.name}/makes-passive",
        "listen turns SO_ACCEPTCONN on; before it a client is refused, after it one connects",
        success("POSIX.1 listen; socket(7) SO_ACCEPTCONN", observed=["ECONNREFUSED", 0, 1, 0]),
        needs=kind.needs,
        statement=PASSIVE,
    )
    def _(c: Backend, box: Box) -> list[object]:
        fd, address = bound(c, kind)
        c.connect(kind.socket(c), *address)
        refused, before = errno_name(c.get_errno()), option(c, fd, c.SOL_SOCKET, c.SO_ACCEPTCONN)
        c.listen(fd, 5)
        return [refused, before, option(c, fd, c.SOL_SOCKET, c.SO_ACCEPTCONN), c.connect(kind.socket(c), *address)]


for _kind in STREAMS:
    _passive(_kind)


@case(
    "listen/tcp/not-by-the-listener",
    "a passive socket cannot connect any more",
    success("POSIX.1 connect; tcp(7)", observed="EISCONN"),
    statement=PASSIVE,
)
def _(c: Backend, box: Box) -> str:
    fd, address = listener(c, TCP)
    c.connect(fd, *address)
    return errno_name(c.get_errno())


@case(
    "listen/tcp/unbound",
    "listening without bind binds: to INADDR_ANY and a port that the kernel picks",
    success("ip(7); listen(2)", observed=True),
    statement=PASSIVE,
)
def _(c: Backend, box: Box) -> bool:
    fd = TCP.socket(c)
    c.listen(fd, 5)
    name = name_of(c, fd, TCP)[0]
    return bool(name.sin_addr.s_addr == c.INADDR_ANY and name.sin_port)


def _clients_that_fit(c: Backend, address: Address, most: int) -> int:
    """How many clients connect to a local server that accepts none, `most` being tried."""
    for fit in range(most):
        if c.connect(LOCAL.socket(c, c.SOCK_NONBLOCK), *address) == -1:
            return fit
    return most


@case(
    "listen/local/backlog",
    "the queue holds one connection more than the backlog; the next client is not refused but told to wait",
    success("unix(7); an experiment: unix_recvq_full in net/unix/af_unix.c compares with >", observed=3),
    needs=["linux"],
    statement=BACKLOG,
)
def _(c: Backend, box: Box) -> int:
    _, address = listener(c, LOCAL, backlog=2)
    return _clients_that_fit(c, address, 5)


@case(
    "listen/local/full-queue",
    "a full queue does not give ECONNREFUSED on Linux: a client that does not block gets EAGAIN",
    success("connect(2) EAGAIN; unix(7)", observed="EAGAIN"),
    needs=["linux"],
    statement=FULL,
)
def _(c: Backend, box: Box) -> str:
    _, address = listener(c, LOCAL, backlog=0)
    _clients_that_fit(c, address, 2)
    return errno_name(c.get_errno())


def _impatient(c: Backend, address: Address) -> int:
    """connect on a TCP socket that waits for a tenth of a second."""
    fd, patience = TCP.socket(c), c.timeval(tv_usec=100_000)
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_SNDTIMEO, patience, c.sizeof(patience)))
    return c.connect(fd, *address)


@case(
    "listen/tcp/full-queue",
    "a full queue does not give ECONNREFUSED on Linux: the request is dropped, and the client waits and tries again",
    success("listen(2): ignored, so that a later reattempt succeeds", observed="EINPROGRESS"),
    needs=["linux"],
    statement=FULL,
)
def _(c: Backend, box: Box) -> str:
    fd, address = listener(c, TCP, backlog=0)
    client(c, TCP, address)
    wait_readable(c, fd)
    _impatient(c, address)
    return errno_name(c.get_errno())


@case(
    "listen/tcp/room-again",
    "accept takes a connection off the full queue, and then there is room for the next client",
    success("POSIX.1 listen, accept", observed=0),
    statement=BACKLOG,
)
def _(c: Backend, box: Box) -> int:
    fd, address = listener(c, TCP, backlog=0)
    client(c, TCP, address)
    must(c, c.accept(fd, None, None))
    return _impatient(c, address)


def queue_limit(c: Backend, fd: int) -> int:
    """The limit of a listener's queue: tcpi_sacked of struct tcp_info, 4 bytes at 28."""
    info, length = bytearray(104), c.socklen_t(104)
    must(c, c.getsockopt(fd, c.IPPROTO_TCP, c.TCP_INFO, info, length))
    return memoryview(info).cast("I")[7]


@case(
    "listen/tcp/negative-backlog",
    "a negative backlog asks for the longest queue, net.core.somaxconn",
    success("listen(2): backlog is silently truncated to somaxconn", observed=True),
    needs=["linux"],
    statement=BACKLOG,
)
def _(c: Backend, box: Box) -> bool:
    fd, _ = bound(c, TCP)
    c.listen(fd, -1)
    with open("/proc/sys/net/core/somaxconn") as limit:
        return queue_limit(c, fd) == int(limit.read())


@case(
    "listen/local/negative-backlog",
    "listen(-1): C asks for the longest queue, Python for the shortest",
    success("listen(2): backlog is silently truncated to somaxconn", observed="clients that fit: 5"),
    needs=["linux"],
    statement=BACKLOG,
)
def _(c: Backend, box: Box) -> str:
    fd, address = bound(c, LOCAL)
    c.listen(fd, -1)
    return f"clients that fit: {_clients_that_fit(c, address, 5)}"


@case(
    "listen/tcp/again",
    "listening again changes the backlog of a socket that listens already",
    success("listen(2)", observed=[3, 7]),
    needs=["linux"],
    statement=BACKLOG,
)
def _(c: Backend, box: Box) -> list[int]:
    fd, _ = listener(c, TCP, backlog=3)
    before = queue_limit(c, fd)
    c.listen(fd, 7)
    return [before, queue_limit(c, fd)]


def _cannot_listen(kind: Kind) -> None:
    @case(
        f"listen/{kind.name}/connectionless",
        "a datagram socket has no connections to wait for",
        error("EOPNOTSUPP", "POSIX.1 listen"),
        statement=PASSIVE,
    )
    def _(c: Backend, box: Box) -> None:
        fd, _ = bound(c, kind)
        c.listen(fd, 5)


_cannot_listen(UDP)
_cannot_listen(LOCAL_DGRAM)


@case("listen/tcp/connected", "a connected socket cannot listen", error("EINVAL", "POSIX.1 listen"))
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    c.listen(ours, 5)


@case("listen/local/unbound", "a local socket without a name cannot listen", error("EINVAL", "listen(2); unix(7)"))
def _(c: Backend, box: Box) -> None:
    c.listen(LOCAL.socket(c), 5)


# --- which port ---


@case(
    "listen/tcp/second-listener",
    "two sockets with SO_REUSEADDR may have one port, but only one of them may listen there",
    error("EADDRINUSE", "listen(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    first, second = TCP.socket(c), TCP.socket(c)
    for fd in (first, second):
        must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1))
    must(c, c.bind(first, *TCP.address(c)))
    must(c, c.bind(second, *name_of(c, first, TCP)))
    must(c, c.listen(first, 5))
    c.listen(second, 5)


def _no_port(kind: Kind) -> None:
    @case(
        f"listen/{kind.name}/no-port-left",
        "listening without bind where the one port of the ephemeral range is taken",
        error("EADDRINUSE", "listen(2): all port numbers in the ephemeral port range are in use"),
        needs=("netns", *kind.needs),
    )
    def _(c: Backend, box: Box) -> None:
        machine.network()
        machine.setting("ipv4/ip_local_port_range", "40000 40000")
        must(c, c.listen(kind.socket(c), 5))
        c.listen(kind.socket(c), 5)


_no_port(TCP)
_no_port(TCP6)


@case(
    "listen/tcp/unprivileged",
    "the privilege for a port is bind's matter: listening there takes none",
    success("an experiment: inet_listen in net/ipv4/af_inet.c asks for no capability"),
    needs=["netns", "root"],
)
def _(c: Backend, box: Box) -> None:
    machine.network()
    machine.setting("ipv4/ip_unprivileged_port_start", "1024")
    fd = TCP.socket(c)
    must(c, c.bind(fd, *inet(c, c.INADDR_LOOPBACK, 80)))
    machine.unprivileged()
    c.listen(fd, 5)

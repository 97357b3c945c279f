"""bind: what it does with an address, a port, INADDR_ANY and a path."""

from __future__ import annotations

import os

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    KINDS,
    LOCAL,
    LOCAL_DGRAM,
    TCP,
    TCP6,
    UDP,
    UDP6,
    Kind,
    bound,
    client,
    inet,
    listener,
    local,
    must,
    name_of,
    same_address,
    set_option,
)
from pysock_raw.trace_values import errno_name

BINDS = "the bind function binds the socket to the address and port number specified in addr (custom data structure)."
ANY = "we bind the server to the localhost, hence we use INADDR_ANY to specify the IP address."
LOOPBACK = "127.0.0.1"


def _gives_name(kind: Kind) -> None:
    @case(
        f"bind/{kind.name}/gives-its-address",
        "after bind, getsockname reports the address that was given, and the port where there are ports",
        success("POSIX.1 bind, getsockname", observed=True),
        needs=kind.needs,
        statement=BINDS,
    )
    def _(c: Backend, box: Box) -> bool:
        first, address = bound(c, kind)
        must(c, c.close(first))
        if kind.family == "AF_UNIX":
            os.unlink("server")
        fd = kind.socket(c)
        must(c, c.bind(fd, *address))
        return same_address(name_of(c, fd, kind), address)


for _kind in KINDS:
    _gives_name(_kind)


@case(
    "bind/tcp/port-0",
    "port 0 is not bound: the kernel picks a free port, another one for each socket",
    success("ip(7)", observed=True),
    statement=BINDS,
)
def _(c: Backend, box: Box) -> bool:
    (_, one), (_, two) = bound(c, TCP), bound(c, TCP)
    ports = {one[0].sin_port, two[0].sin_port}
    return len(ports) == 2 and 0 not in ports


@case(
    "bind/tcp/inaddr-any",
    "INADDR_ANY is not localhost but every local address: the name is 0.0.0.0, and 127.0.0.1 and 127.0.0.2 reach it",
    success("ip(7)", observed=["0.0.0.0", 0, 0]),
    needs=["linux"],
    statement=ANY,
)
def _(c: Backend, box: Box) -> list[object]:
    fd = TCP.socket(c)
    must(c, c.bind(fd, *inet(c, c.INADDR_ANY, 0)))
    must(c, c.listen(fd, 5))
    name, text = name_of(c, fd, TCP)[0], bytearray(16)
    c.inet_ntop(c.AF_INET, name.sin_addr, text, 16)
    port = c.ntohs(name.sin_port)
    reached = [c.connect(TCP.socket(c), *inet(c, c.INADDR_LOOPBACK + n, port)) for n in (0, 1)]
    return [text.rstrip(b"\0").decode(), *reached]


@case(
    "bind/tcp/loopback-is-not-any",
    "a server that is bound to 127.0.0.1 is not reached through another local address",
    success("ip(7)", observed="ECONNREFUSED"),
    needs=["linux"],
    statement=ANY,
)
def _(c: Backend, box: Box) -> str:
    _, (address, _) = listener(c, TCP)
    c.connect(TCP.socket(c), *inet(c, c.INADDR_LOOPBACK + 1, c.ntohs(address.sin_port)))
    return errno_name(c.get_errno())


def _taken(kind: Kind) -> None:
    @case(
        f"bind/{kind.name}/in-use",
        "an address that another socket has: address already in use",
        error("EADDRINUSE", "POSIX.1 bind"),
        needs=kind.needs,
        statement=BINDS,
    )
    def _(c: Backend, box: Box) -> None:
        _, address = bound(c, kind)
        c.bind(kind.socket(c), *address)


for _kind in KINDS:
    _taken(_kind)


@case("bind/tcp/twice", "a socket has one address: the second bind fails", error("EINVAL", "POSIX.1 bind; bind(2)"))
def _(c: Backend, box: Box) -> None:
    fd, _ = bound(c, TCP)
    c.bind(fd, *TCP.address(c))


@case(
    "bind/tcp/not-local",
    "an address that no interface has",
    error("EADDRNOTAVAIL", "POSIX.1 bind; RFC 5737: 192.0.2.1 is for documentation"),
)
def _(c: Backend, box: Box) -> None:
    c.bind(TCP.socket(c), *inet(c, 0xC0000201, 0))


@case(
    "bind/local/creates-a-socket-file", "bind makes the path, a file of type socket", success("unix(7)", observed=True)
)
def _(c: Backend, box: Box) -> bool:
    bound(c, LOCAL)
    return os.stat("server").st_mode & 0o170000 == 0o140000


@case(
    "bind/local/path-of-108-bytes",
    "a path may fill all 108 bytes of sun_path, without a NUL",
    success("unix(7)", observed=True),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> bool:
    address = c.sockaddr_un(sun_family=c.AF_UNIX, sun_path=b"p" * 108)
    must(c, c.bind(LOCAL.socket(c), address, c.sizeof(address)))
    return os.path.exists("p" * 108)


@case(
    "bind/local/abstract-name",
    "a name that starts with NUL is as long as the length says, makes no file, and is found by connect",
    success("unix(7)", observed=[0, []]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = LOCAL.socket(c), local(c, box.abstract_name)
    must(c, c.bind(fd, *address))
    must(c, c.listen(fd, 1))
    client(c, LOCAL, address)
    return [0, os.listdir()]


@case(
    "bind/local-dgram/autobind",
    "with nothing but a family, the kernel gives an abstract name: NUL and five hexadecimal digits",
    success("unix(7)", observed=8),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    fd = LOCAL_DGRAM.socket(c)
    must(c, c.bind(fd, c.sockaddr_un(sun_family=c.AF_UNIX), 2))
    return name_of(c, fd, LOCAL_DGRAM)[1]


@case("bind/local/missing-directory", "a directory of the path does not exist", error("ENOENT", "POSIX.1 bind"))
def _(c: Backend, box: Box) -> None:
    c.bind(LOCAL.socket(c), *local(c, b"nowhere/server"))


@case(
    "bind/udp/unspecified-family",
    "Linux takes AF_UNSPEC for AF_INET if the address is INADDR_ANY",
    success("an experiment: __inet_bind in net/ipv4/af_inet.c accepts it for compatibility", observed=True),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> bool:
    fd = UDP.socket(c)
    c.bind(fd, c.sockaddr_in(sin_family=c.AF_UNSPEC), 16)
    return bool(name_of(c, fd, UDP)[0].sin_port)


# --- ports ---


def _ephemeral(kind: Kind) -> None:
    @case(
        f"bind/{kind.name}/port-0-is-in-the-ephemeral-range",
        "the ports that the kernel picks are distinct, and inside net.ipv4.ip_local_port_range",
        success("ip(7) ip_local_port_range", observed=True),
        needs=("linux", *kind.needs),
    )
    def _(c: Backend, box: Box) -> bool:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
            low, high = map(int, file.read().split())
        ports = {_port(c, bound(c, kind)[0], kind) for _ in range(8)}
        return len(ports) == 8 and all(low <= port <= high for port in ports)


def _port(c: Backend, fd: int, kind: Kind) -> int:
    address, _ = name_of(c, fd, kind)
    return c.ntohs(address.sin_port if kind.family == "AF_INET" else address.sin6_port)


def _exhausted(kind: Kind) -> None:
    @case(
        f"bind/{kind.name}/no-port-left",
        "port 0 where the one port of the ephemeral range is taken",
        error("EADDRINUSE", "bind(2): no port in ip_local_port_range is available"),
        needs=("netns", *kind.needs),
    )
    def _(c: Backend, box: Box) -> None:
        machine.network()
        machine.setting("ipv4/ip_local_port_range", "40000 40000")
        bound(c, kind)
        c.bind(kind.socket(c), *kind.address(c))


for _kind in (TCP, UDP, TCP6, UDP6):
    _ephemeral(_kind)
    _exhausted(_kind)


@case(
    "bind/tcp/privileged-port",
    "a port below ip_unprivileged_port_start takes a privilege (CAP_NET_BIND_SERVICE)",
    error("EACCES", "POSIX.1 bind; bind(2); ip(7)"),
    needs=["netns", "root"],
)
def _(c: Backend, box: Box) -> None:
    machine.network()
    machine.setting("ipv4/ip_unprivileged_port_start", "1024")
    machine.unprivileged()
    c.bind(TCP.socket(c), *inet(c, c.INADDR_LOOPBACK, 80))


@case(
    "bind/tcp/port-80-for-everybody",
    "where ip_unprivileged_port_start is 80, port 80 takes no privilege",
    success("ip(7) ip_unprivileged_port_start"),
    needs=["netns", "root"],
)
def _(c: Backend, box: Box) -> None:
    machine.network()
    machine.setting("ipv4/ip_unprivileged_port_start", "80")
    machine.unprivileged()
    c.bind(TCP.socket(c), *inet(c, c.INADDR_LOOPBACK, 80))


def _reuseport_of_another(kind: Kind) -> None:
    @case(
        f"bind/{kind.name}/reuseport-of-another-user",
        "SO_REUSEPORT on both sockets does not share a port between users",
        error("EADDRINUSE", "socket(7) SO_REUSEPORT: the same effective UID"),
        needs=("linux", "root", *kind.needs),
    )
    def _(c: Backend, box: Box) -> None:
        first = kind.socket(c)
        must(c, set_option(c, first, c.SOL_SOCKET, c.SO_REUSEPORT, 1))
        must(c, c.bind(first, *kind.address(c)))
        machine.unprivileged()
        second = kind.socket(c)
        must(c, set_option(c, second, c.SOL_SOCKET, c.SO_REUSEPORT, 1))
        c.bind(second, *name_of(c, first, kind))


for _kind in (TCP, UDP, TCP6, UDP6):
    _reuseport_of_another(_kind)

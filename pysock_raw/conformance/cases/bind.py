"""bind: what it does with an address, a port, INADDR_ANY and a path."""

from __future__ import annotations

import os
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.fuse import broken_file_system
from pysock_raw.conformance.kinds import (
    KINDS,
    LOCAL,
    LOCAL_DGRAM,
    TCP,
    TCP6,
    UDP,
    UDP6,
    Kind,
    answer,
    bound,
    client,
    connected,
    inet,
    inet6,
    listener,
    local,
    must,
    name_of,
    same_address,
    set_option,
)
from pysock_raw.conformance.scarcity import out_of_memory

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
    success("ip(7)", observed="Connection refused"),
    needs=["linux"],
    statement=ANY,
)
def _(c: Backend, box: Box) -> str:
    _, (address, _) = listener(c, TCP)
    c.connect(TCP.socket(c), *inet(c, c.INADDR_LOOPBACK + 1, c.ntohs(address.sin_port)))
    return c.strerror(c.get_errno())


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


# --- addresses of IPv4 and IPv6 ---


def _group(name: str, host: int) -> None:
    @case(
        f"bind/tcp/{name}",
        f"a TCP socket binds to a {name} address, and even listens there, though no client can ever connect",
        success(
            "an experiment: __inet_bind in net/ipv4/af_inet.c allows what inet_addr_type_table calls it", observed=0
        ),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> int:
        fd = TCP.socket(c)
        c.bind(fd, *inet(c, host, 0))
        return c.listen(fd, 1)


_group("multicast", 0xEF010101)
_group("broadcast", 0xFFFFFFFF)


def _address6(id: str, shows: str, outcome: Outcome, host: str, scope: int = 0, v6only: int = 0) -> None:
    @case(f"bind/tcp6/{id}", shows, outcome, needs=["linux", "ipv6"])
    def _(c: Backend, box: Box) -> None:
        fd, (address, length) = TCP6.socket(c), inet6(c, host, 0)
        must(c, set_option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, v6only))
        address.sin6_scope_id = scope
        c.bind(fd, address, length)


_address6(
    "not-local",
    "an IPv6 address that no interface has",
    error("EADDRNOTAVAIL", "POSIX.1 bind; RFC 3849: 2001:db8:: is for documentation"),
    "2001:db8::1",
)
_address6(
    "link-local-without-scope",
    "a link-local address does not say by itself on which link it is",
    error("EINVAL", "ipv6(7): sin6_scope_id; bind(2)"),
    "fe80::1",
)
_address6(
    "link-local-with-unknown-scope",
    "a link-local address on an interface that does not exist",
    error("ENODEV", "ipv6(7) ENODEV"),
    "fe80::1",
    scope=9999,
)
_address6(
    "mapped-address",
    "an IPv4 address mapped into IPv6 is an address of a dual-stack socket",
    success("ipv6(7)"),
    "::ffff:127.0.0.1",
)
_address6(
    "mapped-address-for-v6only",
    "an IPv4 address mapped into IPv6 is none of a socket for IPv6 alone",
    error("EINVAL", "ipv6(7) IPV6_V6ONLY; bind(2)"),
    "::ffff:127.0.0.1",
    v6only=1,
)


# --- the state of the socket ---


@case(
    "bind/tcp/connected",
    "a connected socket has an address already",
    error("EINVAL", "bind(2): already bound; POSIX.1 would also allow EISCONN"),
)
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    c.bind(ours, *TCP.address(c))


@case(
    "bind/tcp/half-shut-down",
    "a connection that was shut down for writing keeps its address",
    error("EINVAL", "POSIX.1 bind; bind(2): already bound"),
)
def _(c: Backend, box: Box) -> None:
    ours, _ = connected(c, TCP)
    must(c, c.shutdown(ours, c.SHUT_WR))
    c.bind(ours, *TCP.address(c))


@case(
    "bind/local/shut-down",
    "Linux does not ask whether a socket that has no address yet has been shut down",
    success("an experiment: unix_bind in net/unix/af_unix.c does not look at sk_shutdown"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd = LOCAL.socket(c)
    must(c, c.shutdown(fd, c.SHUT_RDWR))
    c.bind(fd, *local(c, b"server"))


def _at_once(kind: Kind) -> None:
    @case(
        f"bind/{kind.name}/at-once",
        "bind never leaves anything to be done: without blocking it is complete when it returns, and a second bind "
        "finds the address there, not an assignment in progress",
        error("EINVAL", "an experiment: bind of AF_INET and AF_UNIX waits for nothing", observed=[0, True]),
        needs=("linux", *kind.needs),
    )
    def _(c: Backend, box: Box) -> list[object]:
        fd = kind.socket(c, c.SOCK_NONBLOCK)
        first = c.bind(fd, *kind.address(c))
        _, length = name_of(c, fd, kind)
        c.bind(fd, *kind.address(c, "other"))
        return [first, length > 2]


for _kind in KINDS:
    _at_once(_kind)


@case(
    "bind/path-descriptor",
    "a descriptor that O_PATH made stands for a place, and is none for this call",
    error("EBADF", "open(2) O_PATH"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.bind(box.keep(os.open(".", os.O_PATH)), *inet(c, c.INADDR_LOOPBACK, 0))


# --- AF_UNIX: the path ---


def _links(count: int) -> None:
    """link1 to link`count`, each to the one before, and the first to a directory."""
    os.mkdir("link0")
    for number in range(count):
        os.symlink(f"link{number}", f"link{number + 1}")


def _directory(name: str, mode: int) -> None:
    os.mkdir(name)
    os.chmod(name, mode)
    machine.unprivileged()


#: id, what it shows, the answer, what makes the place for the path, the path
PATHS: list[tuple[str, str, Outcome, Callable[[], object], str]] = [
    ("no-search-permission", "a directory of the path may not be searched",
     error("EACCES", "POSIX.1 bind; bind(2)"), lambda: _directory("closed", 0o600), "closed/server"),
    ("no-write-permission", "the directory may not be written to",
     error("EACCES", "POSIX.1 bind; unix(7)"), lambda: _directory("fixed", 0o500), "fixed/server"),
    ("file-of-that-name", "a file that is no socket has the path",
     error("EADDRINUSE", "POSIX.1 bind; unix(7)"), lambda: open("server", "w").close(), "server"),
    ("directory-of-that-name", "a directory has the path",
     error("EADDRINUSE", "an experiment: unix_bind_bsd makes EEXIST EADDRINUSE"), lambda: os.mkdir("server"), "server"),
    ("dangling-link-of-that-name", "bind does not follow a symbolic link at the end of the path",
     error("EADDRINUSE", "POSIX.1 bind: if the pathname names a symbolic link"),
     lambda: os.symlink("nowhere", "server"), "server"),
    ("slash-at-the-end", "a path that ends with a slash would be a directory's",
     error("ENOENT", "an experiment: filename_create in fs/namei.c"), lambda: None, "server/"),
    ("file-in-the-path", "a part of the path is a file, not a directory",
     error("ENOTDIR", "POSIX.1 bind; bind(2)"), lambda: open("file", "w").close(), "file/server"),
    ("link-to-itself", "a symbolic link of the path leads back to itself",
     error("ELOOP", "POSIX.1 bind; bind(2)"), lambda: os.symlink("loop", "loop"), "loop/server"),
    ("40-links", "40 symbolic links are followed", success("path_resolution(7): at most 40"),
     lambda: _links(40), "link40/server"),
    ("41-links", "41 symbolic links are one too many", error("ELOOP", "POSIX.1 bind; path_resolution(7): at most 40"),
     lambda: _links(41), "link41/server"),
    ("component-of-256-bytes", "a name has at most NAME_MAX bytes, 255, here as a symbolic link has it",
     error("ENAMETOOLONG", "POSIX.1 bind; bind(2)"), lambda: os.symlink("n" * 256, "link"), "link/server"),
    ("longer-than-path-max", "symbolic links may make a path of more than PATH_MAX bytes, 4096, in the end",
     success("an experiment: link_path_walk in fs/namei.c measures names and the text of each link alone"),
     lambda: os.symlink("./" * 2047, "link"), "link/link/server"),
]  # fmt: skip


def _path(id: str, shows: str, outcome: Outcome, prepare: Callable[[], object], path: str, *needs: str) -> None:
    @case(f"bind/local/{id}", shows, outcome, needs=("linux", *needs))
    def _(c: Backend, box: Box) -> None:
        prepare()
        c.bind(LOCAL.socket(c), *local(c, path.encode()))


for _row in PATHS:
    _path(*_row)


def _file_system(*options: str) -> None:
    os.mkdir("files")
    machine.mount("-t", "tmpfs", *options, "none", "files")


_path(
    "read-only-file-system",
    "the path is on a file system that may not be written to",
    error("EROFS", "POSIX.1 bind; bind(2)"),
    lambda: _file_system("-o", "ro"),
    "files/server",
    "mounts",
)
_path("full-file-system", "the file system has no inode left for the socket",
      error("ENOSPC", "an experiment: unix_bind_bsd passes on what mknod(2) answers"),
      lambda: _file_system("-o", "nr_inodes=1"), "files/server", "mounts")  # fmt: skip


@case(
    "bind/local/input-output-error",
    "the file system fails to look the path up",
    error("EIO", "POSIX.1 bind"),
    needs=["linux", "fuse"],
)
def _(c: Backend, box: Box) -> None:
    os.mkdir("files")
    with broken_file_system("files"):
        c.bind(LOCAL.socket(c), *local(c, b"files/server"))


@case(
    "bind/local/no-kernel-memory",
    "the kernel has no memory for the name of the new file",
    error("ENOMEM", "bind(2); cgroups(7)"),
    needs=["linux", "memory-cgroups"],
)
def _(c: Backend, box: Box) -> None:
    fd, address = LOCAL.socket(c), local(c, b"server")
    out_of_memory(lambda: c.bind(fd, *address))


@case(
    "bind/local/null",
    "NULL as address is EFAULT on Linux, for AF_UNIX too",
    error("EFAULT", "bind(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.bind(LOCAL.socket(c), None, 16)


@case(
    "bind/local/empty-path",
    "an empty path with its NUL is no missing file: it is the abstract name of one NUL",
    success("unix(7); an experiment: unix_bind", observed=[3, []]),
    needs=["netns"],
)
def _(c: Backend, box: Box) -> list[object]:
    machine.network()  # the name would be everybody's
    fd = LOCAL.socket(c)
    c.bind(fd, *local(c, b"\0"))
    return [name_of(c, fd, LOCAL)[1], os.listdir()]


@case(
    "bind/local/failed-bind-leaves-no-file",
    "a bind that fails because the socket has a name removes the file that it had made",
    error("EINVAL", "an experiment: unix_bind_bsd unlinks it again", observed=["first"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[str]:
    fd, _ = bound(c, LOCAL, "first")
    c.bind(fd, *local(c, b"second"))
    return os.listdir()


# --- AF_UNIX: the file and the name ---


@case(
    "bind/local/path-cannot-be-opened",
    "the file of a socket is for connect, not for open",
    success("open(2) ENXIO: the file is a UNIX domain socket", observed="No such device or address"),
)
def _(c: Backend, box: Box) -> str | None:
    bound(c, LOCAL)
    try:
        os.close(os.open("server", os.O_RDWR))
    except OSError as error:
        return error.strerror
    return None


def _moved(id: str, shows: str, move: Callable[[], object], connects: list[object]) -> None:
    @case(f"bind/local/{id}", shows, success("unix(7); path_resolution(7)", observed=connects), needs=["linux"])
    def _(c: Backend, box: Box) -> list[object]:
        listener(c, LOCAL)
        move()
        return [answer(c, c.connect(LOCAL.socket(c), *local(c, path))) for path in (b"server", b"other")]


_moved("hard-link", "a hard link to the file is another path to the socket", lambda: os.link("server", "other"), [0, 0])
_moved("renamed", "a renamed file still leads to the socket", lambda: os.rename("server", "other"), ["ENOENT", 0])
_moved("symbolic-link", "connect follows a symbolic link to the file", lambda: os.symlink("server", "other"), [0, 0])
_moved("unlinked", "without its file the socket still listens, and nobody finds it",
       lambda: os.unlink("server"), ["ENOENT", "ENOENT"])  # fmt: skip


@case(
    "bind/local/file-outlives-the-socket",
    "the file stays when the socket is closed: connect is refused there, and bind only after unlink",
    success("unix(7) NOTES", observed=["ECONNREFUSED", "EADDRINUSE", 0]),
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = listener(c, LOCAL)
    must(c, c.close(fd))
    seen = [answer(c, c.connect(LOCAL.socket(c), *address)), answer(c, c.bind(LOCAL.socket(c), *address))]
    os.unlink("server")
    return [*seen, c.bind(LOCAL.socket(c), *address)]


@case(
    "bind/local/abstract-name-of-the-closed",
    "an abstract name is free as soon as its socket is closed",
    success("unix(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd, address = LOCAL.socket(c), local(c, box.abstract_name)
    must(c, c.bind(fd, *address))
    must(c, c.close(fd))
    c.bind(LOCAL.socket(c), *address)


@case(
    "bind/local/abstract-name-in-use",
    "an abstract name that another socket has",
    error("EADDRINUSE", "bind(2); unix(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    address = local(c, box.abstract_name)
    must(c, c.bind(LOCAL.socket(c), *address))
    c.bind(LOCAL.socket(c), *address)


@case(
    "bind/local/namespaces",
    "an abstract name belongs to a network namespace, where the name can be had again; a path belongs to none",
    error("EADDRINUSE", "unix(7); network_namespaces(7)", observed=["ECONNREFUSED", 0, 0]),
    needs=["netns"],
)
def _(c: Backend, box: Box) -> list[object]:
    abstract, path = local(c, box.abstract_name), local(c, b"server")
    for address in (abstract, path):
        fd = LOCAL.socket(c)
        must(c, c.bind(fd, *address))
        must(c, c.listen(fd, 1))
    machine.network()
    reached = [answer(c, c.connect(LOCAL.socket(c), *address)) for address in (abstract, path)]
    again = c.bind(LOCAL.socket(c), *abstract)
    c.bind(LOCAL.socket(c), *path)
    return [*reached, again]


def _autobind(kind: Kind) -> None:
    @case(
        f"bind/{kind.name}/autobind-again",
        "with nothing but a family, a socket that has got its abstract name keeps it: NUL and five hexadecimal digits",
        success("unix(7) Autobind feature; an experiment: unix_autobind", observed=[True, True]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[bool]:
        fd, family = kind.socket(c), c.sockaddr_un(sun_family=c.AF_UNIX)
        must(c, c.bind(fd, family, 2))
        first = name_of(c, fd, kind)
        c.bind(fd, family, 2)
        name = bytes(first[0])[2 : first[1]]
        return [
            name[:1] == b"\0" and len(name) == 6 and set(name[1:]) <= set(b"0123456789abcdef"),
            same_address(first, name_of(c, fd, kind)),
        ]


_autobind(LOCAL)
_autobind(LOCAL_DGRAM)

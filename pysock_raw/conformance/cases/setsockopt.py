"""setsockopt: what it changes, and what it prevents ("address already in use")."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    TCP,
    TCP6,
    UDP,
    Kind,
    bound,
    client,
    listener,
    must,
    name_of,
    option,
    same_address,
    set_option,
)
from pysock_raw.trace_values import errno_name

MANIPULATES = "This helps in manipulating options for the socket referred by the file descriptor sockfd."
OPTIONAL = "This is completely optional, but it helps in reuse of address and port."
PREVENTS = 'Prevents error such as: "address already in use".'


@case(
    "setsockopt/changes-one-option",
    "an option is 0, is set, reads back as set, and belongs to this socket alone",
    success("POSIX.1 setsockopt; socket(7)", observed=[0, 1, 0]),
    statement=MANIPULATES,
)
def _(c: Backend, box: Box) -> list[int]:
    fd, other = TCP.socket(c), TCP.socket(c)
    before = option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE)
    set_option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1)
    return [before, option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE), option(c, other, c.SOL_SOCKET, c.SO_KEEPALIVE)]


@case(
    "setsockopt/structure",
    "an option may be a structure: SO_LINGER reads back as it was set",
    success("POSIX.1 setsockopt; socket(7)", observed=[1, 7]),
    statement=MANIPULATES,
)
def _(c: Backend, box: Box) -> list[int]:
    fd, value = TCP.socket(c), c.linger(l_onoff=1, l_linger=7)
    c.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, value, c.sizeof(value))
    back, length = c.linger(), c.socklen_t(8)
    must(c, c.getsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, back, length))
    return [back.l_onoff, back.l_linger]


def _restart(c: Backend, reuse: int) -> str | None:
    """A server that closed its connections first leaves them in TIME_WAIT; then it starts again."""
    first, address = listener(c, TCP)
    must(c, set_option(c, first, c.SOL_SOCKET, c.SO_REUSEADDR, reuse))
    ours = client(c, TCP, address)
    theirs = must(c, c.accept(first, None, None))
    must(c, c.shutdown(theirs, c.SHUT_WR))
    must(c, c.recv(ours, bytearray(1), 1, 0))
    for fd in (ours, theirs, first):
        must(c, c.close(fd))
    second = TCP.socket(c)
    set_option(c, second, c.SOL_SOCKET, c.SO_REUSEADDR, reuse)
    return None if c.bind(second, *address) == 0 else errno_name(c.get_errno())


@case(
    "setsockopt/optional",
    "without SO_REUSEADDR a server that restarts finds its port in TIME_WAIT: address already in use",
    success("tcp(7); socket(7) SO_REUSEADDR", observed="EADDRINUSE"),
    statement=OPTIONAL,
)
def _(c: Backend, box: Box) -> str | None:
    return _restart(c, reuse=0)


@case(
    "setsockopt/prevents-address-in-use",
    "with SO_REUSEADDR a server that restarts gets its port back, though it is in TIME_WAIT",
    success("tcp(7); socket(7) SO_REUSEADDR", observed=None),
    statement=PREVENTS,
)
def _(c: Backend, box: Box) -> str | None:
    return _restart(c, reuse=1)


@case(
    "setsockopt/prevents-no-second-listener",
    "SO_REUSEADDR does not let a second server have the port of one that listens",
    success("socket(7) SO_REUSEADDR", observed="EADDRINUSE"),
    statement=PREVENTS,
)
def _(c: Backend, box: Box) -> str | None:
    fd, address = listener(c, TCP)
    must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1))
    second = TCP.socket(c)
    set_option(c, second, c.SOL_SOCKET, c.SO_REUSEADDR, 1)
    return None if c.bind(second, *address) == 0 else errno_name(c.get_errno())


@case(
    "setsockopt/reuses-port",
    "with SO_REUSEPORT on both, two sockets of one user have the same address and port",
    success("socket(7) SO_REUSEPORT", observed=True),
    statement=OPTIONAL,
)
def _(c: Backend, box: Box) -> bool:
    one, two = UDP.socket(c), UDP.socket(c)
    for fd in (one, two):
        set_option(c, fd, c.SOL_SOCKET, c.SO_REUSEPORT, 1)
    must(c, c.bind(one, *UDP.address(c)))
    must(c, c.bind(two, *name_of(c, one, UDP)))
    return same_address(name_of(c, one, UDP), name_of(c, two, UDP))


@case(
    "setsockopt/buffer-is-doubled",
    "Linux doubles a buffer size for its own book-keeping",
    success("socket(7) SO_RCVBUF", observed=16384),
    needs=["linux"],
    statement=MANIPULATES,
)
def _(c: Backend, box: Box) -> int:
    fd, _ = bound(c, UDP)
    set_option(c, fd, c.SOL_SOCKET, c.SO_RCVBUF, 8192)
    return option(c, fd, c.SOL_SOCKET, c.SO_RCVBUF)


# asm-generic/socket.h: Python has no names for these.
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33


def _setting(name: str) -> int:
    """A setting below /proc/sys/net."""
    with open(f"/proc/sys/net/{name}") as file:
        return int(file.read())


def _buffer_sizes(name: str, force: int, setting: str, minimum: int) -> None:
    option_name = f"SO_{name.upper()}"

    def read_back(c: Backend, fd: int, value: int, set: int | None = None) -> int:
        get = getattr(c, option_name)
        must(c, set_option(c, fd, c.SOL_SOCKET, get if set is None else set, value))
        return option(c, fd, c.SOL_SOCKET, get)

    @case(
        f"setsockopt/{name}-has-a-minimum",
        f"{option_name} is no smaller than a minimum, whatever is asked for",
        success("socket(7); an experiment: SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF of 64-bit kernels", [minimum] * 3),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[int]:
        fd = TCP.socket(c)
        return [read_back(c, fd, value) for value in (0, 1, minimum // 2 - 1)]

    @case(
        f"setsockopt/{name}-is-cut-to-its-maximum",
        f"{option_name} beyond net.{setting.replace('/', '.')} is cut to it in silence; a negative size is a huge one",
        success(f"socket(7) {option_name}", observed=[True, True, True]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[bool]:
        fd, most = TCP.socket(c), 2 * _setting(setting)
        return [read_back(c, fd, value) == most for value in (most, 2**31 - 1, -1)]

    @case(
        f"setsockopt/{name}force-passes-the-maximum",
        f"{option_name}FORCE of a privileged process is not cut, and a negative size is the smallest, never negative",
        success("capabilities(7) CAP_NET_ADMIN; an experiment: sk_setsockopt", observed=[True, 2**31 - 2, minimum]),
        needs=["linux", "root"],
    )
    def _(c: Backend, box: Box) -> list[int | bool]:
        fd, more = TCP.socket(c), _setting(setting) + 4096
        sizes = [read_back(c, fd, value, force) for value in (more, 2**31 - 1, -1)]
        return [sizes[0] == 2 * more, *sizes[1:]]


_buffer_sizes("sndbuf", SO_SNDBUFFORCE, "core/wmem_max", 4608)
_buffer_sizes("rcvbuf", SO_RCVBUFFORCE, "core/rmem_max", 2304)


# --- value-result lengths, on the side that reads ---


def _lengths(kind: Kind) -> None:
    @case(
        f"getsockopt/{kind.name}/short-lengths-cut-in-silence",
        "optlen 0 to 4 gives that many bytes of an int and says so, and 8 comes back as 4: no error anywhere",
        success(
            "POSIX.1 getsockopt; getsockopt(2)",
            observed=["0 0 ", "1 1 01", "2 2 0100", "3 3 010000", "4 4 01000000", "8 4 01000000eeeeeeee"],
        ),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> list[str]:
        fd, seen = kind.socket(c), []
        must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1))
        for room in (0, 1, 2, 3, 4, 8):
            value, length = bytearray(b"\xee" * room), c.socklen_t(room)
            must(c, c.getsockopt(fd, c.SOL_SOCKET, c.SO_KEEPALIVE, value, length))
            seen.append(f"{room} {length.value} {value.hex()}")
        return seen


for _kind in (TCP, UDP, LOCAL):
    _lengths(_kind)


@case(
    "getsockopt/tcp/a-structure-is-cut-too",
    "of SO_LINGER 5 bytes are given for an optlen of 5",
    success("POSIX.1 getsockopt; getsockopt(2)", observed=[5, "0100000007"]),
)
def _(c: Backend, box: Box) -> list[object]:
    fd, value, length = TCP.socket(c), bytearray(5), c.socklen_t(5)
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, c.linger(l_onoff=1, l_linger=7), 8))
    must(c, c.getsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, value, length))
    return [length.value, value.hex()]


# --- IPV6_V6ONLY ---


@case(
    "setsockopt/tcp6/v6only",
    "IPV6_V6ONLY is what net.ipv6.bindv6only says, until it is set",
    success("ipv6(7) IPV6_V6ONLY", observed=[True, 1, 0]),
    needs=["linux", "ipv6"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd = TCP6.socket(c)
    seen: list[object] = [option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY) == _setting("ipv6/bindv6only")]
    for value in (1, 0):
        must(c, set_option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, value))
        seen.append(option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY))
    return seen


@case(
    "setsockopt/tcp6/v6only-of-a-bound-socket",
    "IPV6_V6ONLY cannot change once the socket has an address",
    error("EINVAL", "an experiment: do_ipv6_setsockopt in net/ipv6/ipv6_sockglue.c looks at inet_num"),
    needs=["linux", "ipv6"],
)
def _(c: Backend, box: Box) -> None:
    fd, _ = bound(c, TCP6)
    set_option(c, fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, 1)

"""How the fallback gets the kernel to answer: descriptors wrapped for one call, and the nearest thing that Python can
send to what C was asked to send.

The wrapping may name another family than the descriptor's own: Python then builds that family's sockaddr, and the
kernel itself answers to a short or a foreign address. Where the standard library cannot pass a request on, the
answer is worked out after the kernel's own order of checks (`Emulated`, net/socket.c) or refused (`Inexpressible`).
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from ctypes import c_char
from typing import Any

from pysock_raw.backends.addresses import HEADER, WHOLE, family_of, to_python
from pysock_raw.backends.contract import SocklenPointer
from pysock_raw.backends.wrapping import Emulated, Inexpressible
from pysock_raw.structures import PYPY, sizeof, sockaddr_in, sockaddr_in6, sockaddr_un

NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)
FASTOPEN = getattr(socket, "MSG_FASTOPEN", 0)
CLOEXEC = getattr(socket, "SOCK_CLOEXEC", 0)
LARGEST = 2**31 - 1  # as a backlog, the longest queue; as a descriptor, one that can never be open
STORAGE = 128  # sizeof(struct sockaddr_storage): a longer address is EINVAL (move_addr_to_kernel)
UNSPECIFIED = "Python has no address of AF_UNSPEC, which dissolves a connection"
ADDRESSES: dict[int, Any] = {socket.AF_INET: sockaddr_in, socket.AF_INET6: sockaddr_in6}


class Wrapped(socket.socket):
    """A descriptor as a socket object, for one call. With SOCK_NONBLOCK in its type the object has a timeout of
    0, so that Python neither touches O_NONBLOCK for a default timeout nor waits after a connect that a signal
    interrupted; the descriptor itself stays as it is (init_sockobject and internal_connect, socketmodule.c)."""

    # An exception from a signal handler may come before __exit__ is reached: then too the descriptor stays open.
    __del__ = socket.SocketType.detach
    own: int
    """The family of the descriptor, which may be another than that of the object (wrapped_as_it_is)."""

    def __exit__(self, *args: object) -> None:
        self.detach()

    def domain(self) -> int:
        return self.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN)

    def kind(self) -> int:
        return self.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)


def wrapped(fd: int, family: int = socket.AF_INET) -> Wrapped:
    sock = Wrapped(family, socket.SOCK_STREAM | NONBLOCK, 0, fileno=LARGEST if fd < 0 else fd)
    if PYPY:  # it takes any number; sock_initobj looks whether this is a socket
        sock.kind()
    return sock


def wrapped_as_it_is(fd: int) -> Wrapped:
    """Wrapped under its own family, which decides how much room Python has for an address that comes back; under
    AF_UNIX, which has the most, where it is none of IP's, because Python may not know it (getsockaddrlen)."""
    with wrapped(fd) as sock:
        own = sock.domain()
    known = own in ADDRESSES or PYPY  # an object of PyPy's makes each address one of its own family
    sock = wrapped(fd, own if known else socket.AF_UNIX)
    sock.own = own
    return sock


def as_c_leaves_it(fd: int, flags: int) -> int:
    """A descriptor as C leaves it: close-on-exec and O_NONBLOCK only where flags ask for them."""
    if not flags & CLOEXEC:
        os.set_inheritable(fd, True)
    if socket.getdefaulttimeout() is not None or flags & NONBLOCK:
        os.set_blocking(fd, not flags & NONBLOCK)
    return fd


def copied(view: memoryview | None, addrlen: int) -> bytes:
    """The bytes of an address that the kernel reads (move_addr_to_kernel)."""
    if addrlen < 0 or addrlen > STORAGE:
        raise Emulated(errno.EINVAL)
    if view is None and addrlen:
        raise Emulated(errno.EFAULT)
    return b"" if view is None else bytes(view[:addrlen])


def send_address(sock: Wrapped, raw: bytes, call: str, flags: int = 0) -> tuple[int, Any]:
    """The family to wrap with and Python's address that make the kernel see what C would show it, or something
    that it refuses for the same reason, at the same point of its checks."""
    own, family, addrlen = sock.domain(), family_of(raw), len(raw)
    if own == getattr(socket, "AF_PACKET", None) and call == "connect":
        return socket.AF_INET, ("0.0.0.0", 0)  # it has no connect that would look at the address (sock_no_connect)
    if own not in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        if family == own and addrlen >= WHOLE.get(own, STORAGE + 1):
            return own, _addressed(to_python(raw))
        if call != "sendto" and family not in (own, socket.AF_UNSPEC, None) and addrlen <= sizeof(sockaddr_un):
            return socket.AF_UNIX, bytes(addrlen - HEADER)  # foreign, as the one asked for
        raise Inexpressible(f"this fallback has no addresses for a socket of family {own}")
    if own == socket.AF_UNIX:
        return _local_address(sock, raw, call)
    kind = sock.kind()
    if flags & FASTOPEN and kind == socket.SOCK_STREAM:
        call = "connect"  # whose checks it gets (tcp_sendmsg_fastopen)
    if kind == socket.SOCK_RAW and (family != own or addrlen < sizeof(ADDRESSES[own])):
        raise Inexpressible("a raw socket looks at other parts of an address than Python can choose")
    if call == "connect" and family is None:
        raise Emulated(errno.EINVAL)  # inet_stream_connect, before the state of the socket
    if call == "connect" and family == socket.AF_UNSPEC:
        raise Inexpressible(UNSPECIFIED)
    if family == socket.AF_UNSPEC and addrlen >= 16 and own == socket.AF_INET:
        # ip(7) has nothing on it: bind takes AF_UNSPEC for AF_INET if it is the wildcard (__inet_bind), and
        # sendto always (udp_sendmsg).
        if call == "sendto" or raw[4:8] == bytes(4):
            return socket.AF_INET, to_python(_as_inet(raw))
    if family == socket.AF_UNSPEC and call == "sendto" and own == socket.AF_INET6:
        return own, None  # no address at all (udpv6_sendmsg)
    # A datagram socket of IPv6 takes an IPv4 address as it is (__ip6_datagram_connect, udpv6_sendmsg).
    as_ip4 = own == socket.AF_INET6 and call != "bind" and kind == socket.SOCK_DGRAM
    if family == socket.AF_INET and as_ip4 and addrlen < 16:
        raise Inexpressible("Python's IPv4 addresses are never short, and this socket looks at the family first")
    if family == socket.AF_INET and addrlen >= 16 and (own == family or addrlen == 16 or as_ip4):
        return family, to_python(raw)
    if family == socket.AF_INET6 and (addrlen >= 28 or (addrlen >= 24 and own == family)):
        return family, _without_traffic_class(sock, own, to_python(raw))
    # Too short or foreign: an abstract AF_UNIX name of the same length is refused for the same reason.
    return socket.AF_UNIX, bytes(min(max(addrlen, 2), 110) - 2)


def _addressed(address: Any) -> Any:
    """An address of AF_NETLINK, AF_VSOCK or AF_PACKET. Python looks the interface of the latter up by name."""
    if address[0] == "":
        raise Inexpressible("an address of AF_PACKET has the name of an interface in Python, and can have none")
    return address


def _as_inet(raw: bytes) -> bytes:
    return bytes(sockaddr_in(sin_family=socket.AF_INET))[:HEADER] + raw[HEADER:]


def _local_address(sock: Wrapped, raw: bytes, call: str) -> tuple[int, Any]:
    family = family_of(raw)
    if call == "sendto" and not raw:
        return socket.AF_UNIX, None  # no address at all (unix_dgram_sendmsg)
    if call == "connect" and family == socket.AF_UNSPEC and sock.kind() == socket.SOCK_DGRAM:
        raise Inexpressible(UNSPECIFIED)
    if family == socket.AF_UNIX and len(raw) <= sizeof(sockaddr_un):
        path = to_python(raw)
        if len(path) >= sizeof(sockaddr_un) - HEADER and not path.startswith(b"\0"):
            raise Inexpressible(
                f"socket.{call} refuses a path of {len(path)} bytes, which fits sun_path without its NUL"
            )
        return family, path
    return socket.AF_INET, ("0.0.0.0", 0)  # any address that is none of AF_UNIX gets EINVAL (unix_validate_addr)


def _without_traffic_class(sock: Wrapped, own: int, address: Any) -> Any:
    """Python takes flow labels of 20 bits. The kernel reads more (the traffic class) only on a socket that
    asked for it."""
    host, port, flow, scope = address
    if flow > 0xFFFFF and own == socket.AF_INET6 and _sends_flow_info(sock):
        raise Inexpressible("socket addresses hold a flow label of 20 bits and no traffic class")
    return host, port, flow & 0xFFFFF, scope


def _sends_flow_info(sock: Wrapped) -> bool:
    """Whether IPV6_FLOWINFO_SEND (33 in linux/in6.h) is set, which MPTCP does not have."""
    try:
        return bool(sock.getsockopt(socket.IPPROTO_IPV6, 33))
    except OSError:
        return False


def give_address(raw: bytes, view: memoryview | None, room: int, addrlen: SocklenPointer) -> None:
    """Write an address back as the kernel does: its full length reported, its bytes cut to the caller's room
    (move_addr_to_user, which since Linux 6.16 writes the length first)."""
    if addrlen is None:
        raise Emulated(errno.EFAULT)
    if room >= 2**31:
        raise Emulated(errno.EINVAL)
    room = min(room, len(raw))
    addrlen.value = len(raw)
    if room and view is None:
        raise Emulated(errno.EFAULT)
    if view is not None:
        view[:room] = raw[:room]


def must_be_open(fd: int) -> None:
    """EBADF for a descriptor that is not open (or open for its path alone), whatever else it refers to."""
    try:
        with wrapped(fd):
            pass
    except OSError as error:
        if error.errno != errno.ENOTSOCK:
            raise


def buffer(view: memoryview | None, length: int) -> Any:
    return _null(length) if view is None else view[:length]


def _null(length: int) -> Any:
    """So much memory at NULL. CPython hands the address on and touches nothing: the kernel itself answers EFAULT."""
    if length and PYPY:
        raise Inexpressible("PyPy copies what it sends and receives, which cannot be done at NULL")
    return (c_char * min(length, sys.maxsize)).from_address(0) if length else bytearray()


def backlog_as_it_is(backlog: int) -> int:
    """The backlog to ask Python for so that the kernel gets this one. listen(2): a negative one is the largest, which
    socket.listen would raise to 0; PyPy's raises 0 to 1."""
    if backlog == 0 and PYPY:
        raise Inexpressible("PyPy's socket.listen raises a backlog of 0 to 1")
    return LARGEST if backlog < 0 else backlog

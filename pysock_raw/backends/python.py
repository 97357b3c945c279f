"""The Python fallback: C's calls, results and errnos, made of the standard library only.

A descriptor is wrapped in a socket object for the time of one call and let go of afterwards. The wrapping may
name another family than the descriptor's own: Python then builds that family's sockaddr, and the kernel itself
answers to a short or a foreign address. Where the standard library cannot pass a request on, the answer is
worked out after the kernel's own order of checks (`Emulated`, net/socket.c) or refused (`Inexpressible`).
"""

from __future__ import annotations

import errno
import fcntl as _fcntl
import mmap
import os
import select
import socket as _socket
import struct
import sys
from typing import Any

from pysock_raw.backends import arguments
from pysock_raw.backends.addresses import HEADER, family_of, to_bytes, to_python
from pysock_raw.backends.arguments import to_int
from pysock_raw.backends.contract import (
    Fd,
    Int,
    Readable,
    Size,
    Socklen,
    SocklenPointer,
    Text,
    UInt16,
    UInt32,
    Writable,
    documented,
)
from pysock_raw.backends.wrapping import Emulated, Inexpressible, LastCall
from pysock_raw.constants import NAMES, absent
from pysock_raw.structures import *
from pysock_raw.structures import pollfd, sizeof as sizeof, sockaddr_in, sockaddr_in6, sockaddr_un

name = "python"
_last = LastCall()

NONBLOCK = getattr(_socket, "SOCK_NONBLOCK", 0)
CLOEXEC = getattr(_socket, "SOCK_CLOEXEC", 0)
LARGEST = 2**31 - 1  # as a backlog, the longest queue; as a descriptor, one that can never be open
STORAGE = 128  # sizeof(struct sockaddr_storage): a longer address is EINVAL (move_addr_to_kernel)
MAX_RW_COUNT = 0x7FFFF000  # read(2): at most this many bytes are transferred
SOCK_TYPE_MASK = 0xF  # linux/net.h: the flags are above
F_GETOWN_EX, F_OWNER_PGRP = 16, 2  # fcntl(2); Python names them from 3.13 on
OWN_LEVELS = (_socket.IPPROTO_IP, _socket.IPPROTO_IPV6, _socket.IPPROTO_TCP, _socket.IPPROTO_UDP)
ADDRESSES: dict[int, Any] = {_socket.AF_INET: sockaddr_in, _socket.AF_INET6: sockaddr_in6}


class _Wrapped(_socket.socket):
    """A descriptor as a socket object, for one call. With SOCK_NONBLOCK in its type the object has a timeout of
    0, so that Python neither touches O_NONBLOCK for a default timeout nor waits after a connect that a signal
    interrupted; the descriptor itself stays as it is (init_sockobject and internal_connect, socketmodule.c)."""

    # An exception from a signal handler may come before __exit__ is reached: then too the descriptor stays open.
    __del__ = _socket.SocketType.detach

    def __exit__(self, *args: object) -> None:
        self.detach()

    def domain(self) -> int:
        return self.getsockopt(_socket.SOL_SOCKET, _socket.SO_DOMAIN)

    def kind(self) -> int:
        return self.getsockopt(_socket.SOL_SOCKET, _socket.SO_TYPE)


def _wrapped(fd: int, family: int = _socket.AF_INET) -> _Wrapped:
    return _Wrapped(family, _socket.SOCK_STREAM | NONBLOCK, 0, fileno=LARGEST if fd < 0 else fd)


def _as_it_is(fd: int) -> _Wrapped:
    """Wrapped under its own family, which decides how much room Python has for an address that comes back."""
    with _wrapped(fd) as sock:
        family = sock.domain()
    return _wrapped(fd, family)


def _new(fd: int, flags: int) -> int:
    """A descriptor as C leaves it: close-on-exec and O_NONBLOCK only where flags ask for them."""
    if not flags & CLOEXEC:
        os.set_inheritable(fd, True)
    if _socket.getdefaulttimeout() is not None or flags & NONBLOCK:
        os.set_blocking(fd, not flags & NONBLOCK)
    return fd


def _copied(view: memoryview | None, addrlen: int) -> bytes:
    """The bytes of an address that the kernel reads (move_addr_to_kernel)."""
    if addrlen < 0 or addrlen > STORAGE:
        raise Emulated(errno.EINVAL)
    if view is None and addrlen:
        raise Emulated(errno.EFAULT)
    return b"" if view is None else bytes(view[:addrlen])


def _send_address(sock: _Wrapped, raw: bytes, call: str) -> tuple[int, Any]:
    """The family to wrap with and Python's address that make the kernel see what C would show it, or something
    that it refuses for the same reason, at the same point of its checks."""
    own, family, addrlen = sock.domain(), family_of(raw), len(raw)
    if own not in (_socket.AF_INET, _socket.AF_INET6, _socket.AF_UNIX):
        if call != "sendto" and family not in (own, _socket.AF_UNSPEC, None) and addrlen <= sizeof(sockaddr_un):
            return _socket.AF_UNIX, bytes(addrlen - HEADER)  # foreign, as the one asked for
        raise Inexpressible(f"this fallback has no addresses for a socket of family {own}")
    if own == _socket.AF_UNIX:
        return _local_address(sock, raw, call)
    kind = sock.kind()
    if kind == _socket.SOCK_RAW and (family != own or addrlen < sizeof(ADDRESSES[own])):
        raise Inexpressible("a raw socket looks at other parts of an address than Python can choose")
    if call == "connect" and family is None:
        raise Emulated(errno.EINVAL)  # inet_stream_connect, before the state of the socket
    if call == "connect" and family == _socket.AF_UNSPEC:
        raise Inexpressible("socket.connect has no address for AF_UNSPEC, which dissolves a connection")
    if family == _socket.AF_UNSPEC and addrlen >= 16 and own == _socket.AF_INET:
        # ip(7) has nothing on it: bind takes AF_UNSPEC for AF_INET if it is the wildcard (__inet_bind), and
        # sendto always (udp_sendmsg).
        if call == "sendto" or raw[4:8] == bytes(4):
            return _socket.AF_INET, to_python(_as_inet(raw))
    if family == _socket.AF_UNSPEC and call == "sendto" and own == _socket.AF_INET6:
        return own, None  # no address at all (udpv6_sendmsg)
    # A datagram socket of IPv6 takes an IPv4 address as it is (__ip6_datagram_connect, udpv6_sendmsg).
    as_ip4 = own == _socket.AF_INET6 and call != "bind" and kind == _socket.SOCK_DGRAM
    if family == _socket.AF_INET and as_ip4 and addrlen < 16:
        raise Inexpressible("Python's IPv4 addresses are never short, and this socket looks at the family first")
    if family == _socket.AF_INET and addrlen >= 16 and (own == family or addrlen == 16 or as_ip4):
        return family, to_python(raw)
    if family == _socket.AF_INET6 and (addrlen >= 28 or (addrlen >= 24 and own == family)):
        return family, _without_traffic_class(sock, own, to_python(raw))
    # Too short or foreign: an abstract AF_UNIX name of the same length is refused for the same reason.
    return _socket.AF_UNIX, bytes(min(max(addrlen, 2), 110) - 2)


def _as_inet(raw: bytes) -> bytes:
    return bytes(sockaddr_in(sin_family=_socket.AF_INET))[:HEADER] + raw[HEADER:]


def _local_address(sock: _Wrapped, raw: bytes, call: str) -> tuple[int, Any]:
    family = family_of(raw)
    if call == "sendto" and not raw:
        return _socket.AF_UNIX, None  # no address at all (unix_dgram_sendmsg)
    if call == "connect" and family == _socket.AF_UNSPEC and sock.kind() == _socket.SOCK_DGRAM:
        raise Inexpressible("socket.connect has no address for AF_UNSPEC, which dissolves a connection")
    if family == _socket.AF_UNIX and len(raw) <= sizeof(sockaddr_un):
        path = to_python(raw)
        if len(path) >= sizeof(sockaddr_un) - HEADER and not path.startswith(b"\0"):
            raise Inexpressible(
                f"socket.{call} refuses a path of {len(path)} bytes, which fits sun_path without its NUL"
            )
        return family, path
    return _socket.AF_INET, (
        "0.0.0.0",
        0,
    )  # any address that is none of AF_UNIX gets EINVAL (unix_validate_addr)


def _without_traffic_class(sock: _Wrapped, own: int, address: Any) -> Any:
    """Python takes flow labels of 20 bits. The kernel reads more (the traffic class) only on a socket that
    asked for it (IPV6_FLOWINFO_SEND, 33 in linux/in6.h)."""
    host, port, flow, scope = address
    if flow > 0xFFFFF and own == _socket.AF_INET6 and sock.getsockopt(_socket.IPPROTO_IPV6, 33):
        raise Inexpressible("socket addresses hold a flow label of 20 bits and no traffic class")
    return host, port, flow & 0xFFFFF, scope


def _give_address(raw: bytes, view: memoryview | None, room: int, addrlen: SocklenPointer) -> None:
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


def _must_be_open(fd: int) -> None:
    """EBADF for a descriptor that is not open (or open for its path alone), whatever else it refers to."""
    try:
        with _wrapped(fd):
            pass
    except OSError as error:
        if error.errno != errno.ENOTSOCK:
            raise


def _unreachable(length: int) -> mmap.mmap | bytearray:
    """Memory for NULL: pages of a file that has been truncated, so that the kernel itself answers EFAULT
    as soon as it touches them. Python hands the address on and touches nothing."""
    length = min(length, MAX_RW_COUNT)
    if length == 0:
        return bytearray()
    if not hasattr(os, "memfd_create"):
        raise Inexpressible("this system has no memory that only the kernel may find missing")
    file = os.memfd_create("NULL")
    try:
        os.truncate(file, length)
        pages = mmap.mmap(file, length)
        os.truncate(file, 0)
    finally:
        os.close(file)
    return pages


def _reachable(fd: int, view: memoryview | None, count: int) -> None:
    """read and write refuse a range beyond all user space before they look at what the descriptor is (vfs_read)."""
    if view is None and count >= 2**47:
        _must_be_open(fd)
        raise Emulated(errno.EFAULT)


def _buffer(view: memoryview | None, length: int) -> Any:
    return _unreachable(length) if view is None else view[:length]


# --- the calls of the documents ---


@documented
@_last.call
def socket(domain: Int, type: Int, protocol: Int, /) -> Fd:
    domain, type, protocol = to_int(domain), to_int(type), to_int(protocol)
    # -1 means a default to Python; the kernel refuses -2 for the same reason as -1.
    domain, type, protocol = (-2 if number == -1 else number for number in (domain, type, protocol))
    return _new(_socket.socket(domain, type, protocol).detach(), type)


@documented
@_last.call
def setsockopt(fd: Fd, level: Int, optname: Int, optval: Readable, optlen: Socklen, /) -> Int:
    level, optname, view, optlen = arguments.option_value(level, optname, optval, optlen)
    with _wrapped(to_int(fd)) as sock:
        if view is None or not 0 <= optlen < 2**31:  # a negative length is refused before the pointer is used
            sock.setsockopt(level, optname, None, optlen & 0xFFFFFFFF)
        else:
            sock.setsockopt(level, optname, view[:optlen])
    return 0


@documented
@_last.call
def bind(fd: Fd, addr: Readable, addrlen: Socklen, /) -> Int:
    view, addrlen = arguments.address(addr, addrlen)
    fd = to_int(fd)
    with _wrapped(fd) as sock:
        family, address = _send_address(sock, _copied(view, addrlen), "bind")
    with _wrapped(fd, family) as sock:
        sock.bind(address)
    return 0


@documented
@_last.call
def listen(fd: Fd, backlog: Int, /) -> Int:
    fd, backlog = to_int(fd), to_int(backlog)
    with _wrapped(fd) as sock:
        sock.listen(LARGEST if backlog < 0 else backlog)  # listen(2); socket.listen raises it to 0
    return 0


@documented
@_last.call
def accept(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Fd:
    view, room = arguments.value_result(addr, addrlen)
    return _accepted(to_int(fd), view, room, addrlen, 0)


def _accepted(fd: int, view: memoryview | None, room: int, addrlen: SocklenPointer, flags: int) -> int:
    with _as_it_is(fd) as sock:
        connection, peer = sock._accept()  # type: ignore[attr-defined]
    try:
        if view is not None:
            _give_address(to_bytes(sock.family, peer), view, room, addrlen)
    except BaseException:
        os.close(connection)  # so does the kernel: the connection is lost
        raise
    return _new(connection, flags)


@documented
@_last.call
def connect(fd: Fd, addr: Readable, addrlen: Socklen, /) -> Int:
    view, addrlen = arguments.address(addr, addrlen)
    fd = to_int(fd)
    _must_be_open(fd)
    raw = _copied(view, addrlen)  # before the descriptor is found to be no socket (__sys_connect)
    with _wrapped(fd) as sock:
        family, address = _send_address(sock, raw, "connect")
    with _wrapped(fd, family) as sock:
        sock.connect(address)
    return 0


# --- their companions ---


@documented
@_last.call
def accept4(fd: Fd, addr: Writable, addrlen: SocklenPointer, flags: Int, /) -> Fd:
    view, room = arguments.value_result(addr, addrlen)
    fd, flags = to_int(fd), to_int(flags)
    if flags & ~(NONBLOCK | CLOEXEC):
        _must_be_open(fd)  # the flags are looked at next, and then whether it is a socket (__sys_accept4)
        raise Emulated(errno.EINVAL)
    return _accepted(fd, view, room, addrlen, flags)


@documented
@_last.call
def socketpair(domain: Int, type: Int, protocol: Int, sv: Writable, /) -> Int:
    view = arguments.descriptor_pair(sv)
    domain, type, protocol = to_int(domain), to_int(type), to_int(protocol)
    flags = type & ~SOCK_TYPE_MASK
    if view is None and not flags & ~(NONBLOCK | CLOEXEC):
        raise Emulated(errno.EFAULT)  # after the flags, before anything is created (__sys_socketpair)
    pair = _socket.socketpair(domain, type, protocol)
    fds = [_new(end.detach(), type) for end in pair]
    assert view is not None  # the kernel refused the flags
    view[:8] = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
    return 0


@documented
@_last.call
def getsockopt(fd: Fd, level: Int, optname: Int, optval: Writable, optlen: SocklenPointer, /) -> Int:
    level, optname, view, room = arguments.option_result(level, optname, optval, optlen)
    with _wrapped(to_int(fd)) as sock:
        if optlen is None or room >= 2**31:
            if level != _socket.SOL_SOCKET:
                _known_level(sock, level, optname)
            raise Emulated(errno.EFAULT if optlen is None else errno.EINVAL)
        raw = _option(sock, level, optname, room)
    if level != _socket.SOL_SOCKET or view is not None or not raw:
        optlen.value = len(raw)  # before the value, except in sk_getsockopt
    if raw and view is None:
        raise Emulated(errno.EFAULT)
    if view is not None:
        view[: len(raw)] = raw
    return 0


def _known_level(sock: _socket.socket, level: int, optname: int) -> None:
    """A level that the socket does not have is refused before the length is looked at."""
    try:
        sock.getsockopt(level, optname, 1)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOPROTOOPT) and level not in OWN_LEVELS:
            raise


def _option(sock: _socket.socket, level: int, optname: int, length: int) -> bytes:
    """The value of an option cut to length bytes. Python asks for 1 to 1024 (sock_getsockopt)."""
    raw = sock.getsockopt(level, optname, min(max(length, 1), 1024))
    if length > 1024 and len(raw) == 1024:
        raise Inexpressible("socket.getsockopt reads at most 1024 bytes, and this option may be longer")
    if length == 0:
        _last.emulated = True
    return raw[:length]


@documented
@_last.call
def getsockname(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Int:
    view, room = arguments.value_result(addr, addrlen)
    return _named(to_int(fd), "getsockname", view, room, addrlen)


@documented
@_last.call
def getpeername(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Int:
    view, room = arguments.value_result(addr, addrlen)
    return _named(to_int(fd), "getpeername", view, room, addrlen)


def _named(fd: int, call: str, view: memoryview | None, room: int, addrlen: SocklenPointer) -> int:
    with _as_it_is(fd) as sock:
        _give_address(to_bytes(sock.family, getattr(sock, call)()), view, room, addrlen)
    return 0


@documented
@_last.call
def shutdown(fd: Fd, how: Int, /) -> Int:
    fd, how = to_int(fd), to_int(how)
    with _wrapped(fd) as sock:
        sock.shutdown(how)
    return 0


@documented
@_last.call
def close(fd: Fd, /) -> Int:
    os.close(to_int(fd))
    return 0


@documented
@_last.call
def read(fd: Fd, buf: Writable, count: Size, /) -> int:
    view, count = arguments.sized("buf", buf, count, length_name="count", writable=True)
    fd = to_int(fd)
    _reachable(fd, view, count)
    # readv, because it reads into the buffer itself; but it looks at nothing where there is nothing to read
    return os.readv(fd, [_buffer(view, count)]) if count else len(os.read(fd, 0))


@documented
@_last.call
def write(fd: Fd, buf: Readable, count: Size, /) -> int:
    view, count = arguments.sized("buf", buf, count, length_name="count")
    fd = to_int(fd)
    _reachable(fd, view, count)
    return os.write(fd, _buffer(view, count))


@documented
@_last.call
def send(fd: Fd, buf: Readable, len: Size, flags: Int, /) -> int:
    view, len = arguments.sized("buf", buf, len)
    fd, flags = to_int(fd), to_int(flags)
    with _wrapped(fd) as sock:
        return sock.send(_buffer(view, len), flags)


@documented
@_last.call
def recv(fd: Fd, buf: Writable, len: Size, flags: Int, /) -> int:
    view, len = arguments.sized("buf", buf, len, writable=True)
    fd, flags = to_int(fd), to_int(flags)
    with _as_it_is(fd) as sock:
        # recvfrom_into, because recv_into makes no call for 0 bytes (sock_recv_guts)
        return sock.recvfrom_into(_buffer(view, len), 0, flags)[0]


@documented
@_last.call
def sendto(fd: Fd, buf: Readable, len: Size, flags: Int, addr: Readable, addrlen: Socklen, /) -> int:
    view, len = arguments.sized("buf", buf, len)
    to, addrlen = arguments.address(addr, addrlen)
    fd, flags = to_int(fd), to_int(flags)
    if to is None:  # sendto(2): as send, whatever the length
        return send(fd, buf, len, flags)
    with _wrapped(fd) as sock:
        family, address = _send_address(sock, _copied(to, addrlen), "sendto")
    with _wrapped(fd, family) as sock:
        if address is None:
            return sock.send(_buffer(view, len), flags)
        return sock.sendto(_buffer(view, len), flags, address)


@documented
@_last.call
def recvfrom(fd: Fd, buf: Writable, len: Size, flags: Int, addr: Writable, addrlen: SocklenPointer, /) -> int:
    view, len = arguments.sized("buf", buf, len, writable=True)
    sender, room = arguments.value_result(addr, addrlen)
    fd, flags = to_int(fd), to_int(flags)
    with _as_it_is(fd) as sock:
        received, address = sock.recvfrom_into(_buffer(view, len), 0, flags)
    if sender is not None:
        _give_address(to_bytes(sock.family, address), sender, room, addrlen)
    return received


@documented
@_last.call
def poll(fds: Writable, nfds: Size, timeout: Int, /) -> Int:
    view, nfds = arguments.poll_entries(fds, nfds)
    timeout = to_int(timeout)
    if nfds > os.sysconf("SC_OPEN_MAX"):
        raise Emulated(errno.EINVAL)  # poll(2): RLIMIT_NOFILE
    if view is None and nfds:
        raise Emulated(errno.EFAULT)
    entries = [] if view is None else list((pollfd * nfds).from_buffer(view))
    asked: dict[int, int] = {}
    for entry in entries:  # select.poll has one entry for each descriptor, C may have several
        asked[entry.fd] = asked.get(entry.fd, 0) | (entry.events & 0xFFFF)
    poller = select.poll()
    for fd, events in asked.items():
        if fd >= 0:  # poll(2): a negative one is ignored
            poller.register(fd, events)
    answers = dict(poller.poll(timeout))
    always = select.POLLERR | select.POLLHUP | select.POLLNVAL
    for entry in entries:
        entry.revents = answers.get(entry.fd, 0) & ((entry.events & 0xFFFF) | always)
    return sum(entry.revents != 0 for entry in entries)


@documented
@_last.call
def fcntl(fd: Fd, cmd: Int, arg: Int, /) -> Int:
    cmd, arg = arguments.int_command(cmd, arg, _INT_COMMANDS)
    fd = LARGEST if to_int(fd) < 0 else to_int(fd)
    if cmd == getattr(_fcntl, "F_GETOWN", None) and sys.platform == "linux":
        # A process group is a negative result, which fcntl.fcntl takes for a failure; so glibc asks this way too.
        kind, owner = struct.unpack("ii", _fcntl.fcntl(fd, F_GETOWN_EX, bytes(8)))
        return int(-owner if kind == F_OWNER_PGRP else owner)
    return _fcntl.fcntl(fd, cmd, arg)


# --- conversions ---


@documented
def htons(hostshort: UInt16, /) -> UInt16:
    return _socket.htons(arguments.integer(hostshort, 0, 0xFFFF))


@documented
def htonl(hostlong: UInt32, /) -> UInt32:
    return _socket.htonl(arguments.integer(hostlong, 0, 0xFFFFFFFF))


@documented
def ntohs(netshort: UInt16, /) -> UInt16:
    return _socket.ntohs(arguments.integer(netshort, 0, 0xFFFF))


@documented
def ntohl(netlong: UInt32, /) -> UInt32:
    return _socket.ntohl(arguments.integer(netlong, 0, 0xFFFFFFFF))


@documented
@_last.call
def inet_pton(af: Int, src: Text, dst: Writable, /) -> Int:
    af, raw = to_int(af), arguments.text(src)
    view = arguments.ip_address("dst", af, dst, writable=True)
    try:
        packed = _socket.inet_pton(af, raw.decode("latin-1"))
    except OSError as error:
        if error.errno is None:  # "illegal IP address string"
            return 0
        raise
    view[: len(packed)] = packed
    return 1


@documented
def inet_ntop(af: Int, src: Readable, dst: Writable, size: Socklen, /) -> Any:
    af, view = to_int(af), arguments.ip_address("src", af, src)
    room, size = arguments.text_room(dst, size)
    return dst if _ntop(af, view, room, size) == 0 else None


@_last.call
def _ntop(af: int, view: memoryview, room: memoryview, size: int) -> int:
    if af not in (_socket.AF_INET, _socket.AF_INET6):
        raise Emulated(errno.EAFNOSUPPORT)  # inet_ntop(3); Python raises ValueError
    text = _socket.inet_ntop(af, view[: 4 if af == _socket.AF_INET else 16]).encode() + b"\0"
    if len(text) > size:
        raise Emulated(errno.ENOSPC)
    room[: len(text)] = text
    return 0


@documented
def get_errno() -> int:
    return _last.errno


@documented
def strerror(errnum: Int, /) -> str:
    return os.strerror(to_int(errnum))


# --- beyond C ---


@documented
def emulated() -> bool:
    return _last.emulated


CONSTANTS: dict[str, int] = {
    constant: int(getattr(module, constant))
    for constant in NAMES
    for module in (_socket, select, _fcntl, os, errno)
    if hasattr(module, constant)
}
globals().update(CONSTANTS)
_INT_COMMANDS = arguments.int_commands(CONSTANTS)
__getattr__ = absent(name, "socket, select, fcntl, os and errno")

"""The Python fallback: C's calls, results and errnos, made of the standard library only.

A descriptor is wrapped in a socket object for the time of one call and let go of afterwards; fallback.py says how.
"""

from __future__ import annotations

import errno
import fcntl as _fcntl
import os
import select
import socket as _socket
import struct
import sys
from typing import Any

from pysock_raw.backends import arguments, control, messages
from pysock_raw.backends.addresses import to_bytes
from pysock_raw.backends.arguments import to_int
from pysock_raw.backends.contract import (
    Fd,
    Int,
    Readable,
    Size,
    Socklen,
    SocklenPointer,
    Text,
    TimespecPointer,
    UInt,
    UInt16,
    UInt32,
    Writable,
    documented,
)
from pysock_raw.backends.fallback import (
    CLOEXEC,
    LARGEST,
    NONBLOCK,
    Wrapped,
    as_c_leaves_it,
    backlog_as_it_is,
    buffer,
    copied,
    give_address,
    must_be_open,
    send_address,
    wrapped,
    wrapped_as_it_is,
)
from pysock_raw.backends.fallback_messages import (
    receive_message,
    receive_messages,
    refuse_compat,
    send_message,
    send_messages,
)
from pysock_raw.backends.wrapping import Emulated, Inexpressible, LastCall
from pysock_raw.constants import NAMES, absent
from pysock_raw.structures import *
from pysock_raw.structures import pollfd, sizeof as sizeof

name = "python"
_last = LastCall()

SOCK_TYPE_MASK = 0xF  # linux/net.h: the flags are above
F_GETOWN_EX, F_OWNER_PGRP = 16, 2  # fcntl(2); Python names them from 3.13 on
SOL_RAW, SOL_PACKET, SOL_NETLINK, SOL_XDP = 255, 263, 270, 283  # linux/socket.h
IP_LEVELS = (_socket.IPPROTO_IP, _socket.IPPROTO_IPV6, SOL_RAW)

#: family -> the levels of its own; AF_NETLINK, AF_PACKET, AF_VSOCK and AF_XDP by their numbers in linux/socket.h
OWN_LEVELS: dict[int, tuple[int, ...]] = {
    _socket.AF_INET: IP_LEVELS,
    _socket.AF_INET6: IP_LEVELS,
    16: (SOL_NETLINK,),
    17: (SOL_PACKET,),
    40: (40,),
    44: (SOL_XDP,),
}
#: TCP_NODELAY and UDP_CORK: whatever has the level has them.
FIRST_OPTIONS = {_socket.IPPROTO_TCP: 1, _socket.IPPROTO_UDP: 1}


# --- the calls of the documents ---


@documented
@_last.call
def socket(domain: Int, type: Int, protocol: Int, /) -> Fd:
    domain, type, protocol = to_int(domain), to_int(type), to_int(protocol)
    # -1 means a default to Python; the kernel refuses -2 for the same reason as -1.
    domain, type, protocol = (-2 if number == -1 else number for number in (domain, type, protocol))
    return as_c_leaves_it(_socket.socket(domain, type, protocol).detach(), type)


@documented
@_last.call
def setsockopt(fd: Fd, level: Int, optname: Int, optval: Readable, optlen: Socklen, /) -> Int:
    level, optname, view, optlen = arguments.option_value(level, optname, optval, optlen)
    with wrapped(to_int(fd)) as sock:
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
    with wrapped(fd) as sock:
        family, address = send_address(sock, copied(view, addrlen), "bind")
    with wrapped(fd, family) as sock:
        sock.bind(address)
    return 0


@documented
@_last.call
def listen(fd: Fd, backlog: Int, /) -> Int:
    fd, backlog = to_int(fd), to_int(backlog)
    with wrapped(fd) as sock:
        sock.listen(backlog_as_it_is(backlog))
    return 0


@documented
@_last.call
def accept(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Fd:
    view, room = arguments.value_result(addr, addrlen)
    return _accepted(to_int(fd), view, room, addrlen, 0)


def _accepted(fd: int, view: memoryview | None, room: int, addrlen: SocklenPointer, flags: int) -> int:
    with wrapped_as_it_is(fd) as sock:
        connection, peer = sock._accept()  # type: ignore[attr-defined]
    try:
        if view is not None:
            give_address(to_bytes(sock.own, peer), view, room, addrlen)
    except BaseException:
        os.close(connection)  # so does the kernel: the connection is lost
        raise
    return as_c_leaves_it(connection, flags)


@documented
@_last.call
def connect(fd: Fd, addr: Readable, addrlen: Socklen, /) -> Int:
    view, addrlen = arguments.address(addr, addrlen)
    fd = to_int(fd)
    must_be_open(fd)
    raw = copied(view, addrlen)  # before the descriptor is found to be no socket (__sys_connect)
    with wrapped(fd) as sock:
        family, address = send_address(sock, raw, "connect")
    with wrapped(fd, family) as sock:
        sock.connect(address)
    return 0


# --- their companions ---


@documented
@_last.call
def accept4(fd: Fd, addr: Writable, addrlen: SocklenPointer, flags: Int, /) -> Fd:
    view, room = arguments.value_result(addr, addrlen)
    fd, flags = to_int(fd), to_int(flags)
    if flags & ~(NONBLOCK | CLOEXEC):
        must_be_open(fd)  # the flags are looked at next, and then whether it is a socket (__sys_accept4)
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
    fds = [as_c_leaves_it(end.detach(), type) for end in pair]
    assert view is not None  # the kernel refused the flags
    view[:8] = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
    return 0


@documented
@_last.call
def getsockopt(fd: Fd, level: Int, optname: Int, optval: Writable, optlen: SocklenPointer, /) -> Int:
    level, optname, view, room = arguments.option_result(level, optname, optval, optlen)
    with wrapped(to_int(fd)) as sock:
        if optlen is None or room >= 2**31:
            if level != _socket.SOL_SOCKET:
                _known_level(sock, level, optname)
            if optlen is not None and level == _socket.IPPROTO_IPV6:
                raise Inexpressible("most options of IPPROTO_IPV6 take a negative length for a large one")
            raise Emulated(errno.EFAULT if optlen is None else errno.EINVAL)
        try:
            raw, length = _option(sock, level, optname, room)
        except OSError as error:
            if error.errno == errno.ERANGE and level == _socket.SOL_SOCKET:
                optlen.value = _room_needed(sock, optname)
                raise Emulated(errno.ERANGE) from None
            raise
    if level != _socket.SOL_SOCKET or view is not None or not raw:
        optlen.value = length  # before the value, except in sk_getsockopt
    if raw and view is None:
        raise Emulated(errno.EFAULT)
    if view is not None:
        view[: len(raw)] = raw
    return 0


def _known_level(sock: Wrapped, level: int, optname: int) -> None:
    """A level that the socket does not have is refused before the length is looked at."""
    try:
        sock.getsockopt(level, FIRST_OPTIONS.get(level, optname), 1)
    except OSError as error:
        foreign = level not in OWN_LEVELS.get(sock.domain(), ())
        if error.errno == errno.EOPNOTSUPP or (error.errno == errno.ENOPROTOOPT and foreign):
            raise


def _option(sock: _socket.socket, level: int, optname: int, length: int) -> tuple[bytes, int]:
    """The value of an option cut to length bytes, and the length that the kernel reports, which may be longer
    (NETLINK_LIST_MEMBERSHIPS). Python asks for 1 to 1024 (sock_getsockopt)."""
    if (level, optname) in arguments.READS_ITS_BUFFER:
        raise Inexpressible("socket.getsockopt takes no buffer, and this option reads what is in it")
    asked = min(max(length, 1), 1024)
    try:
        raw = sock.getsockopt(level, optname, asked)
    except ValueError as error:  # from 3.15 on
        raise Inexpressible("socket.getsockopt refuses a value that is longer than its room") from error
    if length > 1024 and len(raw) >= 1024:
        raise Inexpressible("socket.getsockopt reads at most 1024 bytes, and this option may be longer")
    if length == 0:
        _last.emulated = True
    return raw[:length], len(raw) if len(raw) > asked else len(raw[:length])


def _room_needed(sock: _socket.socket, optname: int) -> int:
    """What SO_PEERGROUPS and SO_PEERSEC tell together with ERANGE (sk_getsockopt)."""
    try:
        return len(sock.getsockopt(_socket.SOL_SOCKET, optname, 1024))
    except OSError:
        raise Inexpressible("socket.getsockopt reads at most 1024 bytes, and this option needs more") from None


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
    with wrapped_as_it_is(fd) as sock:
        give_address(to_bytes(sock.own, getattr(sock, call)()), view, room, addrlen)
    return 0


@documented
@_last.call
def shutdown(fd: Fd, how: Int, /) -> Int:
    fd, how = to_int(fd), to_int(how)
    with wrapped(fd) as sock:
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
    # readv, because it reads into the buffer itself; but it looks at nothing where there is nothing to read
    return os.readv(fd, [buffer(view, count)]) if count else len(os.read(fd, 0))


@documented
@_last.call
def write(fd: Fd, buf: Readable, count: Size, /) -> int:
    view, count = arguments.sized("buf", buf, count, length_name="count")
    fd = to_int(fd)
    return os.write(fd, buffer(view, count))


@documented
@_last.call
def send(fd: Fd, buf: Readable, len: Size, flags: Int, /) -> int:
    view, len = arguments.sized("buf", buf, len)
    fd, flags = to_int(fd), arguments.send_flags(flags)
    with wrapped(fd) as sock:
        return sock.send(buffer(view, len), flags)


@documented
@_last.call
def recv(fd: Fd, buf: Writable, len: Size, flags: Int, /) -> int:
    view, len = arguments.sized("buf", buf, len, writable=True)
    fd, flags = to_int(fd), to_int(flags)
    with wrapped_as_it_is(fd) as sock:
        # recvfrom_into, because recv_into makes no call for 0 bytes (sock_recv_guts)
        return sock.recvfrom_into(buffer(view, len), 0, flags)[0]


@documented
@_last.call
def sendto(fd: Fd, buf: Readable, len: Size, flags: Int, addr: Readable, addrlen: Socklen, /) -> int:
    view, len = arguments.sized("buf", buf, len)
    to, addrlen = arguments.address(addr, addrlen)
    fd, flags = to_int(fd), arguments.send_flags(flags)
    if to is None:  # sendto(2): as send, whatever the length
        return send(fd, buf, len, flags)
    with wrapped(fd) as sock:
        family, address = send_address(sock, copied(to, addrlen), "sendto", flags)
    with wrapped(fd, family) as sock:
        if address is None:
            return sock.send(buffer(view, len), flags)
        return sock.sendto(buffer(view, len), flags, address)


@documented
@_last.call
def recvfrom(fd: Fd, buf: Writable, len: Size, flags: Int, addr: Writable, addrlen: SocklenPointer, /) -> int:
    view, len = arguments.sized("buf", buf, len, writable=True)
    sender, room = arguments.value_result(addr, addrlen)
    fd, flags = to_int(fd), to_int(flags)
    with wrapped_as_it_is(fd) as sock:
        received, address = sock.recvfrom_into(buffer(view, len), 0, flags)
    if sender is not None:
        give_address(to_bytes(sock.own, address), sender, room, addrlen)
    return received


@documented
@_last.call
def sendmsg(fd: Fd, msg: Readable, flags: Int, /) -> int:
    fd, flags = to_int(fd), arguments.send_flags(flags)
    batch = messages.read("msg", msg, 1, messages.SENDMSG)
    refuse_compat(flags)
    result = send_message(fd, batch, 0, flags)
    messages.done(msg, batch)
    return result


@documented
@_last.call
def recvmsg(fd: Fd, msg: Writable, flags: Int, /) -> int:
    fd, flags = to_int(fd), to_int(flags)
    batch = messages.read("msg", msg, 1, messages.RECVMSG)
    refuse_compat(flags)
    result = receive_message(fd, batch, 0, flags)
    messages.done(msg, batch)
    return result


@documented
@_last.call
def sendmmsg(fd: Fd, msgvec: Writable, vlen: UInt, flags: Int, /) -> Int:
    fd, vlen, flags = to_int(fd), arguments.unsigned(vlen), arguments.send_flags(flags)
    batch = messages.read("msgvec", msgvec, vlen, messages.SENDMMSG)
    refuse_compat(flags)
    result = send_messages(fd, batch, vlen, flags)
    _last.emulated = True
    messages.done(msgvec, batch)
    return result


@documented
@_last.call
def recvmmsg(fd: Fd, msgvec: Writable, vlen: UInt, flags: Int, timeout: TimespecPointer, /) -> Int:
    fd, vlen, flags, time = to_int(fd), arguments.unsigned(vlen), to_int(flags), arguments.time(timeout)
    batch = messages.read("msgvec", msgvec, vlen, messages.RECVMMSG)
    refuse_compat(flags)
    result = receive_messages(fd, batch, vlen, flags, time)
    _last.emulated = True
    messages.done(msgvec, batch)
    arguments.time_left(timeout, time)
    return result


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
    fd = to_int(fd)
    fd = LARGEST if fd < 0 else fd
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
        if error.errno is not None:
            raise
        if af not in (_socket.AF_INET, _socket.AF_INET6):
            raise Emulated(errno.EAFNOSUPPORT) from None  # PyPy asks nobody
        return 0  # "illegal IP address string"
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


# --- control messages ---


@documented
def CMSG_FIRSTHDR(msgh: msghdr, /) -> cmsghdr | None:
    memory = control.buffer_of(msgh)
    return control.header(memory, 0) if memory.nbytes >= control.HEADER else None


@documented
def CMSG_NXTHDR(msgh: msghdr, cmsg: cmsghdr, /) -> cmsghdr | None:
    memory = control.buffer_of(msgh)
    at = control.following(bytes(memory), control.place(memory, cmsg))
    return None if at is None else control.header(memory, at)


@documented
def CMSG_DATA(cmsg: cmsghdr, /) -> memoryview:
    return control.memory_of(cmsg)[control.DATA :]


@documented
def CMSG_LEN(length: Size, /) -> Size:
    return _socket.CMSG_LEN(_few(length))


@documented
def CMSG_SPACE(length: Size, /) -> Size:
    return _socket.CMSG_SPACE(_few(length))


def _few(length: Any) -> int:
    number = arguments.size(length)
    if number > LARGEST - control.HEADER - control.ALIGNMENT:
        raise Inexpressible("socket.CMSG_LEN and CMSG_SPACE give no length of 2**31 bytes or more")
    return number


# --- errors and sizes ---


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

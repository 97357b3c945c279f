"""The plain standard library: what a Python programmer gets from socket.socket for the same request.

Nothing is compensated: this side is the subject of the comparison. A descriptor becomes a socket object the way
Python offers it, `socket.socket(fileno=fd)`; an address becomes Python's tuple or path. What has no such form
(a length, a NULL) is Inexpressible, and what Python refuses stays the exception that it raised.
"""

from __future__ import annotations

import errno
import fcntl as _fcntl
import os
import select
import socket as _socket
import sys
from typing import Any

from pysock_raw.backends import arguments, control, messages, python
from pysock_raw.backends.addresses import HEADER, WHOLE, family_of, to_bytes, to_python
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
from pysock_raw.backends.fallback import CLOEXEC, STORAGE
from pysock_raw.backends.wrapping import Inexpressible, LastCall
from pysock_raw.constants import absent
from pysock_raw.structures import *
from pysock_raw.structures import c_int, pollfd, sizeof as sizeof, sockaddr_un, socklen_t

name = "stdlib"
_last = LastCall()

#: family -> the lengths for which the kernel does what it does for Python's address (SIN6_LEN_RFC2133 is 24)
LENGTHS: dict[int | None, range] = {
    **{family: range(size, STORAGE + 1) for family, size in WHOLE.items()},
    _socket.AF_INET6: range(24, STORAGE + 1),
    _socket.AF_UNIX: range(HEADER, sizeof(sockaddr_un) + 1),
}


class _Borrowed(_socket.socket):
    """A socket object for a descriptor that stays its caller's."""

    # An exception from a signal handler may come before __exit__ is reached: then too the descriptor stays open.
    __del__ = _socket.SocketType.detach

    def __exit__(self, *args: object) -> None:
        self.detach()


def _borrowed(fd: Fd) -> _Borrowed:
    return _Borrowed(fileno=fd)


def _address(view: memoryview | None, addrlen: int) -> Any:
    if view is None:
        return None
    if addrlen < 0:
        raise Inexpressible("Python's addresses have no length of their own that could be negative")
    if addrlen > STORAGE:
        raise Inexpressible("Python's addresses are never longer than sockaddr_storage")
    raw = bytes(view[:addrlen])
    family = family_of(raw)
    if family == _socket.AF_UNSPEC:
        raise Inexpressible("no address of Python has the family AF_UNSPEC")
    if family == _socket.AF_UNIX and len(path := to_python(raw)) > sizeof(sockaddr_un) - HEADER:
        return path  # too long for Python too
    lengths = LENGTHS.get(family) if family is not None else range(0)
    if lengths is not None and addrlen not in lengths:
        wrong = "longer" if lengths and addrlen > lengths[-1] else "shorter"
        raise Inexpressible(f"Python's addresses are whole, and never {wrong} than their family's structure")
    return to_python(raw)


def _must_be_sayable(view: memoryview | None, room: int, addrlen: SocklenPointer, *, asked: bool) -> None:
    """Python returns an address whole, and has no words for what C may ask wrongly."""
    if not asked:
        return
    if addrlen is None:
        raise Inexpressible("Python returns addresses, and takes no pointer to their length that could be NULL")
    if room >= 2**31:
        raise Inexpressible("Python returns addresses, and takes no length for them that could be negative")
    if view is None and room:
        raise Inexpressible("Python returns addresses, and takes no pointer for them that could be NULL")


def _data(view: memoryview | None, length: int) -> Any:
    """What a call sends. NULL is no bytes-like object, except where there is nothing to send."""
    return view[:length] if view is not None else b"" if length == 0 else None


def _place(view: memoryview | None, length: int, call: str) -> memoryview:
    """Where a call puts what it read."""
    if view is None and length:
        raise Inexpressible(f"{call} returns what it read, and takes no pointer for it that could be NULL")
    return memoryview(bytearray()) if view is None else view[:length]


def _give_address(raw: bytes, view: memoryview | None, room: int, addrlen: SocklenPointer) -> None:
    if addrlen is None:
        return
    if view is not None:
        room = min(room, len(raw))
        view[:room] = raw[:room]
    addrlen.value = len(raw)


# --- the calls of the documents ---


@documented
@_last.call
def socket(domain: Int, type: Int, protocol: Int, /) -> Fd:
    return _socket.socket(domain, type, protocol).detach()


@documented
@_last.call
def setsockopt(fd: Fd, level: Int, optname: Int, optval: Readable, optlen: Socklen, /) -> Int:
    level, optname, view, optlen = arguments.option_value(level, optname, optval, optlen)
    with _borrowed(fd) as sock:
        if view is None:
            sock.setsockopt(level, optname, None, optlen & 0xFFFFFFFF)
        elif isinstance(optval, c_int) and optlen == sizeof(c_int):
            sock.setsockopt(level, optname, optval.value)
        elif 0 <= optlen < 2**31:
            sock.setsockopt(level, optname, bytes(view[:optlen]))
        else:
            raise Inexpressible("socket.setsockopt takes the length of its value, which is never negative")
    return 0


@documented
@_last.call
def bind(fd: Fd, addr: Readable, addrlen: Socklen, /) -> Int:
    view, addrlen = arguments.address(addr, addrlen)
    with _borrowed(fd) as sock:
        sock.bind(_address(view, addrlen))
    return 0


@documented
@_last.call
def listen(fd: Fd, backlog: Int, /) -> Int:
    with _borrowed(fd) as sock:
        sock.listen(backlog)
    return 0


@documented
@_last.call
def accept(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Fd:
    view, room = arguments.value_result(addr, addrlen)
    with _borrowed(fd) as sock:
        _must_be_sayable(view, room, addrlen, asked=view is not None)
        connection, peer = sock.accept()
    if view is not None:
        _give_address(to_bytes(connection.family, peer), view, room, addrlen)
    return connection.detach()


@documented
@_last.call
def connect(fd: Fd, addr: Readable, addrlen: Socklen, /) -> Int:
    view, addrlen = arguments.address(addr, addrlen)
    with _borrowed(fd) as sock:
        sock.connect(_address(view, addrlen))
    return 0


# --- their companions ---


@documented
def accept4(fd: Fd, addr: Writable, addrlen: SocklenPointer, flags: Int, /) -> Fd:
    if flags & ~CLOEXEC:  # which is what socket.accept asks for
        raise Inexpressible("socket.accept takes no flags")
    return accept(fd, addr, addrlen)


@documented
@_last.call
def socketpair(domain: Int, type: Int, protocol: Int, sv: Writable, /) -> Int:
    view = arguments.descriptor_pair(sv)
    if view is None:
        raise Inexpressible("socket.socketpair returns its sockets, and takes no pointer for them")
    pair = _socket.socketpair(domain, type, protocol)
    view[:8] = b"".join(end.detach().to_bytes(4, sys.byteorder) for end in pair)
    return 0


@documented
@_last.call
def getsockopt(fd: Fd, level: Int, optname: Int, optval: Writable, optlen: SocklenPointer, /) -> Int:
    level, optname, view, room = arguments.option_result(level, optname, optval, optlen)
    with _borrowed(fd) as sock:
        if optlen is None:
            raise Inexpressible("socket.getsockopt takes no pointer to a length that could be NULL")
        if view is None:
            raise Inexpressible("socket.getsockopt returns its value, and takes no pointer for it that could be NULL")
        if isinstance(optval, c_int) and room == sizeof(c_int):
            value: Any = sock.getsockopt(level, optname)
        elif (level, optname) in arguments.READS_ITS_BUFFER:
            raise Inexpressible("socket.getsockopt takes no buffer, and this option reads what is in it")
        else:
            value = sock.getsockopt(level, optname, c_int(room).value)
    raw = value if isinstance(value, bytes) else (value & 0xFFFFFFFF).to_bytes(4, sys.byteorder)
    kept = raw[:room]  # the kernel may report more than it was given room for, and has not written what is beyond
    view[: len(kept)] = kept
    optlen.value = len(raw)
    return 0


@documented
@_last.call
def getsockname(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Int:
    view, room = arguments.value_result(addr, addrlen)
    with _borrowed(fd) as sock:
        _must_be_sayable(view, room, addrlen, asked=True)
        _give_address(to_bytes(sock.family, sock.getsockname()), view, room, addrlen)
    return 0


@documented
@_last.call
def getpeername(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Int:
    view, room = arguments.value_result(addr, addrlen)
    with _borrowed(fd) as sock:
        _must_be_sayable(view, room, addrlen, asked=True)
        _give_address(to_bytes(sock.family, sock.getpeername()), view, room, addrlen)
    return 0


@documented
@_last.call
def shutdown(fd: Fd, how: Int, /) -> Int:
    with _borrowed(fd) as sock:
        sock.shutdown(how)
    return 0


@documented
@_last.call
def close(fd: Fd, /) -> Int:
    try:
        sock = _socket.socket(fileno=fd)
    except OSError as error:
        if error.errno != errno.ENOTSOCK:
            raise
        os.close(fd)  # a pipe or a file is no socket object in Python either
    else:
        sock.close()
    return 0


@documented
@_last.call
def read(fd: Fd, buf: Writable, count: Size, /) -> int:
    view, count = arguments.sized("buf", buf, count, length_name="count", writable=True)
    place = _place(view, count, "os.read")
    data = os.read(fd, count)
    place[: len(data)] = data
    return len(data)


@documented
@_last.call
def write(fd: Fd, buf: Readable, count: Size, /) -> int:
    view, count = arguments.sized("buf", buf, count, length_name="count")
    return os.write(fd, _data(view, count))


@documented
@_last.call
def send(fd: Fd, buf: Readable, len: Size, flags: Int, /) -> int:
    view, len = arguments.sized("buf", buf, len)
    flags = arguments.send_flags(flags)
    with _borrowed(fd) as sock:
        return sock.send(_data(view, len), flags)


@documented
@_last.call
def recv(fd: Fd, buf: Writable, len: Size, flags: Int, /) -> int:
    view, len = arguments.sized("buf", buf, len, writable=True)
    with _borrowed(fd) as sock:
        return sock.recv_into(_place(view, len, "socket.recv"), 0, flags)


@documented
@_last.call
def sendto(fd: Fd, buf: Readable, len: Size, flags: Int, addr: Readable, addrlen: Socklen, /) -> int:
    view, len = arguments.sized("buf", buf, len)
    to, addrlen = arguments.address(addr, addrlen)
    flags = arguments.send_flags(flags)
    with _borrowed(fd) as sock:
        return sock.sendto(_data(view, len), flags, _address(to, addrlen))


@documented
@_last.call
def recvfrom(fd: Fd, buf: Writable, len: Size, flags: Int, addr: Writable, addrlen: SocklenPointer, /) -> int:
    view, len = arguments.sized("buf", buf, len, writable=True)
    sender, room = arguments.value_result(addr, addrlen)
    with _borrowed(fd) as sock:
        _must_be_sayable(sender, room, addrlen, asked=sender is not None)
        received, address = sock.recvfrom_into(_place(view, len, "socket.recvfrom"), 0, flags)
        if sender is not None:
            _give_address(to_bytes(sock.family, address), sender, room, addrlen)
    return received


@documented
@_last.call
def sendmsg(fd: Fd, msg: Readable, flags: Int, /) -> int:
    flags = arguments.send_flags(flags)
    batch = messages.read("msg", msg, 1, messages.SENDMSG)
    with _borrowed(fd) as sock:
        buffers, ancillary, to = _to_send(_only(batch, "socket.sendmsg"))
        sent = sock.sendmsg(buffers, ancillary, flags, to)
    messages.done(msg, batch)
    return sent


@documented
@_last.call
def recvmsg(fd: Fd, msg: Writable, flags: Int, /) -> int:
    batch = messages.read("msg", msg, 1, messages.RECVMSG)
    with _borrowed(fd) as sock:
        buffers, room = _to_receive(_only(batch, "socket.recvmsg"))
        received, ancillary, msg_flags, sender = sock.recvmsg_into(buffers, room, flags)
        assert batch is not None
        batch.received(0, sock.family, sender, ancillary, msg_flags)
    messages.done(msg, batch)
    return received


def _only(batch: messages.Batch | None, call: str) -> messages.Message:
    if batch is None:
        raise Inexpressible(f"{call} takes no pointer to a structure that could be NULL")
    return batch.messages[0]


def _to_send(message: messages.Message) -> tuple[list[Any], list[control.Triple], Any]:
    """What socket.sendmsg takes: buffers, control messages and an address."""
    buffers, ancillary = _buffers(message, "socket.sendmsg"), _ancillary(message)
    namelen = min(c_int(message.namelen).value, STORAGE)  # a longer one is cut (__copy_msghdr)
    return buffers, ancillary, _address(message.name, namelen) if namelen else None


def _to_receive(message: messages.Message) -> tuple[list[Any], int]:
    """What socket.recvmsg_into takes: buffers, and the length of the control messages that there is room for."""
    _must_be_sayable(message.name, message.namelen, socklen_t(message.namelen), asked=message.name is not None)
    return _buffers(message, "socket.recvmsg"), message.controllen if message.control else 0


def _buffers(message: messages.Message, call: str) -> list[Any]:
    if message.iov is None and message.iovlen:
        raise Inexpressible(f"{call} takes its buffers one by one, and no pointer to an array that could be NULL")
    if call == "socket.sendmsg":
        return [_data(view, length) for view, length in message.vectors]
    return [_place(view, length, call) for view, length in message.vectors]


def _ancillary(message: messages.Message) -> list[control.Triple]:
    if message.control is None and message.controllen:
        raise Inexpressible("socket.sendmsg takes control messages one by one, and no pointer that could be NULL")
    return control.to_triples(bytes(message.control[: message.controllen]) if message.control else b"")


@documented
def sendmmsg(fd: Fd, msgvec: Writable, vlen: UInt, flags: Int, /) -> Int:
    arguments.send_flags(flags)
    messages.read("msgvec", msgvec, arguments.unsigned(vlen), messages.SENDMMSG)
    raise Inexpressible("socket has no sendmmsg: it sends one message at a time")


@documented
def recvmmsg(fd: Fd, msgvec: Writable, vlen: UInt, flags: Int, timeout: TimespecPointer, /) -> Int:
    messages.read("msgvec", msgvec, arguments.unsigned(vlen), messages.RECVMMSG)
    raise Inexpressible("socket has no recvmmsg: it receives one message at a time")


@documented
@_last.call
def poll(fds: Writable, nfds: Size, timeout: Int, /) -> Int:
    view, nfds = arguments.poll_entries(fds, nfds)
    if view is None and nfds:
        raise Inexpressible("select.poll holds its own descriptors, and takes no pointer to an array")
    entries = [] if view is None else list((pollfd * nfds).from_buffer(view))
    poller = select.poll()
    for entry in entries:
        poller.register(entry.fd, entry.events & 0xFFFF)
    answers = dict(poller.poll(timeout))
    for entry in entries:
        entry.revents = answers.get(entry.fd, 0)
    return len(answers)


@documented
@_last.call
def fcntl(fd: Fd, cmd: Int, arg: Int, /) -> Int:
    cmd, arg = arguments.int_command(cmd, arg, python._INT_COMMANDS)
    return _fcntl.fcntl(fd, cmd, arg)


# --- conversions ---


@documented
def htons(hostshort: UInt16, /) -> UInt16:
    return _socket.htons(hostshort)


@documented
def htonl(hostlong: UInt32, /) -> UInt32:
    return _socket.htonl(hostlong)


@documented
def ntohs(netshort: UInt16, /) -> UInt16:
    return _socket.ntohs(netshort)


@documented
def ntohl(netlong: UInt32, /) -> UInt32:
    return _socket.ntohl(netlong)


@documented
@_last.call
def inet_pton(af: Int, src: Text, dst: Writable, /) -> Int:
    view = arguments.ip_address("dst", af, dst, writable=True)
    packed = _socket.inet_pton(af, arguments.text(src).decode("latin-1"))
    view[: len(packed)] = packed
    return 1


@documented
def inet_ntop(af: Int, src: Readable, dst: Writable, size: Socklen, /) -> Any:
    view = arguments.ip_address("src", af, src)
    room, size = arguments.text_room(dst, size)
    text = _socket.inet_ntop(af, view[: 4 if af == _socket.AF_INET else 16]).encode() + b"\0"
    if len(text) > size:
        raise Inexpressible("socket.inet_ntop returns its text, and takes no buffer and no length for it")
    room[: len(text)] = text
    return dst


# --- control messages: Python has triples instead of headers, so a program that walks through them brings its own ---


@documented
def CMSG_FIRSTHDR(msgh: msghdr, /) -> cmsghdr | None:
    return python.CMSG_FIRSTHDR(msgh)


@documented
def CMSG_NXTHDR(msgh: msghdr, cmsg: cmsghdr, /) -> cmsghdr | None:
    return python.CMSG_NXTHDR(msgh, cmsg)


@documented
def CMSG_DATA(cmsg: cmsghdr, /) -> memoryview:
    return python.CMSG_DATA(cmsg)


@documented
def CMSG_LEN(length: Size, /) -> Size:
    return _socket.CMSG_LEN(length)


@documented
def CMSG_SPACE(length: Size, /) -> Size:
    return _socket.CMSG_SPACE(length)


# --- errors and sizes ---


@documented
def get_errno() -> int:
    return _last.errno


@documented
def strerror(errnum: Int, /) -> str:
    return os.strerror(errnum)


# --- beyond C ---


@documented
def emulated() -> bool:
    return False


CONSTANTS = python.CONSTANTS
globals().update(CONSTANTS)
__getattr__ = absent(name, "socket, select, fcntl, os and errno")

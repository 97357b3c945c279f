"""The C backend: one libc call a call, nothing added, nothing hidden, never retried.

Functions that take only integers are the compiled ones themselves. The others check their buffers
(arguments.py) and hand their addresses to the compiled function. The compiled functions release the GIL while
they run, and cffi keeps errno per thread as they left it.

What programs mostly pass needs no view: a structure, bytes, a bytearray. The same checks are then one line, and a
structure is passed by its address as an integer. They ask for the type itself, because an instance of a subclass may
answer to a comparison as it likes; but for the size of the instance, because its __class__ can be assigned. They
measure a bytearray only when from_buffer holds it in place, because until then another thread may shrink it. cffi
itself refuses a size_t below 0. All else goes through arguments.py.
"""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import c_uint32
from typing import Any

from pysock_raw.backends import arguments, control, messages, sources
from pysock_raw.backends._c import ffi, lib
from pysock_raw.backends._c.lib import (
    accept4_at,
    accept_at,
    bind_at,
    connect_at,
    getpeername_at,
    getsockname_at,
    pysock_raw_accept,
    pysock_raw_accept4,
    pysock_raw_bind,
    pysock_raw_connect,
    pysock_raw_getpeername,
    pysock_raw_getsockname,
    pysock_raw_getsockopt,
    pysock_raw_poll,
    pysock_raw_read,
    pysock_raw_recv,
    pysock_raw_recvfrom,
    pysock_raw_recvmmsg,
    pysock_raw_recvmsg,
    pysock_raw_send,
    pysock_raw_sendmmsg,
    pysock_raw_sendmsg,
    pysock_raw_sendto,
    pysock_raw_setsockopt,
    pysock_raw_write,
    recvfrom_at,
    setsockopt_at,
)
from pysock_raw.backends.arguments import SETS_FROM_ELSEWHERE, ZEROCOPY
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
    Writable,
    documented,
)
from pysock_raw.constants import absent
from pysock_raw.structures import *
from pysock_raw.structures import own_size, sizeof as sizeof

name = "c"
digest = ffi.string(lib.pysock_raw_digest).decode()
compiler = ffi.string(lib.pysock_raw_compiler).decode()
if sources.digest(os.path.join(os.path.dirname(__file__), "..", "..")) not in (digest, None):
    raise sources.StaleExtension(
        "the compiled C backend is stale: its sources changed after it was built (pip install -e . rebuilds it)"
    )

_ADDRESS = ffi.typeof("struct sockaddr *")
_LENGTH = ffi.typeof("socklen_t *")
_POLLFD = ffi.typeof("struct pollfd *")
_INT = ffi.typeof("int *")
_MSGHDR = ffi.typeof("struct msghdr *")
_MMSGHDR = ffi.typeof("struct mmsghdr *")
_TIMESPEC = ffi.typeof("struct timespec *")
_CMSGHDR = ffi.typeof("struct cmsghdr *")
_BYTES = ffi.typeof("char[]")
_NULL = ffi.NULL
_from_buffer, _new, _size = ffi.from_buffer, ffi.new, len
addressof: Any = ctypes.addressof  # of what is FLAT

#: Types whose instances have no pointer in them, and no way to say less than their bytes. The call is given the address
#: alone: these interpreters keep what a function's parameter holds until the function has returned.
FLAT: frozenset[type] = frozenset(
    (sockaddr, sockaddr_in, sockaddr_in6, sockaddr_un, sockaddr_storage, c_int, socklen_t, linger, timeval)
    if sys.implementation.name in ("cpython", "pypy")
    else ()
)


def _pointer(view: Any, ctype: Any = _BYTES) -> Any:
    return _NULL if view is None else _from_buffer(ctype, view)


def _structures(batch: messages.Batch | None, ctype: Any) -> Any:
    return _NULL if batch is None else _from_buffer(ctype, batch.own)


def _value_result(call: Any, call_at: Any, fd: Fd, addr: Writable, addrlen: SocklenPointer) -> int:
    """accept and the others that write an address: the kernel gets a copy of the length that nobody else can change."""
    length: Any
    if (
        type(addrlen) is socklen_t
        and type(addr) in FLAT
        and own_size(addrlen) == 4
        and (room := addrlen.value) <= own_size(addr)
    ):
        length = c_uint32(room)
        result: int = call_at(fd, addressof(addr), addressof(length))
        addrlen.value = length.value
        return result
    view, room = arguments.value_result(addr, addrlen)
    length = _NULL if addrlen is None else _new(_LENGTH, room)
    result = call(fd, _pointer(view, _ADDRESS), length)
    if addrlen is not None:
        addrlen.value = length[0]
    return result


def _memory(buf: Writable, len: Size, name: str = "len") -> tuple[Any, int]:
    """A pointer to memory that the kernel writes, and the length."""
    if type(buf) is bytearray and type(len) is int:
        memory = _from_buffer(buf)
        if len <= _size(buf):
            return memory, len
    view, len = arguments.sized("buf", buf, len, length_name=name, writable=True)
    return _pointer(view), len


# --- the calls of the documents ---

socket = lib.pysock_raw_socket


@documented
def setsockopt(fd: Fd, level: Int, optname: Int, optval: Readable, optlen: Socklen, /) -> Int:
    if type(level) is type(optname) is type(optlen) is int and type(optval) in FLAT and 0 <= optlen <= own_size(optval):
        if (level, optname) not in SETS_FROM_ELSEWHERE:
            return setsockopt_at(fd, level, optname, addressof(optval), optlen)
    level, optname, view, optlen = arguments.option_value(level, optname, optval, optlen)
    return pysock_raw_setsockopt(fd, level, optname, _pointer(view), optlen & 0xFFFFFFFF)


@documented
def bind(fd: Fd, addr: Readable, addrlen: Socklen, /) -> Int:
    if type(addrlen) is int and type(addr) in FLAT and 0 <= addrlen <= own_size(addr):
        return bind_at(fd, addressof(addr), addrlen)
    view, addrlen = arguments.address(addr, addrlen)
    return pysock_raw_bind(fd, _pointer(view, _ADDRESS), addrlen & 0xFFFFFFFF)


listen = lib.pysock_raw_listen


@documented
def accept(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Fd:
    # _value_result begins so too: here it is a call of Python less.
    if (
        type(addrlen) is socklen_t
        and type(addr) in FLAT
        and own_size(addrlen) == 4
        and (room := addrlen.value) <= own_size(addr)
    ):
        length = c_uint32(room)
        result = accept_at(fd, addressof(addr), addressof(length))
        addrlen.value = length.value
        return result
    return _value_result(pysock_raw_accept, accept_at, fd, addr, addrlen)


@documented
def connect(fd: Fd, addr: Readable, addrlen: Socklen, /) -> Int:
    if type(addrlen) is int and type(addr) in FLAT and 0 <= addrlen <= own_size(addr):
        return connect_at(fd, addressof(addr), addrlen)
    view, addrlen = arguments.address(addr, addrlen)
    return pysock_raw_connect(fd, _pointer(view, _ADDRESS), addrlen & 0xFFFFFFFF)


# --- their companions ---


@documented
def accept4(fd: Fd, addr: Writable, addrlen: SocklenPointer, flags: Int, /) -> Fd:
    return _value_result(
        lambda fd, addr, addrlen: pysock_raw_accept4(fd, addr, addrlen, flags),
        lambda fd, addr, addrlen: accept4_at(fd, addr, addrlen, flags),
        fd,
        addr,
        addrlen,
    )


@documented
def socketpair(domain: Int, type: Int, protocol: Int, sv: Writable, /) -> Int:
    view = arguments.descriptor_pair(sv)
    return lib.pysock_raw_socketpair(domain, type, protocol, _pointer(view, _INT))


@documented
def getsockopt(fd: Fd, level: Int, optname: Int, optval: Writable, optlen: SocklenPointer, /) -> Int:
    level, optname, view, room = arguments.option_result(level, optname, optval, optlen)
    length = _NULL if optlen is None else _new(_LENGTH, room)
    result = pysock_raw_getsockopt(fd, level, optname, _pointer(view), length)
    if optlen is not None:
        optlen.value = length[0]
    return result


@documented
def getsockname(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Int:
    return _value_result(pysock_raw_getsockname, getsockname_at, fd, addr, addrlen)


@documented
def getpeername(fd: Fd, addr: Writable, addrlen: SocklenPointer, /) -> Int:
    return _value_result(pysock_raw_getpeername, getpeername_at, fd, addr, addrlen)


shutdown = lib.pysock_raw_shutdown
close = lib.pysock_raw_close


@documented
def read(fd: Fd, buf: Writable, count: Size, /) -> int:
    memory, count = _memory(buf, count, "count")
    return pysock_raw_read(fd, memory, count)


@documented
def write(fd: Fd, buf: Readable, count: Size, /) -> int:
    if type(buf) is bytes and type(count) is int and count <= _size(buf):
        return pysock_raw_write(fd, buf, count)
    view, count = arguments.sized("buf", buf, count, length_name="count")
    return pysock_raw_write(fd, _pointer(view), count)


@documented
def send(fd: Fd, buf: Readable, len: Size, flags: Int, /) -> int:
    if type(buf) is bytes and type(len) is type(flags) is int and len <= _size(buf) and not flags & ZEROCOPY:
        return pysock_raw_send(fd, buf, len, flags)
    view, len = arguments.sized("buf", buf, len)
    return pysock_raw_send(fd, _pointer(view), len, arguments.send_flags(flags))


@documented
def recv(fd: Fd, buf: Writable, len: Size, flags: Int, /) -> int:
    if type(buf) is bytearray and type(len) is int:
        memory = _from_buffer(buf)
        if len <= _size(buf):
            return pysock_raw_recv(fd, memory, len, flags)
    view, len = arguments.sized("buf", buf, len, writable=True)
    return pysock_raw_recv(fd, _pointer(view), len, flags)


@documented
def sendto(fd: Fd, buf: Readable, len: Size, flags: Int, addr: Readable, addrlen: Socklen, /) -> int:
    view, len = arguments.sized("buf", buf, len)
    to, addrlen = arguments.address(addr, addrlen)
    flags = arguments.send_flags(flags)
    return pysock_raw_sendto(fd, _pointer(view), len, flags, _pointer(to, _ADDRESS), addrlen & 0xFFFFFFFF)


@documented
def recvfrom(fd: Fd, buf: Writable, len: Size, flags: Int, addr: Writable, addrlen: SocklenPointer, /) -> int:
    memory, len = _memory(buf, len)
    return _value_result(
        lambda fd, addr, addrlen: pysock_raw_recvfrom(fd, memory, len, flags, addr, addrlen),
        lambda fd, addr, addrlen: recvfrom_at(fd, memory, len, flags, addr, addrlen),
        fd,
        addr,
        addrlen,
    )


@documented
def sendmsg(fd: Fd, msg: Readable, flags: Int, /) -> int:
    flags = arguments.send_flags(flags)
    batch = messages.read("msg", msg, 1, messages.SENDMSG)
    result = pysock_raw_sendmsg(fd, _structures(batch, _MSGHDR), flags)
    messages.done(msg, batch)
    return result


@documented
def recvmsg(fd: Fd, msg: Writable, flags: Int, /) -> int:
    batch = messages.read("msg", msg, 1, messages.RECVMSG)
    result = pysock_raw_recvmsg(fd, _structures(batch, _MSGHDR), flags)
    messages.done(msg, batch)
    return result


@documented
def sendmmsg(fd: Fd, msgvec: Writable, vlen: UInt, flags: Int, /) -> Int:
    vlen, flags = arguments.unsigned(vlen), arguments.send_flags(flags)
    batch = messages.read("msgvec", msgvec, vlen, messages.SENDMMSG)
    result = pysock_raw_sendmmsg(fd, _structures(batch, _MMSGHDR), vlen, flags)
    messages.done(msgvec, batch)
    return result


@documented
def recvmmsg(fd: Fd, msgvec: Writable, vlen: UInt, flags: Int, timeout: TimespecPointer, /) -> Int:
    vlen, time = arguments.unsigned(vlen), arguments.time(timeout)
    batch = messages.read("msgvec", msgvec, vlen, messages.RECVMMSG)
    result = pysock_raw_recvmmsg(fd, _structures(batch, _MMSGHDR), vlen, flags, _pointer(time, _TIMESPEC))
    messages.done(msgvec, batch)
    arguments.time_left(timeout, time)
    return result


@documented
def poll(fds: Writable, nfds: Size, timeout: Int, /) -> Int:
    view, nfds = arguments.poll_entries(fds, nfds)
    return pysock_raw_poll(_pointer(view, _POLLFD), nfds, timeout)


@documented
def fcntl(fd: Fd, cmd: Int, arg: Int, /) -> Int:
    cmd, arg = arguments.int_command(cmd, arg, _INT_COMMANDS)
    return lib.pysock_raw_fcntl(fd, cmd, arg)


# --- conversions ---

htons = lib.pysock_raw_htons
htonl = lib.pysock_raw_htonl
ntohs = lib.pysock_raw_ntohs
ntohl = lib.pysock_raw_ntohl


@documented
def inet_pton(af: Int, src: Text, dst: Writable, /) -> Int:
    af, src, view = (
        arguments.to_int(af),
        arguments.text(src),
        arguments.ip_address("dst", af, dst, writable=True),
    )
    return lib.pysock_raw_inet_pton(af, src, _pointer(view))


@documented
def inet_ntop(af: Int, src: Readable, dst: Writable, size: Socklen, /) -> Any:
    af, view = arguments.to_int(af), arguments.ip_address("src", af, src)
    room, size = arguments.text_room(dst, size)
    result = lib.pysock_raw_inet_ntop(af, _pointer(view), _pointer(room), size)
    return None if result == _NULL else dst


# --- control messages ---


@documented
def CMSG_FIRSTHDR(msgh: msghdr, /) -> cmsghdr | None:
    memory = control.buffer_of(msgh)
    copy = bytearray(memory)
    found = lib.pysock_raw_CMSG_FIRSTHDR(ffi.from_buffer(_MSGHDR, messages.with_control(copy)))
    return None if found == _NULL else control.header(memory, 0)


@documented
def CMSG_NXTHDR(msgh: msghdr, cmsg: cmsghdr, /) -> cmsghdr | None:
    memory = control.buffer_of(msgh)
    at, copy = control.place(memory, cmsg), bytearray(memory)
    if control.following(copy, at) is None:
        return None
    start, message = ffi.from_buffer(copy), messages.with_control(copy)
    found = lib.pysock_raw_CMSG_NXTHDR(ffi.from_buffer(_MSGHDR, message), ffi.cast(_CMSGHDR, start + at))
    return None if found == _NULL else control.header(memory, ffi.cast("char *", found) - ffi.cast("char *", start))


@documented
def CMSG_DATA(cmsg: cmsghdr, /) -> memoryview:
    memory = control.memory_of(cmsg)
    start = ffi.from_buffer("unsigned char[]", memory)
    return memory[lib.pysock_raw_CMSG_DATA(ffi.cast(_CMSGHDR, start)) - start :]


CMSG_LEN = lib.pysock_raw_CMSG_LEN
CMSG_SPACE = lib.pysock_raw_CMSG_SPACE


# --- errors and sizes ---


@documented
def get_errno() -> int:
    return ffi.errno


@documented
def strerror(errnum: Int, /) -> str:
    return ffi.string(lib.pysock_raw_strerror(errnum)).decode("utf-8", "replace")


# --- beyond C ---


@documented
def emulated() -> bool:
    return False


def _constants() -> dict[str, int]:
    rows = lib.pysock_raw_constants
    found = {}
    index = 0
    while (row := rows[index]).name:
        found[ffi.string(row.name).decode()] = row.value
        index += 1
    return found


CONSTANTS = _constants()
globals().update(CONSTANTS)
_INT_COMMANDS = arguments.int_commands(CONSTANTS)
__getattr__ = absent(name, "this system's headers")

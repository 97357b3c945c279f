"""The fallback's sendmsg and recvmsg: socket.sendmsg and socket.recvmsg_into, after the checks that the kernel makes of
a msghdr before the socket sees it (__copy_msghdr, __import_iovec); and its sendmmsg and recvmmsg, which call these in
turn."""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

from pysock_raw.backends import control
from pysock_raw.backends.fallback import STORAGE, buffer, send_address, wrapped, wrapped_as_it_is
from pysock_raw.backends.messages import Batch, Message
from pysock_raw.backends.wrapping import Emulated, Inexpressible
from pysock_raw.structures import timespec

MAXIOV = 1024  # UIO_MAXIOV of linux/uio.h
LEAST_OPTMEM = 4096  # net.core.optmem_max is never set lower in practice; longer control messages may be ENOBUFS
MSG_WAITFORONE = 0x10000  # linux/socket.h; Python has no name for it
MSG_ERRQUEUE = getattr(socket, "MSG_ERRQUEUE", 0)


def refuse_compat(flags: int) -> None:
    """MSG_CMSG_COMPAT, bit 31, is the kernel's own, and refused before the descriptor is looked at (__sys_recvmsg)."""
    if flags < 0:
        raise Emulated(errno.EINVAL)


def _checked(batch: Batch | None, index: int) -> Message:
    """One message, if the kernel would go on with it."""
    if batch is None:
        raise Emulated(errno.EFAULT)
    message = batch.messages[index]
    if message.name is not None and message.namelen >= 2**31:
        raise Emulated(errno.EINVAL)
    if message.iov is None and message.iovlen:
        raise Emulated(errno.EMSGSIZE if message.iovlen > MAXIOV else errno.EFAULT)
    if message.iovlen <= MAXIOV:
        longest = max((length for view, length in message.vectors if view is None), default=0)
        if longest >= 2**63:  # negative as an ssize_t
            raise Emulated(errno.EINVAL)
        if longest >= 2**47 and message.iovlen > 1:  # beyond all user space; one buffer alone is cut before
            raise Emulated(errno.EFAULT)
    return message


def _buffers(message: Message) -> list[Any]:
    return [buffer(view, length) for view, length in message.vectors]


def _control(message: Message) -> list[control.Triple]:
    """The control messages to send (____sys_sendmsg)."""
    if message.control is None and message.controllen:
        if LEAST_OPTMEM < message.controllen < 2**31:
            raise Inexpressible("net.core.optmem_max decides how the kernel answers to so long a NULL as msg_control")
        raise Emulated(errno.EFAULT if message.controllen < 2**31 else errno.ENOBUFS)
    return control.to_triples(bytes(message.control[: message.controllen]) if message.control else b"")


def send_message(fd: int, batch: Batch | None, index: int, flags: int) -> int:
    with wrapped(fd) as sock:
        message = _checked(batch, index)
        # A longer address is cut to sockaddr_storage, where sendto refuses it.
        raw = bytes(message.name[: min(message.namelen, STORAGE)]) if message.name is not None else b""
        ancillary = _control(message)
        family, address = send_address(sock, raw, "sendto", flags) if raw else (socket.AF_INET, None)
    with wrapped(fd, family) as sock:
        return sock.sendmsg(_buffers(message), ancillary, flags, address)


def receive_message(fd: int, batch: Batch | None, index: int, flags: int) -> int:
    with wrapped_as_it_is(fd) as sock:
        message = _checked(batch, index)
        # Room in whole alignments, or the interpreter's CMSG_NXTHDR may not see a last message that fits.
        room = control.aligned(message.controllen) if message.control is not None else 0
        received, ancillary, msg_flags, sender = sock.recvmsg_into(_buffers(message), room, flags)
    assert batch is not None
    batch.received(index, sock.family, sender, ancillary, msg_flags)
    return received


def send_messages(fd: int, batch: Batch | None, vlen: int, flags: int) -> int:
    """One after the other, as __sys_sendmmsg does."""
    with wrapped(fd):
        pass  # a socket, also where there is no message
    for index in range(min(vlen, MAXIOV)):
        try:
            length = send_message(fd, batch, index, flags)
        except (OSError, Emulated):
            if index:
                return index  # the error is lost, as in C
            raise
        assert batch is not None
        batch.write(index, msg_len=length)
        if length < batch.messages[index].length:
            return index + 1
    return min(vlen, MAXIOV)


def receive_messages(fd: int, batch: Batch | None, vlen: int, flags: int, timeout: timespec | None) -> int:
    """One after the other, as do_recvmmsg does, which looks at the time only after a message (recvmmsg(2), BUGS)."""
    end = None if timeout is None else _end(timeout)
    with wrapped(fd) as sock:
        if not flags & MSG_ERRQUEUE and (pending := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
            raise OSError(pending, "an earlier error of the socket")
    for index in range(vlen):
        try:
            length = receive_message(fd, batch, index, flags & ~MSG_WAITFORONE)
        except (OSError, Emulated) as error:
            if index and error.errno == errno.EAGAIN:
                return index
            if index:
                raise Inexpressible("recvmmsg leaves an error after some messages to the next call") from error
            raise
        assert batch is not None
        batch.write(index, msg_len=length)
        if flags & MSG_WAITFORONE:
            flags |= socket.MSG_DONTWAIT
        if (timeout is not None and end is not None and _is_over(timeout, end)) or batch.flags(index) & socket.MSG_OOB:
            return index + 1
    return vlen


def _end(timeout: timespec) -> int:
    """When it is over, in nanoseconds (poll_select_set_timeout)."""
    if timeout.tv_sec < 0 or not 0 <= timeout.tv_nsec < 10**9:
        raise Emulated(errno.EINVAL)
    return time.monotonic_ns() + int(timeout.tv_sec) * 10**9 + int(timeout.tv_nsec)


def _is_over(timeout: timespec, end: int) -> bool:
    """Write down what is left of the time."""
    left = max(0, end - time.monotonic_ns())
    timeout.tv_sec, timeout.tv_nsec = divmod(left, 10**9)
    return left == 0

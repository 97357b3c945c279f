"""recvmsg: buffers and the sender's address. Control messages are in recvmsg_control.py."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.kinds import (
    KINDS,
    LOCAL,
    LOCAL_DGRAM,
    LOCAL_SEQPACKET,
    TCP,
    UDP,
    Kind,
    answer,
    bound,
    client,
    connected,
    must,
    of_glibc,
    pair,
    wait_readable,
)
from pysock_raw.conformance.messages import message
from pysock_raw.trace_values import flags

Call = Callable[[Backend, int], int]
State = Callable[[Backend, Kind], int]


def _ends(c: Backend, kind: Kind) -> tuple[int, int]:
    """A socket that sends, and one that receives from it."""
    if kind.family == "AF_UNIX":
        return pair(c, getattr(c, kind.type))
    if kind.type == "SOCK_DGRAM":
        fd, address = bound(c, kind)
        return client(c, kind, address), fd
    return connected(c, kind)


def fresh(c: Backend, kind: Kind) -> int:
    return kind.socket(c)


def said(c: Backend, kind: Kind) -> int:
    """A socket to which `hello` has come."""
    sender, fd = _ends(c, kind)
    must(c, c.send(sender, b"hello", 5, 0))
    wait_readable(c, fd)
    return fd


def _listen(c: Backend, fd: int) -> int:
    return c.recvmsg(fd, message(c, bytearray(5)), c.MSG_DONTWAIT)


# --- scattering ---


def _scattered(kind: Kind) -> None:
    @case(
        f"recvmsg/{kind.name}/scatters",
        "each buffer is filled before the next",
        success("POSIX.1 recvmsg", result=7, observed=["one", "", "tw", "o!.."]),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> list[str]:
        sender, fd = _ends(c, kind)
        must(c, c.send(sender, b"onetwo!", 7, 0))
        buffers = bytearray(3), bytearray(), bytearray(2), bytearray(b"....")
        wait_readable(c, fd)
        c.recvmsg(fd, message(c, *buffers), 0)
        return [buffer.decode() for buffer in buffers]


for _kind in KINDS:
    _scattered(_kind)


@case(
    "recvmsg/local/wait-for-all",
    "MSG_WAITALL waits until every buffer is full",
    success("POSIX.1 recvmsg", result=6, observed=["one", "two"]),
)
def _(c: Backend, box: Box) -> list[str]:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, c.send(sender, b"onet", 4, 0))
    buffers = bytearray(3), bytearray(3)
    box.undisturbed(then=lambda: c.send(sender, b"wo", 2, 0))
    c.recvmsg(fd, message(c, *buffers), c.MSG_WAITALL)
    return [buffer.decode() for buffer in buffers]


# --- what is cut ---


def _cut(kind: Kind, flag: str, result: int) -> None:
    @case(
        f"recvmsg/{kind.name}/cut{'-and-measured' if flag == 'MSG_TRUNC' else ''}",
        "a message longer than the buffers is cut, and msg_flags says so"
        + ("; with MSG_TRUNC the result is its real length" if flag == "MSG_TRUNC" else ""),
        success("POSIX.1 recvmsg; recv(2) MSG_TRUNC", result=result, observed=["hel", "MSG_TRUNC", "EAGAIN"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[object]:
        fd, text = said(c, kind), bytearray(3)
        told = message(c, text)
        c.recvmsg(fd, told, getattr(c, flag) if flag else 0)
        then = answer(c, c.recv(fd, bytearray(1), 1, c.MSG_DONTWAIT))
        return [text.decode(), flags("MSG_", told.msg_flags), then]


for _kind in (UDP, LOCAL_DGRAM, LOCAL_SEQPACKET):
    _cut(_kind, "", 3)
    _cut(_kind, "MSG_TRUNC", 5)


@case(
    "recvmsg/udp/no-buffers",
    "without buffers the datagram is taken off the queue, and cut",
    success("POSIX.1 recvmsg", observed=["MSG_TRUNC", "EAGAIN"]),
)
def _(c: Backend, box: Box) -> list[object]:
    fd, told = said(c, UDP), message(c)
    c.recvmsg(fd, told, 0)
    return [flags("MSG_", told.msg_flags), answer(c, c.recv(fd, bytearray(1), 1, c.MSG_DONTWAIT))]


@case(
    "recvmsg/tcp/peek",
    "MSG_PEEK leaves the bytes for the next call",
    success("POSIX.1 recvmsg", result=5, observed=["hello", "hello"]),
)
def _(c: Backend, box: Box) -> list[str]:
    fd, buffers = said(c, TCP), (bytearray(5), bytearray(5))
    must(c, c.recvmsg(fd, message(c, buffers[0]), c.MSG_PEEK))
    c.recvmsg(fd, message(c, buffers[1]), 0)
    return [buffer.decode() for buffer in buffers]


# --- the sender's address ---


def _sender(kind: Kind, cut: int, length: int) -> None:
    @case(
        f"recvmsg/{kind.name}/sender{'-cut' if cut else ''}",
        "msg_name gets the sender's address, cut to msg_namelen, which becomes its whole length",
        success("POSIX.1 recvmsg; recvmsg(2)", result=1, observed=[length, True, True]),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> list[object]:
        fd, address = bound(c, kind)
        sender, name = bound(c, kind, "client")
        must(c, c.sendto(sender, b"x", 1, 0, *address))
        room = bytearray(b"\xff" * 128)
        told = message(c, bytearray(1), to=(room, cut or 128))
        c.recvmsg(fd, told, 0)
        whole = bytes(name[0])[: min(name[1], cut or 128)]
        return [told.msg_namelen, room[: len(whole)] == whole, set(room[len(whole) :]) == {255}]


for _kind, _length in ((LOCAL_DGRAM, 9), *((kind, 28 if kind.name == "udp6" else 16) for kind in KINDS[1:4:2])):
    _sender(_kind, 0, _length)
    _sender(_kind, 6, _length)  # with a port, which is another one each time


@case(
    "recvmsg/tcp/sender",
    "a connection has no sender: the length becomes 0",
    success("recvmsg(2); an experiment: move_addr_to_user in net/socket.c", result=5, observed=[0, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, room = said(c, TCP), bytearray(b"\xff" * 16)
    told = message(c, bytearray(5), to=(room, 16))
    c.recvmsg(fd, told, 0)
    return [told.msg_namelen, room == b"\xff" * 16]


@case(
    "recvmsg/udp/sender-not-wanted",
    "NULL as msg_name asks for no address, and its length stays",
    success("POSIX.1 recvmsg", result=5, observed=99),
)
def _(c: Backend, box: Box) -> int:
    told = message(c, bytearray(5))
    told.msg_namelen = 99
    c.recvmsg(said(c, UDP), told, 0)
    return int(told.msg_namelen)


@case(
    "recvmsg/udp/failure-writes-nothing",
    "a call that fails leaves the structure as it was",
    error("EAGAIN", "POSIX.1 recvmsg", observed=True),
)
def _(c: Backend, box: Box) -> bool:
    told = message(c, bytearray(1), to=(bytearray(16), 16), control=bytearray(64))
    told.msg_flags = 77
    before = bytes(told)
    c.recvmsg(bound(c, UDP)[0], told, c.MSG_DONTWAIT)
    return bytes(told) == before


# --- one call on a socket in some state ---


def _null_base(c: Backend, fd: int) -> int:
    return c.recvmsg(fd, c.msghdr(msg_iov=c.iovec(iov_len=5), msg_iovlen=1), 0)


def _negative_length(c: Backend, fd: int) -> int:
    return c.recvmsg(fd, message(c, bytearray(5), to=(bytearray(16), 2**32 - 1)), 0)


def ended(c: Backend, kind: Kind) -> int:
    sender, fd = _ends(c, kind)
    must(c, c.shutdown(sender, c.SHUT_WR))
    return fd


def reset(c: Backend, kind: Kind) -> int:
    sender, fd = _ends(c, kind)
    must(c, c.setsockopt(sender, c.SOL_SOCKET, c.SO_LINGER, c.linger(1, 0), 8))
    must(c, c.close(sender))
    wait_readable(c, fd)
    return fd


#: id, what it shows, kind of socket, its state, the call, its outcome
ROWS: list[tuple[str, str, Kind, State, Call, Outcome]] = [
    ("udp/null", "NULL as msg", of_glibc(UDP), said, lambda c, fd: c.recvmsg(fd, None, 0),
     error("EFAULT", "recvmsg(2)")),
    ("udp/null-vector", "NULL as msg_iov", UDP, said, lambda c, fd: c.recvmsg(fd, c.msghdr(msg_iovlen=1), 0),
     error("EFAULT", "recvmsg(2)")),
    ("udp/null-base", "NULL as iov_base", UDP, said, _null_base, error("EFAULT", "recvmsg(2)")),
    ("tcp/null-base", "NULL as iov_base", TCP, said, _null_base, error("EFAULT", "recvmsg(2)")),
    ("udp/too-many-buffers", "more buffers than IOV_MAX", UDP, said,
     lambda c, fd: c.recvmsg(fd, message(c, *[bytearray(1)] * 1025), 0), error("EMSGSIZE", "POSIX.1 recvmsg")),
    ("udp/1024-buffers", "as many buffers as IOV_MAX allows", UDP, said,
     lambda c, fd: c.recvmsg(fd, message(c, *[bytearray(1)] * 1024), 0),
     success("recvmsg(2); IOV_MAX is 1024", result=5)),
    ("udp/negative-length", "a negative length of the address", UDP, said, _negative_length,
     error("EINVAL", "recvmsg(2); an experiment: __copy_msghdr in net/socket.c")),
    ("udp/nothing", "MSG_DONTWAIT, and no datagram", UDP, lambda c, kind: bound(c, kind)[0], _listen,
     error("EAGAIN", "POSIX.1 recvmsg")),
    ("tcp/unconnected", "a stream that is not connected", TCP, fresh, _listen, error("ENOTCONN", "POSIX.1 recvmsg")),
    ("tcp/end", "the peer will send no more", TCP, ended, lambda c, fd: c.recvmsg(fd, message(c, bytearray(5)), 0),
     success("POSIX.1 recvmsg")),
    ("local/end", "the peer will send no more", LOCAL, ended, _listen, success("POSIX.1 recvmsg")),
    ("tcp/reset", "the connection was reset", TCP, reset, _listen, error("ECONNRESET", "POSIX.1 recvmsg")),
    ("udp/out-of-band", "a datagram is never out of band", UDP, said,
     lambda c, fd: c.recvmsg(fd, message(c, bytearray(5)), c.MSG_OOB),
     success("an experiment: udp_recvmsg ignores MSG_OOB", result=5)),
    ("local-dgram/out-of-band", "a datagram is never out of band", LOCAL_DGRAM, said,
     lambda c, fd: c.recvmsg(fd, message(c, bytearray(5)), c.MSG_OOB), error("EOPNOTSUPP", "POSIX.1 recvmsg")),
]  # fmt: skip


def _row(id: str, shows: str, kind: Kind, state: State, call: Call, outcome: Outcome) -> None:
    @case(f"recvmsg/{id}", shows, outcome, needs=(*kind.needs, "linux"))
    def _(c: Backend, box: Box) -> None:
        call(c, state(c, kind))


for _arguments in ROWS:
    _row(*_arguments)


@case(
    "recvmsg/local/interrupted",
    "a signal handler ends the call",
    error("EINTR", "POSIX.1 recvmsg; signal(7)"),
)
def _(c: Backend, box: Box) -> None:
    sender, fd = pair(c, c.SOCK_STREAM)
    box.interrupt(then=lambda: c.send(sender, b"late", 4, 0))
    c.recvmsg(fd, message(c, bytearray(4)), 0)

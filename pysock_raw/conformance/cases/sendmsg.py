"""sendmsg: buffers, addresses and control messages."""

from __future__ import annotations

import os
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.kinds import (
    KINDS,
    LOCAL,
    LOCAL_DGRAM,
    TCP,
    UDP,
    UDP6,
    Address,
    Kind,
    bound,
    client,
    connected,
    inet,
    local,
    must,
    of_glibc,
    pair,
)
from pysock_raw.conformance.messages import IP_PKTINFO, controls, message, rights

Call = Callable[[Backend, int], int]
State = Callable[[Backend, Kind], int]


def fresh(c: Backend, kind: Kind) -> int:
    return kind.socket(c)


def ours(c: Backend, kind: Kind) -> int:
    """One end of a connection; a datagram socket that is connected to a silent one."""
    if kind.family == "AF_UNIX":
        return pair(c, getattr(c, kind.type))[0]
    return client(c, kind, bound(c, kind)[1]) if kind.type == "SOCK_DGRAM" else connected(c, kind)[0]


def peer_gone(c: Backend, kind: Kind) -> int:
    one, other = pair(c, getattr(c, kind.type))
    must(c, c.close(other))
    return one


def _say(c: Backend, fd: int) -> int:
    return c.sendmsg(fd, message(c, b"x"), 0)


# --- gathering ---


def _gathered(kind: Kind) -> None:
    @case(
        f"sendmsg/{kind.name}/gathers",
        "the buffers go out in their order, as one message",
        success("POSIX.1 sendmsg", result=11, observed="one two six"),
        needs=kind.needs,
    )
    def _(c: Backend, box: Box) -> str:
        if kind.type == "SOCK_DGRAM":
            fd, address = bound(c, kind)
            sender = client(c, kind, address)
        else:
            sender, fd = connected(c, kind)
        c.sendmsg(sender, message(c, b"one ", b"", b"two ", b"six"), 0)
        text = bytearray(11)
        must(c, c.recv(fd, text, 11, c.MSG_WAITALL))
        return text.decode()


for _kind in KINDS:
    _gathered(_kind)


@case(
    "sendmsg/udp/address",
    "an address for this message alone, also on a socket that is connected elsewhere",
    success("POSIX.1 sendmsg; udp(7)", result=5, observed=["hello", "other"]),
)
def _(c: Backend, box: Box) -> list[str]:
    fd, address = bound(c, UDP)
    sender = ours(c, UDP)
    heard = []
    for fd_, text in ((UDP.socket(c), b"hello"), (sender, b"other")):
        c.sendmsg(fd_, message(c, text, to=address), 0)
        buffer = bytearray(5)
        must(c, c.recv(fd, buffer, 5, 0))
        heard.append(buffer.decode())
    return heard


@case(
    "sendmsg/local-dgram/1024-buffers",
    "as many buffers as IOV_MAX allows",
    success("sendmsg(2); IOV_MAX is 1024", result=1024),
)
def _(c: Backend, box: Box) -> None:
    c.sendmsg(ours(c, LOCAL_DGRAM), message(c, *[b"x"] * 1024), 0)


@case(
    "sendmsg/udp/writes-nothing",
    "msg_flags is ignored, and the structure stays as it was",
    success("sendmsg(2)", result=1, observed=True),
)
def _(c: Backend, box: Box) -> bool:
    told = message(c, b"x")
    told.msg_flags = 0x7FFFFFFF
    before = bytes(told)
    c.sendmsg(ours(c, UDP), told, 0)
    return bytes(told) == before


# --- one call on a socket in some state ---


def _null_base(*lengths: int) -> Call:
    def call(c: Backend, fd: int) -> int:
        vector = (c.iovec * len(lengths))()
        for element, length in zip(vector, lengths, strict=True):
            element.iov_len = length
        return c.sendmsg(fd, c.msghdr(msg_iov=vector, msg_iovlen=len(lengths)), 0)

    return call


def _null_vector(length: int) -> Call:
    return lambda c, fd: c.sendmsg(fd, c.msghdr(msg_iovlen=length), 0)


def _null_control(length: int) -> Call:
    def call(c: Backend, fd: int) -> int:
        told = message(c, b"x")
        told.msg_controllen = length
        return c.sendmsg(fd, told, 0)

    return call


def _to(address: Callable[[Backend], Address]) -> Call:
    return lambda c, fd: c.sendmsg(fd, message(c, b"x", to=address(c)), 0)


def _control(level: int | str, type: int | str, data: bytes) -> Call:
    """With one control message."""

    def call(c: Backend, fd: int) -> int:
        number, kind = (getattr(c, name) if isinstance(name, str) else name for name in (level, type))
        return c.sendmsg(fd, message(c, b"x", control=controls(c, (number, kind, data))), 0)

    return call


def _malformed(length: int) -> Call:
    """With one control message whose cmsg_len is wrong."""

    def call(c: Backend, fd: int) -> int:
        buffer = controls(c, (c.SOL_SOCKET, c.SCM_RIGHTS, bytes(4)))
        c.cmsghdr.from_buffer(buffer).cmsg_len = length
        return c.sendmsg(fd, message(c, b"x", control=buffer), 0)

    return call


def _loopback(c: Backend) -> Address:
    return inet(c, c.INADDR_LOOPBACK, 9)


#: id, what it shows, kind of socket, its state, the call, its outcome
ROWS: list[tuple[str, str, Kind, State, Call, Outcome]] = [
    ("udp/null", "NULL as msg", UDP, ours, lambda c, fd: c.sendmsg(fd, None, 0), error("EFAULT", "sendmsg(2)")),
    ("udp/null-vector", "NULL as msg_iov", UDP, ours, _null_vector(1), error("EFAULT", "sendmsg(2)")),
    ("udp/null-vector-too-long", "too many buffers is what the kernel sees first", UDP, ours, _null_vector(1025),
     error("EMSGSIZE", "sendmsg(2); an experiment: __copy_msghdr in net/socket.c")),
    ("udp/null-vector-of-none", "NULL as msg_iov without elements is an empty datagram", UDP, ours, _null_vector(0),
     success("POSIX.1 sendmsg")),
    ("tcp/no-buffers", "no buffers are no bytes of a stream", TCP, ours, lambda c, fd: c.sendmsg(fd, message(c), 0),
     success("POSIX.1 sendmsg")),
    ("local-dgram/no-buffers", "no buffers are an empty datagram", LOCAL_DGRAM, ours,
     lambda c, fd: c.sendmsg(fd, message(c), 0), success("POSIX.1 sendmsg")),
    ("udp/null-base", "NULL as iov_base", UDP, ours, _null_base(5), error("EFAULT", "sendmsg(2)")),
    ("udp/null-base-of-none", "NULL as iov_base of 0 bytes", UDP, ours, _null_base(0), success("POSIX.1 sendmsg")),
    ("udp/null-base-beyond-all-memory", "a length that no process has, which is cut before it is looked at", UDP, ours,
     _null_base(2**62), error("EMSGSIZE", "an experiment: import_ubuf cuts it to MAX_RW_COUNT, see read(2)")),
    ("udp/null-bases-beyond-all-memory", "the same in one of two buffers, which is not cut", UDP, ours,
     _null_base(0, 2**62), error("EFAULT", "sendmsg(2); an experiment: access_ok in __import_iovec")),
    ("udp/null-base-negative", "a length that is negative as an ssize_t", UDP, ours, _null_base(2**63),
     error("EINVAL", "readv(2): the sum of the iov_len values overflows an ssize_t")),
    ("udp/too-many-buffers", "more buffers than IOV_MAX", UDP, ours,
     lambda c, fd: c.sendmsg(fd, message(c, *[b"x"] * 1025), 0), error("EMSGSIZE", "POSIX.1 sendmsg")),
    ("udp/too-long", "buffers that are too much for one datagram together", UDP, ours,
     lambda c, fd: c.sendmsg(fd, message(c, bytes(40000), bytes(40000)), 0), error("EMSGSIZE", "POSIX.1 sendmsg")),
    ("udp/unconnected", "no peer and no address", UDP, fresh, _say, error("EDESTADDRREQ", "POSIX.1 sendmsg")),
    ("tcp/unconnected", "Linux says EPIPE", TCP, fresh, _say,
     error("EPIPE", "an experiment: sk_stream_wait_connect in net/core/stream.c")),
    ("local/unconnected", "a stream that is not connected", LOCAL, fresh, _say, error("ENOTCONN", "POSIX.1 sendmsg")),
    ("local/peer-gone", "the peer closed, and MSG_NOSIGNAL spares the signal", LOCAL, peer_gone,
     lambda c, fd: c.sendmsg(fd, message(c, b"x"), c.MSG_NOSIGNAL), error("EPIPE", "POSIX.1 sendmsg")),
    ("local/address", "a connected local stream takes no addresses", LOCAL, ours,
     _to(lambda c: local(c, b"server")), error("EISCONN", "POSIX.1 sendmsg")),
    ("tcp/address", "Linux ignores the address on a connected stream", TCP, ours, _to(_loopback),
     success("POSIX.1 sendmsg: or EISCONN; send(2)", result=1)),
    ("udp/short-address", "an address shorter than sockaddr_in", UDP, fresh, _to(lambda c: (_loopback(c)[0], 8)),
     error("EINVAL", "an experiment: udp_sendmsg in net/ipv4/udp.c")),
    ("udp/negative-length", "a negative length of the address", UDP, ours, _to(lambda c: (_loopback(c)[0], 2**32 - 1)),
     error("EINVAL", "an experiment: __copy_msghdr in net/socket.c")),
    ("udp/no-namelen", "an address of 0 bytes is none", UDP, ours, _to(lambda c: (_loopback(c)[0], 0)),
     success("an experiment: __copy_msghdr in net/socket.c", result=1)),
    ("udp/long-namelen", "a length beyond sockaddr_storage is cut, where sendto refuses it", UDP, fresh,
     _to(lambda c: (bytearray(bytes(_loopback(c)[0]).ljust(200, b"\0")), 200)),
     success("an experiment: __copy_msghdr in net/socket.c", result=1)),
    ("local-dgram/no-such-path", "a path that does not exist", LOCAL_DGRAM, fresh, _to(lambda c: local(c, b"nobody")),
     error("ENOENT", "POSIX.1 sendmsg")),
    ("udp/out-of-band", "a datagram is never out of band", UDP, ours,
     lambda c, fd: c.sendmsg(fd, message(c, b"x"), c.MSG_OOB), error("EOPNOTSUPP", "POSIX.1 sendmsg")),
    # control messages
    ("udp/null-control", "NULL as msg_control", of_glibc(UDP), ours, _null_control(24), error("EFAULT", "sendmsg(2)")),
    ("udp/null-control-too-long", "a length of control messages that is no int", of_glibc(UDP), ours,
     _null_control(2**31), error("ENOBUFS", "an experiment: ____sys_sendmsg in net/socket.c")),
    ("local/control-without-a-header", "fewer bytes than a header are no control message", LOCAL, ours,
     lambda c, fd: c.sendmsg(fd, message(c, b"x", control=bytes(15)), 0), success("cmsg(3)", result=1)),
    ("local/cmsg-len-0", "a cmsg_len of 0, which has no room for its header", LOCAL, ours, _malformed(0),
     error("EINVAL", "sendmsg(2); an experiment: CMSG_OK in __scm_send")),
    ("local/cmsg-len-beyond-the-end", "a cmsg_len beyond msg_controllen", LOCAL, ours, _malformed(25),
     error("EINVAL", "sendmsg(2); an experiment: CMSG_OK in __scm_send")),
    ("udp/cmsg-len-largest", "the largest cmsg_len", UDP, ours, _malformed(2**64 - 1),
     error("EINVAL", "sendmsg(2); an experiment: CMSG_OK in ip_cmsg_send")),
    ("local/unknown-control", "a type of SOL_SOCKET that does not exist", LOCAL, ours,
     _control("SOL_SOCKET", 99, b"1234"), error("EINVAL", "unix(7); an experiment: __scm_send")),
    ("local/control-of-another-level", "a control message of another protocol is ignored", LOCAL, ours,
     _control("IPPROTO_TCP", 99, b"1234"), success("an experiment: __scm_send", result=1)),
    ("udp/ttl-0", "a time to live of 0 for one datagram", UDP, ours, _control("IPPROTO_IP", "IP_TTL", bytes(4)),
     error("EINVAL", "ip(7) IP_TTL: 1 to 255")),
    ("udp/short-ttl", "a time to live that is no int", UDP, ours, _control("IPPROTO_IP", "IP_TTL", b"\x07\0"),
     error("EINVAL", "an experiment: ip_cmsg_send")),
    ("local/rights-closed", "a descriptor that is not open", LOCAL, ours,
     lambda c, fd: c.sendmsg(fd, message(c, b"x", control=rights(c, 2**31 - 1)), 0), error("EBADF", "unix(7)")),
    ("local/rights-too-many", "more descriptors than SCM_MAX_FD", of_glibc(LOCAL), ours,
     lambda c, fd: c.sendmsg(fd, message(c, b"x", control=rights(c, *[fd] * 254)), 0),
     error("EINVAL", "unix(7): SCM_MAX_FD is 253")),
    ("local/rights-most", "as many descriptors as SCM_MAX_FD", of_glibc(LOCAL), ours,
     lambda c, fd: c.sendmsg(fd, message(c, b"x", control=rights(c, *[fd] * 253)), 0),
     success("unix(7): SCM_MAX_FD is 253", result=1)),
    ("udp/rights", "descriptors are for AF_UNIX: UDP ignores them", UDP, ours,
     lambda c, fd: c.sendmsg(fd, message(c, b"x", control=rights(c, fd)), 0),
     success("an experiment: __sock_cmsg_send", result=1)),
    ("local/short-credentials", "credentials that are no struct ucred", LOCAL, ours,
     _control("SOL_SOCKET", "SCM_CREDENTIALS", bytes(8)), error("EINVAL", "unix(7); an experiment: __scm_send")),
]  # fmt: skip


def _row(id: str, shows: str, kind: Kind, state: State, call: Call, outcome: Outcome) -> None:
    @case(f"sendmsg/{id}", shows, outcome, needs=(*kind.needs, "linux"))
    def _(c: Backend, box: Box) -> None:
        call(c, state(c, kind))


for _arguments in ROWS:
    _row(*_arguments)


@case(
    "sendmsg/null-on-a-pipe",
    "that it is no socket is seen before the structure",
    error("ENOTSOCK", "an experiment: __sys_sendmsg in net/socket.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.sendmsg(box.pipe()[1], None, 0)


@case(
    "sendmsg/local/full",
    "a stream without room, and MSG_DONTWAIT",
    error("EAGAIN", "POSIX.1 sendmsg"),
)
def _(c: Backend, box: Box) -> None:
    fd = pair(c, c.SOCK_STREAM)[0]
    while c.sendmsg(fd, message(c, bytes(30000), bytes(30000)), c.MSG_DONTWAIT) > 0:
        pass


@case(
    "sendmsg/udp/source-address",
    "IP_PKTINFO chooses the address that the datagram comes from",
    success("ip(7) IP_PKTINFO", result=1, observed=0x7F000002),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    fd, address = bound(c, UDP)
    wanted = (0).to_bytes(4, "little") + bytes([127, 0, 0, 2]) + bytes(4)
    c.sendmsg(UDP.socket(c), message(c, b"x", to=address, control=controls(c, (c.IPPROTO_IP, IP_PKTINFO, wanted))), 0)
    sender = c.sockaddr_in()
    must(c, c.recvfrom(fd, bytearray(1), 1, 0, sender, c.socklen_t(16)))
    return c.ntohl(sender.sin_addr.s_addr)


@case(
    "sendmsg/udp6/two-control-messages",
    "each control message counts: the second of these is wrong",
    error("EINVAL", "ipv6(7); an experiment: ip6_datagram_send_ctl"),
    needs=["ipv6", "linux"],
)
def _(c: Backend, box: Box) -> None:
    good = (c.IPPROTO_IPV6, c.IPV6_HOPLIMIT, (5).to_bytes(4, "little"))
    bad = (c.IPPROTO_IPV6, c.IPV6_HOPLIMIT, (999).to_bytes(4, "little"))
    c.sendmsg(ours(c, UDP6), message(c, b"x", control=controls(c, good, bad)), 0)


def _credentials(c: Backend, pid: int, uid: int) -> bytearray:
    return controls(c, (c.SOL_SOCKET, c.SCM_CREDENTIALS, bytes(c.ucred(pid=pid, uid=uid, gid=os.getegid()))))


@case(
    "sendmsg/local/credentials-of-another",
    "without privileges the credentials have to be one's own",
    error("EPERM", "unix(7) SCM_CREDENTIALS"),
    needs=["root", "linux"],
)
def _(c: Backend, box: Box) -> None:
    machine.unprivileged()
    c.sendmsg(pair(c, c.SOCK_STREAM)[0], message(c, b"x", control=_credentials(c, os.getpid(), 0)), 0)


@case(
    "sendmsg/local/credentials-of-nobody",
    "not even root is a process that does not exist",
    error("ESRCH", "an experiment: __scm_send in net/core/scm.c"),
    needs=["root", "linux"],
)
def _(c: Backend, box: Box) -> None:
    c.sendmsg(pair(c, c.SOCK_STREAM)[0], message(c, b"x", control=_credentials(c, 2**31 - 1, 0)), 0)

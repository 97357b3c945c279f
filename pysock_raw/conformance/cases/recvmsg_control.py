"""recvmsg: descriptors, credentials and what else comes in control messages."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    UDP,
    UDP6,
    Kind,
    answer,
    bound,
    client,
    must,
    name_of,
    pair,
    set_option,
    wait_readable,
)
from pysock_raw.conformance.messages import (
    IP_PKTINFO,
    IP_RECVERR,
    IP_RECVTTL,
    IPV6_RECVERR,
    descriptors,
    message,
    received,
    rights,
)
from pysock_raw.trace_values import errno_name, flags


def _passed(c: Backend, room: int, *fds: int, flag: int = 0) -> tuple[Any, list[int]]:
    """The msghdr that received a message with descriptors, and the descriptors."""
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, c.sendmsg(sender, message(c, b"x", control=rights(c, *fds)), 0))
    told = message(c, bytearray(1), control=bytearray(room))
    c.recvmsg(fd, told, flag)
    return told, descriptors(c, told)


# --- descriptors ---


@case(
    "recvmsg/local/rights",
    "a descriptor arrives as another one of the same open file",
    success("unix(7) SCM_RIGHTS", result=1, observed=["through it", True]),
)
def _(c: Backend, box: Box) -> list[object]:
    one, other = pair(c, c.SOCK_STREAM)
    (copy,) = _passed(c, c.CMSG_SPACE(4), one)[1]
    must(c, c.write(copy, b"through it", 10))
    text = bytearray(10)
    must(c, c.read(other, text, 10))
    return [text.decode(), copy != one]


def _close_on_exec(id: str, shows: str, flag: str | None, expected: int) -> None:
    @case(
        f"recvmsg/local/{id}",
        shows,
        success("recvmsg(2) MSG_CMSG_CLOEXEC; unix(7)", result=1, observed=[expected, flag or 0]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[object]:
        told, fds = _passed(c, c.CMSG_SPACE(4), LOCAL.socket(c), flag=getattr(c, flag) if flag else 0)
        return [must(c, c.fcntl(fds[0], c.F_GETFD, 0)), flags("MSG_", told.msg_flags)]


_close_on_exec("rights-inherited", "a received descriptor stays open across exec", None, 0)
_close_on_exec("rights-close-on-exec", "MSG_CMSG_CLOEXEC sets FD_CLOEXEC, and is in msg_flags", "MSG_CMSG_CLOEXEC", 1)


def _rights_cut(id: str, room: int, fits: int, controllen: int) -> None:
    @case(
        f"recvmsg/local/rights-{id}",
        "the descriptors that do not fit are closed, and msg_flags says so",
        success("unix(7); recvmsg(2) MSG_CTRUNC", result=1, observed=[fits, controllen, "MSG_CTRUNC"]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[object]:
        told, fds = _passed(c, room, *[LOCAL.socket(c)] * 3)
        return [len(fds), told.msg_controllen, flags("MSG_", told.msg_flags)]


_rights_cut("room-for-two", 24, 2, 24)
_rights_cut("room-for-two-and-a-bit", 27, 2, 24)
_rights_cut("room-for-one", 20, 1, 20)
_rights_cut("room-for-one-and-a-bit", 23, 1, 23)
_rights_cut("room-for-a-header", 16, 0, 0)
_rights_cut("no-room-for-a-header", 15, 0, 0)
_rights_cut("no-room", 0, 0, 0)


@case(
    "recvmsg/local/rights-null",
    "NULL as msg_control: no descriptor is made, and msg_controllen becomes 0",
    success("recvmsg(2) MSG_CTRUNC; an experiment: scm_detach_fds", result=1, observed=[0, "MSG_CTRUNC"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, c.sendmsg(sender, message(c, b"x", control=rights(c, fd)), 0))
    told = message(c, bytearray(1))
    told.msg_controllen = 24
    c.recvmsg(fd, told, 0)
    return [told.msg_controllen, flags("MSG_", told.msg_flags)]


@case(
    "recvmsg/local/rights-room-left",
    "msg_controllen becomes what was used",
    success("recvmsg(2)", result=1, observed=[24, 1, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    told, fds = _passed(c, 200, LOCAL.socket(c))
    return [told.msg_controllen, len(fds), told.msg_flags]


@case(
    "recvmsg/local/rights-peeked",
    "MSG_PEEK makes a descriptor each time",
    success("unix(7)", result=1, observed=[1, 1]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, c.sendmsg(sender, message(c, b"x", control=rights(c, fd)), 0))
    found = []
    for flag in (c.MSG_PEEK, 0):
        told = message(c, bytearray(1), control=bytearray(24))
        c.recvmsg(fd, told, flag)
        found.append(len(descriptors(c, told)))
    return found


@case(
    "recvmsg/local/rights-end-a-message",
    "bytes before and after descriptors are not received together",
    success("unix(7): ancillary data are a barrier for the received data", result=3, observed=["one", "two"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[str]:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, c.sendmsg(sender, message(c, b"one", control=rights(c, sender)), 0))
    must(c, c.sendmsg(sender, message(c, b"two", control=rights(c, sender)), 0))
    heard = []
    for _ in range(2):
        text = bytearray(6)
        told = message(c, text, control=bytearray(24))
        c.recvmsg(fd, told, 0)
        heard.append(text.rstrip(b"\0").decode())
    return heard


@case(
    "recvmsg/local/rights-read",
    "read takes the bytes and drops the descriptors",
    error("EAGAIN", "unix(7); an experiment: unix_stream_read_generic"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, c.sendmsg(sender, message(c, b"x", control=rights(c, fd)), 0))
    must(c, c.read(fd, bytearray(1), 1))
    c.recvmsg(fd, message(c, bytearray(1), control=bytearray(24)), c.MSG_DONTWAIT)


@case(
    "recvmsg/local/rights-without-room-for-descriptors",
    "at the limit of open files the message arrives without its descriptor",
    success("unix(7); an experiment: scm_detach_fds", result=1, observed=[0, "MSG_CTRUNC"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, c.sendmsg(sender, message(c, b"x", control=rights(c, fd)), 0))
    told = message(c, bytearray(1), control=bytearray(24))
    with machine.descriptors_below(max(sender, fd) + 1):
        c.recvmsg(fd, told, 0)
    return [told.msg_controllen, flags("MSG_", told.msg_flags)]


# --- credentials ---


@case(
    "recvmsg/local/credentials",
    "with SO_PASSCRED the kernel tells who sent the message",
    success("unix(7) SO_PASSCRED", result=1, observed=[True, 32]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_PASSCRED, 1))
    must(c, c.send(sender, b"x", 1, 0))
    told = message(c, bytearray(1), control=bytearray(64))
    c.recvmsg(fd, told, 0)
    own = struct.pack("=iII", os.getpid(), os.getuid(), os.getgid())
    return [list(received(c, told)) == [(c.SOL_SOCKET, c.SCM_CREDENTIALS, own)], told.msg_controllen]


@case(
    "recvmsg/local/credentials-and-rights",
    "both come in one buffer; without room in alignments for the second its last bytes still fit",
    success("unix(7); cmsg(3)", result=1, observed=[["SCM_CREDENTIALS", "SCM_RIGHTS"], 52, 0]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_PASSCRED, 1))
    must(c, c.sendmsg(sender, message(c, b"x", control=rights(c, sender)), 0))
    told = message(c, bytearray(1), control=bytearray(c.CMSG_SPACE(12) + c.CMSG_LEN(4)))
    c.recvmsg(fd, told, 0)
    names = {c.SCM_CREDENTIALS: "SCM_CREDENTIALS", c.SCM_RIGHTS: "SCM_RIGHTS"}
    return [[names[type] for _, type, _ in received(c, told)], told.msg_controllen, told.msg_flags]


@case(
    "recvmsg/local/credentials-cut",
    "a control message without room for all its data is cut",
    success("recvmsg(2) MSG_CTRUNC; an experiment: put_cmsg", result=1, observed=[[20], 20, "MSG_CTRUNC"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    sender, fd = pair(c, c.SOCK_STREAM)
    must(c, set_option(c, fd, c.SOL_SOCKET, c.SO_PASSCRED, 1))
    must(c, c.send(sender, b"x", 1, 0))
    told = message(c, bytearray(1), control=bytearray(20))
    c.recvmsg(fd, told, 0)
    found = [c.CMSG_LEN(len(data)) for _, _, data in received(c, told)]
    return [found, told.msg_controllen, flags("MSG_", told.msg_flags)]


# --- addresses and errors of IP ---


def _received_on(c: Backend, kind: Kind, level: int, option: int, ttl: int | None = None) -> Any:
    """The msghdr of a datagram that a socket with an option received."""
    fd, address = bound(c, kind)
    must(c, set_option(c, fd, level, option, 1))
    sender = client(c, kind, address)
    if ttl is not None:
        must(c, set_option(c, sender, c.IPPROTO_IP, c.IP_TTL, ttl))
    must(c, c.send(sender, b"x", 1, 0))
    told = message(c, bytearray(1), control=bytearray(64))
    c.recvmsg(fd, told, 0)
    return told


@case(
    "recvmsg/udp/packet-information",
    "IP_PKTINFO tells the address that the datagram was sent to",
    success("ip(7) IP_PKTINFO", result=1, observed=[12, "127.0.0.1", "127.0.0.1"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    ((_, _, data),) = received(c, _received_on(c, UDP, c.IPPROTO_IP, IP_PKTINFO))
    return [len(data), socket.inet_ntoa(data[4:8]), socket.inet_ntoa(data[8:])]


@case(
    "recvmsg/udp6/packet-information",
    "IPV6_RECVPKTINFO tells the address that the datagram was sent to",
    success("ipv6(7); RFC 3542", result=1, observed=[20, "::1"]),
    needs=["ipv6", "linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    ((_, _, data),) = received(c, _received_on(c, UDP6, c.IPPROTO_IPV6, c.IPV6_RECVPKTINFO))
    return [len(data), socket.inet_ntop(socket.AF_INET6, data[:16])]


@case(
    "recvmsg/udp/time-to-live",
    "IP_RECVTTL tells the time to live, an int",
    success("ip(7) IP_RECVTTL", result=1, observed=7),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> int:
    ((_, _, data),) = received(c, _received_on(c, UDP, c.IPPROTO_IP, IP_RECVTTL, ttl=7))
    return memoryview(data).cast("i")[0]


def _error_queue(kind: Kind, origin: int, type: int, source: str) -> None:
    @case(
        f"recvmsg/{kind.name}/error-queue",
        "MSG_ERRQUEUE gives back the datagram that was refused, with the reason and to whom it went",
        success(source, result=5, observed=["hello", "MSG_ERRQUEUE", "ECONNREFUSED", origin, type, True, "EAGAIN"]),
        needs=[*kind.needs, "linux"],
    )
    def _(c: Backend, box: Box) -> list[object]:
        level, option = (c.IPPROTO_IP, IP_RECVERR) if kind is UDP else (c.IPPROTO_IPV6, IPV6_RECVERR)
        fd, (address, length) = bound(c, kind)
        must(c, c.close(fd))  # so that nobody has this port
        sender = kind.socket(c)
        must(c, set_option(c, sender, level, option, 1))
        must(c, c.sendto(sender, b"hello", 5, 0, address, length))
        wait_readable(c, sender)  # POLLERR needs no asking
        text, name = bytearray(5), bytearray(length)
        told = message(c, text, to=(name, length), control=bytearray(128))
        c.recvmsg(sender, told, c.MSG_ERRQUEUE)
        ((_, _, data),) = received(c, told)
        number, from_, icmp = struct.unpack_from("=IBB", data)
        there = bytes(name) == bytes(address)
        again = answer(c, c.recv(sender, bytearray(1), 1, c.MSG_ERRQUEUE))
        return [text.decode(), flags("MSG_", told.msg_flags), errno_name(number), from_, icmp, there, again]


_error_queue(UDP, 2, 3, "ip(7) IP_RECVERR: SO_EE_ORIGIN_ICMP; recv(2) MSG_ERRQUEUE")
_error_queue(UDP6, 3, 1, "ipv6(7) IPV6_RECVERR: SO_EE_ORIGIN_ICMP6; recv(2) MSG_ERRQUEUE")


@case(
    "recvmsg/udp/error-queue-empty",
    "MSG_ERRQUEUE never waits",
    error("EAGAIN", "recv(2) MSG_ERRQUEUE"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.recvmsg(bound(c, UDP)[0], message(c, bytearray(1), control=bytearray(64)), c.MSG_ERRQUEUE)


@case(
    "recvmsg/udp/no-control-asked",
    "without an option there are no control messages",
    success("recvmsg(2)", result=1, observed=[0, 0, True]),
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = bound(c, UDP)
    sender = client(c, UDP, address)
    must(c, c.send(sender, b"x", 1, 0))
    told = message(c, bytearray(1), to=(bytearray(16), 16), control=bytearray(64))
    c.recvmsg(fd, told, 0)
    return [told.msg_controllen, told.msg_flags, bytes(told.msg_name) == bytes(name_of(c, sender, UDP)[0])]

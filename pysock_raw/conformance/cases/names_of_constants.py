"""Names of C's headers that Python's modules lack, in the call that they are for."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, descriptor, error, success
from pysock_raw.conformance.kinds import TCP, TCP6, UDP, UDP6, Kind, inet, pair, set_option
from pysock_raw.conformance.messages import controls, message


@case(
    "socket/local/name-of-the-family",
    "AF_LOCAL is POSIX's older name of AF_UNIX",
    descriptor("unix(7): also known as AF_LOCAL"),
)
def _(c: Backend, box: Box) -> None:
    c.socket(c.AF_LOCAL, c.SOCK_STREAM, 0)


@case(
    "socket/local/name-of-the-type",
    "AF_UNIX has no sockets of type SOCK_DCCP",
    error("ESOCKTNOSUPPORT", "an experiment: unix_create in net/unix/af_unix.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.socket(c.AF_UNIX, c.SOCK_DCCP, 0)


@case(
    "socket/udp/name-of-the-protocol",
    "IPPROTO_MTP is no protocol for datagrams",
    error("EPROTONOSUPPORT", "POSIX.1 socket; socket(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.socket(c.AF_INET, c.SOCK_DGRAM, c.IPPROTO_MTP)


def _option(id: str, kind: Kind, level: str, name: str, value: str | int, source: str) -> None:
    @case(
        f"setsockopt/{kind.name}/{id}",
        f"{name} of {level} can be set",
        success(source),
        needs=("linux", *kind.needs),
    )
    def _(c: Backend, box: Box) -> None:
        fd, number = kind.socket(c), value if isinstance(value, int) else getattr(c, value)
        set_option(c, fd, getattr(c, level), getattr(c, name), number)


_option("name-of-the-level", TCP6, "SOL_IPV6", "IPV6_V6ONLY", 1, "ipv6(7)")
_option("name-of-a-socket-option", UDP, "SOL_SOCKET", "SO_TIMESTAMP", 1, "socket(7)")
_option("name-of-an-ip-option", UDP, "IPPROTO_IP", "IP_MTU_DISCOVER", "IP_PMTUDISC_DO", "ip(7)")
_option("name-of-an-ipv6-option", UDP6, "IPPROTO_IPV6", "IPV6_MTU_DISCOVER", "IPV6_PMTUDISC_DO", "ipv6(7)")
_option("name-of-a-tcp-option", TCP, "IPPROTO_TCP", "TCP_CM_INQ", 1, "linux/tcp.h: TCP_CM_INQ is TCP_INQ")
_option("name-of-a-udp-option", UDP, "IPPROTO_UDP", "UDP_CORK", 1, "udp(7)")


@case(
    "recv/udp/name-of-the-flag",
    "MSG_WAITFORONE is recvmmsg's, and recv does not look at it",
    error("EAGAIN", "recvmmsg(2); an experiment: udp_recvmsg"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.recv(UDP.socket(c), bytearray(1), 1, c.MSG_DONTWAIT | c.MSG_WAITFORONE)


@case(
    "sendmsg/udp/name-of-the-control-message",
    "SCM_TXTIME is refused on a socket without SO_TXTIME",
    error("EINVAL", "an experiment: __sock_cmsg_send in net/core/sock.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd = UDP.socket(c)
    when = controls(c, (c.SOL_SOCKET, c.SCM_TXTIME, bytes(8)))
    c.sendmsg(fd, message(c, b"x", to=inet(c, c.INADDR_LOOPBACK, 9), control=when), 0)


@case(
    "getpeername/tcp/name-of-the-length",
    "a program makes room for the text of an address, and asks for the address then",
    error("ENOTCONN", "POSIX.1 getpeername"),
)
def _(c: Backend, box: Box) -> None:
    fd, room = TCP.socket(c), bytearray(c.INET6_ADDRSTRLEN)
    c.getpeername(fd, room, c.socklen_t(len(room)))


@case(
    "fcntl/local/name-of-the-seal",
    "sockets have no seals",
    error("EINVAL", "fcntl(2) F_ADD_SEALS"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, _ = pair(c, c.SOCK_STREAM)
    c.fcntl(one, c.F_ADD_SEALS, c.F_SEAL_FUTURE_WRITE)


@case(
    "bind/udp/name-of-the-address",
    "a datagram socket binds to a multicast group, here that of all routers",
    success("an experiment: inet_addr_valid_or_nonlocal in net/ipv4/af_inet.c"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.bind(UDP.socket(c), *inet(c, c.INADDR_ALLRTRS_GROUP, 0))


@case(
    "poll/local/name-of-the-event",
    "POLLREMOVE is no event of a socket",
    success("an experiment: unix_poll in net/unix/af_unix.c"),
    needs=["linux", "glibc"],
)
def _(c: Backend, box: Box) -> None:
    one, _ = pair(c, c.SOCK_STREAM)
    c.poll(c.pollfd(fd=one, events=c.POLLREMOVE), 1, 0)

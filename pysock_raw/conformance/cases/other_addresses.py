"""Addresses that a Python program cannot say, or not so: of another family than the socket's, of no family, and with
more in them than Python's tuples and paths hold."""

from __future__ import annotations

import socket as stdlib
import struct
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    TCP6,
    UDP,
    UDP6,
    Address,
    Kind,
    bound,
    client,
    inet,
    inet6,
    local,
    must,
)
from pysock_raw.conformance.messages import message

#: How a call is made with an address.
WITH_AN_ADDRESS: dict[str, Callable[[Backend, int, Address], int]] = {
    "bind": lambda c, fd, address: c.bind(fd, *address),
    "connect": lambda c, fd, address: c.connect(fd, *address),
    "sendto": lambda c, fd, address: c.sendto(fd, b"x", 1, 0, *address),
    "sendmsg": lambda c, fd, address: c.sendmsg(fd, message(c, b"x", to=address), 0),
}
SENDING = ("sendto", "sendmsg")
"""Calls that are one to the protocols: what REFUSED says of sendto holds for both."""

NETLINK = Kind("netlink", "AF_NETLINK", "SOCK_RAW")
PACKET = Kind("packet", "AF_PACKET", "SOCK_RAW", ("raw",))


def _packet(c: Backend, index: int) -> Address:
    """struct sockaddr_ll, with the index of an interface: packet(7)."""
    return struct.pack("=HHi12x", c.AF_PACKET, 0, index), 20


def _netlink(c: Backend) -> Address:
    """struct sockaddr_nl, with what makes it as long as a sockaddr_in: netlink(7)."""
    return struct.pack("=HHII4x", c.AF_NETLINK, 0, 7, 0), 16


def _vsock(c: Backend) -> Address:
    """struct sockaddr_vm, with a port and a number that no process has, as netlink would read them: vsock(7)."""
    return struct.pack("=HHII4x", c.AF_VSOCK, 0, 0, 2**31 - 1), 16


def _appletalk(c: Backend) -> Address:
    return c.sockaddr(sa_family=c.AF_APPLETALK), 16


def _too_long(c: Backend) -> Address:
    """A path of 110 bytes, in a sockaddr that has room for it."""
    return struct.pack("=H110s", c.AF_UNIX, b"p" * 110), 112


def _full(c: Backend) -> Address:
    address = c.sockaddr_un(sun_family=c.AF_UNIX, sun_path=b"p" * 108)
    return address, c.sizeof(address)


def _flowing(c: Backend, flow: int, port: int = 9) -> Address:
    address, length = inet6(c, "::1", port)
    address.sin6_flowinfo = c.htonl(flow)
    return address, length


def _labelled(c: Backend, port: int) -> Address:
    """sin6_flowinfo with a traffic class before the flow label of 20 bits (RFC 3542)."""
    return _flowing(c, 0x0FF00001, port)


#: id, what it shows, the socket, the address, the errno of each call, source
REFUSED: list[tuple[str, str, Kind, Callable[[Backend], Address], dict[str, str], str]] = [
    ("foreign-family", "an IPv4 address for a local socket", LOCAL_DGRAM, lambda c: inet(c, c.INADDR_LOOPBACK, 9),
     {"bind": "EINVAL", "connect": "EINVAL", "sendmsg": "EINVAL"}, "bind(2); an experiment: unix_validate_addr"),
    ("path", "a local path for an IPv4 socket", UDP, lambda c: local(c, b"a-path-of-20-bytes.."),
     {"bind": "EAFNOSUPPORT", "connect": "EAFNOSUPPORT", "sendto": "EAFNOSUPPORT"}, "POSIX.1 bind, connect, sendto"),
    ("ipv6-address", "an IPv6 address for an IPv4 socket", UDP, lambda c: inet6(c, "::1", 9),
     {"bind": "EAFNOSUPPORT", "connect": "EAFNOSUPPORT", "sendto": "EAFNOSUPPORT"}, "POSIX.1 bind, connect, sendto"),
    ("ipv4-address", "an IPv4 address, too short for an IPv6 socket; without a connection its peer is missed first",
     TCP6, lambda c: inet(c, c.INADDR_LOOPBACK, 9), {"bind": "EINVAL", "connect": "EINVAL", "sendto": "EPIPE"},
     "an experiment: inet6_bind_sk, tcp_v6_connect, tcp_sendmsg_locked"),
    ("broadcast-address", "the broadcast address of IPv4, too short for an IPv6 socket", TCP6,
     lambda c: inet(c, 0xFFFFFFFF, 9), {"bind": "EINVAL", "connect": "EINVAL", "sendto": "EPIPE"},
     "an experiment: inet6_bind_sk, tcp_v6_connect, tcp_sendmsg_locked"),
    ("ip-address", "an IPv4 address for a netlink socket", NETLINK, lambda c: inet(c, c.INADDR_LOOPBACK, 9),
     {"bind": "EINVAL", "connect": "EINVAL", "sendto": "EINVAL"}, "an experiment: net/netlink/af_netlink.c"),
    ("ip-address", "an IPv4 address for a packet socket: too short, and there is no connect", PACKET,
     lambda c: inet(c, c.INADDR_LOOPBACK, 9), {"bind": "EINVAL", "connect": "EOPNOTSUPP", "sendto": "EINVAL"},
     "an experiment: net/packet/af_packet.c"),
    ("ipv6-address-with-large-flow", "an IPv6 address for a packet socket, whatever its numbers", PACKET,
     lambda c: _flowing(c, 2**31), {"bind": "EINVAL", "connect": "EOPNOTSUPP"},
     "an experiment: net/packet/af_packet.c"),
    ("vsock-address", "a vsock address for a netlink socket", NETLINK, _vsock,
     {"bind": "EINVAL", "connect": "EINVAL", "sendto": "EINVAL"}, "an experiment: net/netlink/af_netlink.c"),
    ("netlink-address", "a netlink address for an IPv4 socket", UDP, _netlink,
     {"bind": "EAFNOSUPPORT", "connect": "EAFNOSUPPORT", "sendto": "EAFNOSUPPORT"}, "POSIX.1 bind, connect, sendto"),
    ("path", "a local path for a packet socket: too short, and there is no connect", PACKET,
     lambda c: local(c, b"path"), {"bind": "EINVAL", "connect": "EOPNOTSUPP", "sendto": "EINVAL"},
     "an experiment: net/packet/af_packet.c"),
    ("no-interface", "interface 0 is none that could send", PACKET, lambda c: _packet(c, 0), {"sendto": "ENXIO"},
     "an experiment: packet_snd"),
    ("family-without-form", "an AppleTalk address for an IPv4 socket", UDP, _appletalk,
     {"bind": "EAFNOSUPPORT", "connect": "EAFNOSUPPORT", "sendto": "EAFNOSUPPORT"}, "POSIX.1 bind, connect, sendto"),
    ("path-of-108-bytes", "a path may fill sun_path without a NUL, and is looked up", LOCAL, _full,
     {"connect": "ENOENT"}, "unix(7); connect(2)"),
    ("path-of-108-bytes", "a path may fill sun_path without a NUL, and is looked up", LOCAL_DGRAM, _full,
     {"sendto": "ENOENT"}, "unix(7); connect(2)"),
    ("name-beyond-sun-path", "a path longer than sun_path", LOCAL, _too_long,
     {"bind": "EINVAL", "connect": "EINVAL"}, "unix(7): sun_path; an experiment: unix_validate_addr"),
    ("name-beyond-sun-path", "a path longer than sun_path", LOCAL_DGRAM, _too_long, {"sendto": "EINVAL"},
     "unix(7): sun_path; an experiment: unix_validate_addr"),
]  # fmt: skip

TAKEN = "an experiment: the kernel looks at sin6_flowinfo only if IPV6_FLOWINFO_SEND asks for it"


def _one(call: str, id: str, shows: str, kind: Kind, address: Callable[[Backend], Address], outcome: Outcome) -> None:
    @case(f"{call}/{kind.name}/{id}", f"{call}: {shows}", outcome, needs=("linux", *kind.needs))
    def _(c: Backend, box: Box) -> None:
        WITH_AN_ADDRESS[call](c, kind.socket(c), address(c))


for _id, _shows, _kind, _address, _errnos, _source in REFUSED:
    for _call, _errno in _errnos.items():
        for _alike in SENDING if _call == "sendto" else (_call,):
            _one(_alike, _id, _shows, _kind, _address, error(_errno, _source))

_one(
    "bind",
    "every-interface",
    "index 0 stands for all interfaces",
    PACKET,
    lambda c: _packet(c, 0),
    success("packet(7)"),
)
_one("bind", "flow-label-beyond-20-bits", "more bits than a flow label has", UDP6, lambda c: _labelled(c, 0),
     success(TAKEN))  # fmt: skip


@case(
    "bind/mptcp6/flow-label-beyond-20-bits",
    "more bits than a flow label has, on a socket that has no option for them",
    success("an experiment: inet6_bind_sk, mptcp_getsockopt_v6"),
    needs=["ipv6", "mptcp"],
)
def _(c: Backend, box: Box) -> None:
    c.bind(must(c, c.socket(c.AF_INET6, c.SOCK_STREAM, c.IPPROTO_MPTCP)), *_labelled(c, 0))


def _labelled_peer(call: str, result: int) -> None:
    @case(
        f"{call}/udp6/flow-label-beyond-20-bits",
        f"{call}: more bits than a flow label has",
        success(TAKEN, result=result),
        needs=UDP6.needs,
    )
    def _(c: Backend, box: Box) -> None:
        _, (server, _) = bound(c, UDP6)
        WITH_AN_ADDRESS[call](c, UDP6.socket(c), _labelled(c, c.ntohs(server.sin6_port)))


_labelled_peer("connect", 0)
for _call in SENDING:
    _labelled_peer(_call, 1)


def _unspecified(call: str) -> None:
    @case(
        f"{call}/udp/unspecified-family",
        "a UDP socket takes AF_UNSPEC for AF_INET, whatever the address",
        success("an experiment: udp_sendmsg in net/ipv4/udp.c", result=1),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        address, length = inet(c, c.INADDR_LOOPBACK, 9)
        address.sin_family = c.AF_UNSPEC
        WITH_AN_ADDRESS[call](c, UDP.socket(c), (address, length))

    @case(
        f"{call}/udp6/unspecified-family",
        "a UDP socket over IPv6 takes AF_UNSPEC for no address, and sends to its peer",
        success("an experiment: udpv6_sendmsg in net/ipv6/udp.c", result=1, observed="x"),
        needs=["linux", *UDP6.needs],
    )
    def _(c: Backend, box: Box) -> str:
        server, address = bound(c, UDP6)
        WITH_AN_ADDRESS[call](c, client(c, UDP6, address), (c.sockaddr(sa_family=c.AF_UNSPEC), 16))
        text = bytearray(1)
        must(c, c.recv(server, text, 1, c.MSG_DONTWAIT))
        return text.decode()


for _call in SENDING:
    _unspecified(_call)


def _cut_scope(call: str, errno: str) -> None:
    @case(
        f"{call}/udp6/cut-scope",
        f"{call}: an address that ends within its scope has none",
        error(errno, "an experiment: inet6_bind_sk and __ip6_datagram_connect want the whole sockaddr_in6 for it"),
        needs=["linux", *UDP6.needs],
    )
    def _(c: Backend, box: Box) -> None:
        address, length = inet6(c, "fe80::1", 9)
        address.sin6_scope_id = stdlib.if_nametoindex("lo")
        WITH_AN_ADDRESS[call](c, UDP6.socket(c), (address, length - 1))


for _call in ("bind", "connect"):
    _cut_scope(_call, "EINVAL")


@case(
    "getsockname/packet/no-interface",
    "a packet socket that is bound to no interface has index 0 for all",
    success("packet(7)", observed=0),
    needs=["linux", *PACKET.needs],
)
def _(c: Backend, box: Box) -> int:
    name, length = bytearray(20), c.socklen_t(20)
    c.getsockname(PACKET.socket(c), name, length)
    return int(struct.unpack_from("=i", name, 4)[0])


# --- addresses of families that Python has a form for, and pysock_raw no structure ---


@case(
    "bind/netlink/number-of-the-process",
    "number 0 leaves the choice to the kernel, which takes the number of the process for its first netlink socket",
    success("netlink(7) nl_pid", observed=[12, True]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, name, length = NETLINK.socket(c), bytearray(12), c.socklen_t(12)
    c.bind(fd, struct.pack("=HHII", c.AF_NETLINK, 0, 0, 0), 12)
    must(c, c.getsockname(fd, name, length))
    return [length.value, struct.unpack_from("=I", name, 4)[0] == box.pid]


@case(
    "bind/packet/loopback",
    "a packet socket is bound to an interface by its index, and has its hardware address then",
    success("packet(7)", observed=[18, "lo"]),
    needs=["linux", *PACKET.needs],
)
def _(c: Backend, box: Box) -> list[object]:
    fd, name, length = PACKET.socket(c), bytearray(20), c.socklen_t(20)
    c.bind(fd, *_packet(c, stdlib.if_nametoindex("lo")))
    must(c, c.getsockname(fd, name, length))
    return [length.value, stdlib.if_indextoname(struct.unpack_from("=i", name, 4)[0])]

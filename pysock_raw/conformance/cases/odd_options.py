"""Options that the forms of Python's getsockopt and setsockopt do not fit: values that are no int, need more room, or
begin with what is in the buffer. Numbers stand for the options that have no name in Python."""

from __future__ import annotations

import os
import sys

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import TCP, TCP6, answer, must, pair

SO_PEERGROUPS = 59  # asm-generic/socket.h
SOL_PACKET, PACKET_HDRLEN, TPACKET_V3, HEADER_OF_V3 = 263, 11, 2, 48  # linux/if_packet.h, sizeof struct tpacket3_hdr
IPV6_FLOWLABEL_MGR, REQUEST = 32, 32  # linux/in6.h, sizeof struct in6_flowlabel_req
BUFFER_SIZE, BY_DEFAULT = 0, 2**18  # linux/vm_sockets.h: SO_VM_SOCKETS_BUFFER_SIZE, a u64; net/vmw_vsock/af_vsock.c


@case(
    "getsockopt/tcp/room-of-2000-bytes",
    "a buffer may be as long as one likes: the length becomes that of the value",
    success("POSIX.1 getsockopt", observed=[4, 1]),
)
def _(c: Backend, box: Box) -> list[int]:
    room, length = bytearray(2000), c.socklen_t(2000)
    c.getsockopt(TCP.socket(c), c.SOL_SOCKET, c.SO_TYPE, room, length)
    return [length.value, int.from_bytes(room[:4], sys.byteorder)]


@case(
    "getsockopt/tcp/int-of-no-bytes",
    "a socket without options of IP: the length becomes 0, and the int stays as it was",
    success("ip(7) IP_OPTIONS; an experiment: do_ip_getsockopt", observed=[0, 7]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[int]:
    value, length = c.c_int(7), c.socklen_t(4)
    c.getsockopt(TCP.socket(c), c.IPPROTO_IP, c.IP_OPTIONS, value, length)
    return [length.value, value.value]


@case(
    "getsockopt/local/too-little-room-for-groups",
    "there is no room for the groups of the peer: ERANGE, and the length says how much they need",
    error("ERANGE", "an experiment: sk_getsockopt in net/core/sock.c", observed=12),
    needs=["linux", "root"],
)
def _(c: Backend, box: Box) -> int:
    os.setgroups([1, 2, 3])
    one, _ = pair(c, c.SOCK_STREAM)
    length = c.socklen_t(8)
    c.getsockopt(one, c.SOL_SOCKET, SO_PEERGROUPS, bytearray(8), length)
    return int(length.value)


@case(
    "getsockopt/packet/header-length",
    "the int that is given is the version of the header, the int that is got the header's length",
    success("packet(7) PACKET_VERSION; an experiment: packet_getsockopt", observed=HEADER_OF_V3),
    needs=["linux", "raw"],
)
def _(c: Backend, box: Box) -> int:
    value, length = c.c_int(TPACKET_V3), c.socklen_t(4)
    fd = must(c, c.socket(c.AF_PACKET, c.SOCK_RAW, 0))
    c.getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, value, length)
    return int(value.value)


@case(
    "getsockopt/packet/null-length-of-another-level",
    "a level that the socket lacks wins over NULL for the length",
    error("ENOPROTOOPT", "an experiment: packet_getsockopt looks at the level first"),
    needs=["linux", "raw"],
)
def _(c: Backend, box: Box) -> None:
    fd = must(c, c.socket(c.AF_PACKET, c.SOCK_RAW, 0))
    c.getsockopt(fd, c.IPPROTO_IP, c.IP_TTL, c.c_int(), None)


@case(
    "getsockopt/tcp6/flow-label",
    "what the buffer asks for decides: a flow label that the socket does not have, or nothing that there is",
    error("EINVAL", "an experiment: do_ipv6_getsockopt and ipv6_flowlabel_opt_get", observed=["ENOENT", "EINVAL"]),
    needs=["ipv6", "linux"],
)
def _(c: Backend, box: Box) -> list[int | str]:
    fd, found = TCP6.socket(c), []
    for action in (0, 1):  # IPV6_FL_A_GET, IPV6_FL_A_PUT
        request = bytearray(REQUEST)
        request[20] = action  # after in6_addr and the label
        found.append(answer(c, c.getsockopt(fd, c.IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, request, c.socklen_t(REQUEST))))
    return found


# --- a virtual machine's socket, some of whose options have 8 bytes ---


def _vsock(c: Backend) -> int:
    return must(c, c.socket(c.AF_VSOCK, c.SOCK_STREAM, 0))


@case(
    "getsockopt/vsock/option-of-8-bytes",
    "an option of AF_VSOCK of 8 bytes",
    success("vsock(7) SO_VM_SOCKETS_BUFFER_SIZE; an experiment: its default", observed=[BY_DEFAULT, 8]),
    needs=["vsock"],
)
def _(c: Backend, box: Box) -> list[int]:
    room, length = bytearray(8), c.socklen_t(8)
    c.getsockopt(_vsock(c), c.AF_VSOCK, BUFFER_SIZE, room, length)
    return [int.from_bytes(room, sys.byteorder), length.value]


@case(
    "getsockopt/vsock/8-bytes-into-an-int",
    "an option of AF_VSOCK of 8 bytes does not fit an int",
    error("EINVAL", "an experiment: vsock_connectible_getsockopt in net/vmw_vsock/af_vsock.c"),
    needs=["vsock"],
)
def _(c: Backend, box: Box) -> None:
    c.getsockopt(_vsock(c), c.AF_VSOCK, BUFFER_SIZE, c.c_int(), c.socklen_t(4))


@case(
    "setsockopt/vsock/option-of-8-bytes",
    "an option of AF_VSOCK of 8 bytes is set",
    success("vsock(7) SO_VM_SOCKETS_BUFFER_SIZE"),
    needs=["vsock"],
)
def _(c: Backend, box: Box) -> None:
    c.setsockopt(_vsock(c), c.AF_VSOCK, BUFFER_SIZE, (2**17).to_bytes(8, sys.byteorder), 8)


@case(
    "setsockopt/vsock/int-for-8-bytes",
    "an int is too short for an option of AF_VSOCK of 8 bytes",
    error("EINVAL", "an experiment: vsock_connectible_setsockopt in net/vmw_vsock/af_vsock.c"),
    needs=["vsock"],
)
def _(c: Backend, box: Box) -> None:
    c.setsockopt(_vsock(c), c.AF_VSOCK, BUFFER_SIZE, c.c_int(2**17), 4)

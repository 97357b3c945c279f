"""The bytes of a sockaddr to and from the addresses of Python's socket module."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from typing import Any

from pysock_raw.backends.wrapping import Inexpressible
from pysock_raw.structures import BSD, sizeof, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_un

HEADER: int = sockaddr.sa_data.offset
"""The bytes of a sockaddr before its data: its family, on the BSDs after a length."""


#: The addresses that are two numbers in Python: (pid, groups), netlink(7), and (cid, port), vsock(7), with the offset
#: of each number and the size of the whole.
NUMBERS: dict[int, tuple[int, int, int]] = {
    getattr(socket, "AF_NETLINK", -1): (4, 8, 12),
    getattr(socket, "AF_VSOCK", -1): (8, 4, 16),
}
PACKET = getattr(socket, "AF_PACKET", -1)
SOCKADDR_LL = struct.Struct(
    "=H2siHBB"
)  # packet(7): family, protocol, ifindex, hatype, pkttype, halen; then the address


WHOLE: dict[int | None, int] = {
    socket.AF_INET: sizeof(sockaddr_in),
    socket.AF_INET6: sizeof(sockaddr_in6),
    socket.AF_UNIX: HEADER,
    PACKET: SOCKADDR_LL.size + 8,
    **{family: size for family, (_, _, size) in NUMBERS.items()},
}
"""Bytes that an address has at least, for the families whose addresses have a form in Python that is known here."""


def _with_length(address: Any) -> bytes:
    raw = bytes(address)
    return bytes([len(raw)]) + raw[1:] if BSD else raw


def family_of(raw: bytes) -> int | None:
    """sa_family of a sockaddr of any length, or None where it is too short to have one."""
    return sockaddr.from_buffer_copy(raw.ljust(sizeof(sockaddr))).sa_family if len(raw) >= HEADER else None


def to_python(raw: bytes) -> Any:
    """Python's address for the bytes of a whole sockaddr_in, sockaddr_in6 (of whose scope the kernel takes the whole or
    nothing), sockaddr_un, sockaddr_nl, sockaddr_vm or sockaddr_ll. Only numeric hosts come out, so Python never asks a
    resolver."""
    family = family_of(raw)
    if family == socket.AF_INET:
        ip4 = sockaddr_in.from_buffer_copy(raw)
        return socket.inet_ntoa(bytes(ip4.sin_addr)), socket.ntohs(ip4.sin_port)
    if family == socket.AF_INET6:
        whole = raw if len(raw) >= sizeof(sockaddr_in6) else raw[: sockaddr_in6.sin6_scope_id.offset]
        ip6 = sockaddr_in6.from_buffer_copy(whole.ljust(sizeof(sockaddr_in6), b"\0"))
        host = socket.inet_ntop(socket.AF_INET6, bytes(ip6.sin6_addr))
        return host, socket.ntohs(ip6.sin6_port), socket.ntohl(ip6.sin6_flowinfo), ip6.sin6_scope_id
    if family == socket.AF_UNIX:
        path = raw[HEADER:]
        return path if path.startswith(b"\0") else path.split(b"\0", 1)[0]
    if family in NUMBERS:
        return tuple(struct.unpack_from("=I", raw, offset)[0] for offset in NUMBERS[family][:2])
    if family == PACKET:
        _, protocol, index, hatype, pkttype, halen = SOCKADDR_LL.unpack_from(raw)
        return _interface(index), int.from_bytes(protocol, "big"), pkttype, hatype, raw[SOCKADDR_LL.size :][:halen]
    raise Inexpressible(f"there is no form for an address of family {family} here")


def _interface(index: int) -> str:
    """Its name; none where makesockaddr finds none."""
    with contextlib.suppress(OSError):
        return socket.if_indextoname(index)
    return ""


def to_bytes(family: int, address: Any) -> bytes:
    """The sockaddr, in its bytes and length, that the kernel gave Python for this address."""
    if address is None:  # the kernel gave none, as recvfrom on a connected stream
        return b""
    if family == socket.AF_INET:
        host, port = address
        ip4 = sockaddr_in(sin_family=family, sin_port=socket.htons(port))
        ip4.sin_addr.s_addr = int.from_bytes(socket.inet_aton(host), sys.byteorder)
        return _with_length(ip4)
    if family == socket.AF_INET6:
        host, port, flow, scope = address
        ip6 = sockaddr_in6(
            sin6_family=family,
            sin6_port=socket.htons(port),
            sin6_flowinfo=socket.htonl(flow),
            sin6_scope_id=scope,
        )
        ip6.sin6_addr.s6_addr[:] = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
        return _with_length(ip6)
    if family == socket.AF_UNIX:
        # The kernel counts the NUL of a path; an abstract name has none, an unnamed socket nothing at all.
        path = address if isinstance(address, bytes) else os.fsencode(address)
        local = bytes(sockaddr_un(sun_family=family))[:HEADER] + path
        return local + b"\0" if path and not path.startswith(b"\0") else local
    if family in NUMBERS:
        *offsets, size = NUMBERS[family]
        numbers = bytearray(size)
        numbers[:HEADER] = bytes(sockaddr(sa_family=family))[:HEADER]
        for offset, number in zip(offsets, address, strict=True):
            struct.pack_into("=I", numbers, offset, number)
        return bytes(numbers)
    if family == PACKET:
        name, protocol, pkttype, hatype, hardware = address
        if not name:
            raise Inexpressible("Python tells an interface by its name, and this address has none")
        index = socket.if_nametoindex(name)
        header = SOCKADDR_LL.pack(family, protocol.to_bytes(2, "big"), index, hatype, pkttype, len(hardware))
        return header + bytes(hardware)  # as long as packet_getname says
    raise Inexpressible(f"there is no form for an address of family {family} here")

"""Conversions between an address and its text, in the call that they are for."""

from __future__ import annotations

from socket import AF_INET
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import TCP, UDP, inet
from pysock_raw.trace_values import errno_name


@case(
    "bind/udp/text-that-is-no-address",
    "inet_pton says 0 to a text that is no address and leaves the address alone, here the one for all interfaces",
    success("inet_pton(3)", observed=0),
)
def _(c: Backend, box: Box) -> int:
    fd, (address, length) = UDP.socket(c), inet(c, c.INADDR_ANY, 0)
    converted = c.inet_pton(c.AF_INET, "300.1.1.1", address.sin_addr)
    c.bind(fd, address, length)
    return converted


def _text(id: str, shows: str, family: int, room: int, errno: str) -> None:
    allowed = error("ENOTCONN", "POSIX.1 getpeername; inet_ntop(3)", observed=[None, errno])

    @case(f"getpeername/tcp/{id}", shows, allowed)
    def _(c: Backend, box: Box) -> list[Any]:
        fd, address = TCP.socket(c), c.sockaddr_in()
        text = c.inet_ntop(family, address.sin_addr, bytearray(room), room)
        said = errno_name(c.get_errno())
        c.getpeername(fd, address, c.socklen_t(16))
        return [text, said]


_text("text-without-room", "inet_ntop has no room for a text of 8 bytes in 7", AF_INET, 7, "ENOSPC")
_text("text-of-unknown-family", "inet_ntop knows the families of IP alone", 999, 16, "EAFNOSUPPORT")

"""Differences in sendmsg and recvmsg."""

from __future__ import annotations

from pysock_raw.conformance.differences.calls import FOREIGN
from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.verdicts import Pair

INET = ("AF_INET", "AF_INET6")


def _foreign_name(pair: Pair) -> bool:
    """An address of another family than the socket was made with (a socket from elsewhere: than Python says)."""
    told = pair.argument("msg")
    name = told.get("msg_name") if pair.call == "sendmsg" and isinstance(told, dict) else None
    if not isinstance(name, dict) or "family" not in name:
        return False
    made = [old for old in pair.before if old.call == "socket" and old.c["result"] == pair.argument("fd")]
    foreign = not made or made[-1].argument("domain") != name["family"]
    return foreign and raised(pair, *FOREIGN, *(f"TypeError: sendmsg(): {family} address" for family in INET))


ENTRIES: tuple[Difference, ...] = (
    Difference(
        "sendmsg-foreign-family-address",
        "sendmsg to an address of another family: C asks the kernel, Python raises TypeError or gaierror",
        "-1 with EAFNOSUPPORT or EINVAL from the kernel (or success: UDP over IPv6 takes IPv4 addresses).",
        "TypeError for a tuple or path of the wrong form, socket.gaierror for a host of the wrong family.",
        "getsockaddrarg and setipaddr in socketmodule.c go by the family of the socket object",
        "wrap the descriptor under the address's family: socket.socket(AF_INET6, SOCK_DGRAM, 0, fileno=fd)",
        "sendmsg/udp/foreign-family",
        _foreign_name,
    ),
)

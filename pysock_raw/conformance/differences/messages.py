"""Differences in sendmsg and recvmsg."""

from __future__ import annotations

from typing import Any

from pysock_raw.conformance.differences.addresses import FOREIGN
from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.differences.history import handed_out
from pysock_raw.conformance.verdicts import Pair

INET = ("AF_INET", "AF_INET6")


def _name(pair: Pair) -> dict[str, Any]:
    """The address that sendmsg was given, or {}."""
    told = pair.argument("msg") if pair.call == "sendmsg" else None
    name = told.get("msg_name") if isinstance(told, dict) else None
    return name if isinstance(name, dict) else {}


def _path_too_long(pair: Pair) -> bool:
    path = _name(pair).get("path", "")
    return raised(pair, "OSError: AF_UNIX path too long") and len(path) == 108 and not path.startswith("\0")


def _foreign_name(pair: Pair) -> bool:
    """An address of another family than the socket was made with (a socket from elsewhere: than Python says)."""
    family = _name(pair).get("family")
    made = handed_out(pair)
    foreign = family is not None and (made is None or made.argument("domain") != family)
    return foreign and raised(
        pair,
        *(words for other in FOREIGN for words in other.words),
        *(f"TypeError: sendmsg(): {family} address" for family in INET),
    )


ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="sendmsg-foreign-family",
        title="sendmsg to an address of another family: C asks the kernel, Python raises TypeError or gaierror",
        c="-1 with EAFNOSUPPORT or EINVAL from the kernel (or success: UDP over IPv6 takes IPv4 addresses).",
        python="TypeError for a tuple or path of the wrong form, socket.gaierror for a host of the wrong family.",
        why="getsockaddrarg and setipaddr in socketmodule.c go by the family of the socket object",
        no_recipe="XXX",
        evidence="sendmsg/udp/foreign-family",
        predicate=_foreign_name,
    ),
    Difference(
        id="sendmsg-path-of-108-bytes",
        title="sendmsg to an AF_UNIX path of 108 bytes: C uses all of sun_path, Python wants room for a NUL",
        c="A path may fill sun_path without a NUL at its end (unix(7)).",
        python="OSError without errno, before the kernel is asked: AF_UNIX path too long.",
        why="getsockaddrarg in socketmodule.c demands a length below sizeof sun_path",
        no_recipe="Python passes no such name on; os.chdir to its directory and send to a shorter relative path",
        evidence="sendmsg/local-dgram/path-of-108-bytes",
        predicate=_path_too_long,
    ),
)

"""Differences in the addresses that bind, connect and sendto take."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.verdicts import Pair

TAKE_AN_ADDRESS = ("bind", "connect", "sendto")


def _path_of_108_bytes(call: str) -> Callable[[Pair], bool]:
    def recognises(pair: Pair) -> bool:
        address = pair.argument("addr")
        path = address.get("path", "") if isinstance(address, dict) else ""
        return (
            pair.call == call
            and raised(pair, "OSError: AF_UNIX path too long")
            and len(path) == 108
            and not path.startswith("\0")
        )

    return recognises


#: How Python refuses an address of another family than the socket object's.
FOREIGN = (
    "TypeError: AF_INET address must be",
    "TypeError: AF_INET6 address must be",
    *(f"TypeError: {call}(): AF_INET{version} address must be" for call in TAKE_AN_ADDRESS for version in ("", "6")),
    "TypeError: a bytes-like object is required, not 'tuple'",
    "gaierror: ",
)


def _foreign_family(call: str) -> Callable[[Pair], bool]:
    """An address of another family than the socket was made with (a socket from elsewhere: than Python says)."""

    def recognises(pair: Pair) -> bool:
        address = pair.argument("addr")
        if pair.call != call or not isinstance(address, dict):
            return False
        made = [old for old in pair.before if old.call == "socket" and old.c["result"] == pair.argument("fd")]
        foreign = not made or made[-1].argument("domain") != address.get("family")
        return foreign and "family" in address and raised(pair, *FOREIGN)

    return recognises


ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="bind-path-of-108-bytes",
        title="bind to an AF_UNIX path of 108 bytes: C uses all of sun_path, Python wants room for a NUL",
        c="A path may fill sun_path without a NUL at its end (unix(7)).",
        python="OSError without errno, before the kernel is asked: AF_UNIX path too long.",
        why="getsockaddrarg in socketmodule.c demands a length below sizeof sun_path",
        no_recipe="Python passes no such name on; os.chdir to its directory and bind to a shorter relative path",
        evidence="bind/local/path-of-108-bytes",
        predicate=_path_of_108_bytes("bind"),
    ),
    Difference(
        id="bind-foreign-family",
        title="bind to an address of another family: C asks the kernel, Python raises TypeError or gaierror",
        c="-1 with EAFNOSUPPORT or EINVAL from the kernel.",
        python="TypeError for a tuple or path of the wrong form, socket.gaierror for a host of the wrong family.",
        why="getsockaddrarg and setipaddr in socketmodule.c go by the family of the socket object",
        recipe="""\
foreign = socket.socket({16: socket.AF_INET, 28: socket.AF_INET6}[addrlen], sock.type, 0, fileno=fd)
try:
    foreign.bind(address)
finally:
    foreign.detach()
0""",
        evidence="bind/foreign-family",
        predicate=_foreign_family("bind"),
    ),
)

"""Differences in the conversions between an address and its text.

A conversion asks no kernel, so no trace records it. A program that Python's exception ends there ends in front of a
call: that is the pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.pairs import Pair


@dataclass(frozen=True)
class Conversion:
    id: str
    title: str
    c: str
    python: str
    words: tuple[str, ...]
    """How Python's exception begins, on CPython and PyPy."""
    why: str
    instead: str
    evidence: str


CONVERSIONS = (
    Conversion(
        id="bind-text-that-is-no-address",
        title="inet_pton of a text that is no address: C returns 0, Python raises OSError",
        c="0, which is no error and sets no errno (inet_pton(3)); the address stays as it was.",
        python="OSError without errno, where a program that ported C's code would look at the result.",
        words=("OSError: illegal IP address string passed to inet_pton",),
        why="socket_inet_pton in socketmodule.c",
        instead="catch OSError: one with no errno is C's 0",
        evidence="bind/udp/text-that-is-no-address",
    ),
    Conversion(
        id="getpeername-text-without-room",
        title="inet_ntop with too little room: C returns NULL with ENOSPC, Python makes the text itself",
        c="NULL with ENOSPC (inet_ntop(3)).",
        python="The text is what the function returns, and it takes no buffer and no length.",
        words=("Inexpressible: socket.inet_ntop returns its text",),
        why="socket_inet_ntop in socketmodule.c has a buffer of its own",
        instead="compare the length of the text with the room",
        evidence="getpeername/tcp/text-without-room",
    ),
    Conversion(
        id="getpeername-text-of-unknown-family",
        title="inet_ntop for a family without texts: C returns NULL with EAFNOSUPPORT, Python raises ValueError",
        c="NULL with EAFNOSUPPORT (inet_ntop(3)).",
        python="ValueError, and no errno.",
        words=("ValueError: unknown address family", "OSError: unknown address family"),
        why="socket_inet_ntop in socketmodule.c looks at the family before it asks libc",
        instead="catch ValueError",
        evidence="getpeername/tcp/text-of-unknown-family",
    ),
)


def _ended_by(conversion: Conversion) -> Callable[[Pair], bool]:
    return lambda pair: raised(pair, *conversion.words)


ENTRIES: tuple[Difference, ...] = tuple(
    Difference(
        id=conversion.id,
        title=conversion.title,
        c=conversion.c,
        python=conversion.python,
        why=conversion.why,
        no_recipe=f"it is no call that another could stand for; {conversion.instead}",
        evidence=conversion.evidence,
        predicate=_ended_by(conversion),
    )
    for conversion in CONVERSIONS
)

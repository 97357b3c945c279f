"""What a program did before a call, found without reading all of it again: a predicate may ask for it at every call of
a long program."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pysock_raw.conformance.verdicts import Pair

ANY = object()
"""In place of a file: of all of them."""


class Past:
    """The pairs of a program in the order of C's calls, by what was called and on which open file description. The
    name of a descriptor stands for one description all the time (naming.py)."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._files: dict[object, object] = {}
        self._calls: dict[tuple[str, object], list[Pair]] = {}
        self.makers: dict[object, Pair] = {}
        """For the name of a descriptor the call that handed it out."""
        for pair in sorted(pairs, key=place):
            self._add(pair)

    def _add(self, pair: Pair) -> None:
        for word in _words(pair):
            for file in (self.file(pair.argument("fd")), ANY):
                self._calls.setdefault((word, file), []).append(pair)
        ends = pair.argument("sv")
        for name in (pair.c["result"], *(ends if isinstance(ends, list) else ())):
            if isinstance(name, str):
                self.makers.setdefault(name, pair)
                if str(pair.argument("cmd")).startswith("F_DUPFD"):
                    self._files[name] = self.file(pair.argument("fd"))

    def file(self, fd: object) -> object:
        """A descriptor's open file description, by the name of its first descriptor."""
        return self._files.get(fd, fd) if isinstance(fd, (str, int)) else None

    def before(self, pair: Pair, word: str, file: object = ANY) -> Iterator[Pair]:
        """The calls on a file before this one, the last one first. `word`: a call, a command of fcntl, an option that
        was set, or FOR_NOTHING."""
        calls = self._calls.get((word, file), []) if file is not None else []
        return map(calls.__getitem__, reversed(range(bisect_left(calls, place(pair), key=place))))


def place(pair: Pair) -> int:
    """Where a call is among C's."""
    at: int = pair.c["at"]
    return at


FOR_NOTHING = "recv of 0 bytes"
"""The word for such a call."""


def _words(pair: Pair) -> list[str]:
    detail = {"fcntl": "cmd", "setsockopt": "optname"}.get(pair.call)
    nothing = pair.call == "recv" and pair.argument("len") == 0
    return [pair.call, *([str(pair.argument(detail))] if detail else []), *([FOR_NOTHING] if nothing else [])]

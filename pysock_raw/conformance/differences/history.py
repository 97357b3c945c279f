"""What the trace up to a call says of the descriptor that it is about."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pysock_raw.backends.contract import CALLS
from pysock_raw.conformance.pairs import SENDS, Pair, place
from pysock_raw.structures import PYPY

OF_NO_SOCKET_OBJECT = ("fcntl", "read", "write")
"""Calls that take a descriptor and make no socket object of it."""


def earlier(pair: Pair, word: str, fd: object = None) -> Iterator[Pair]:
    """The earlier calls on the open file description that a call is about, the last one first. `word`: a call, a
    command of fcntl, or an option that was set."""
    return pair.past.before(pair, word, pair.past.file(pair.argument("fd") if fd is None else fd))


def limit_of(call: str) -> str:
    """The option that limits a call's waiting."""
    return "SO_SNDTIMEO" if call in SENDS else "SO_RCVTIMEO"


def limit(pair: Pair) -> float | None:
    """The seconds that the program has last set as its descriptor's limit in the call's direction, or None."""
    last = next(earlier(pair, limit_of(pair.call)), None)
    value = last.argument("optval") if last else None
    return value["tv_sec"] + value["tv_usec"] / 1e6 if isinstance(value, dict) and "tv_sec" in value else None


def timeout(pair: Pair) -> float | None:
    """The timeout in seconds of the socket object that makes Python's call."""
    return pair.other.get("timeout")


def took(pair: Pair) -> float:
    """The seconds that C's call took."""
    began, ended = pair.c["time"]
    return math.inf if ended is None else float(ended - began) / 1e9


def at_once(pair: Pair) -> bool:
    """Whether there is a timeout, and C did not need as long as that."""
    return took(pair) <= (timeout(pair) or 0)


def set_by_timeout(pair: Pair) -> Pair | None:
    """The last call whose socket object set O_NONBLOCK on the descriptor, because it had a timeout: one on it, or the
    one that handed it out. None if there is none, or F_SETFL came later."""
    made = maker(pair)
    timed = (next((old for old in calls if timeout(old) is not None), None) for calls in objects(pair))
    found = [call for call in (*timed, made) if call is not None and timeout(call) is not None]
    last = max(found, key=place, default=None)
    flags = next(earlier(pair, "F_SETFL"), None)
    return None if last is None or (flags is not None and flags.c["at"] > last.c["at"]) else last


def nonblocking_by_timeout(pair: Pair) -> bool:
    """Whether Python's call is made on a descriptor that has O_NONBLOCK because of a timeout, of its own socket object
    or an earlier one's."""
    own = timeout(pair) is not None and pair.call not in OF_NO_SOCKET_OBJECT
    return own or set_by_timeout(pair) is not None


def made_nonblocking(pair: Pair) -> bool:
    """Whether the program has last asked for O_NONBLOCK on the descriptor, when it made it or since."""
    for old in earlier(pair, "F_SETFL"):
        return "O_NONBLOCK" in str(old.argument("arg"))
    made = maker(pair)
    return made is not None and "SOCK_NONBLOCK" in str(made.argument("type") or made.argument("flags"))


def handed_out(pair: Pair) -> Pair | None:
    """The call that handed out the descriptor of this one."""
    fd = pair.argument("fd")
    return pair.past.makers.get(fd) if isinstance(fd, str) else None


def maker(pair: Pair) -> Pair | None:
    """The call that handed out the first descriptor of the open file description."""
    return pair.past.makers.get(pair.past.file(pair.argument("fd")))


def asked(pair: Pair, flag: str) -> bool:
    """Whether the call has a flag."""
    return flag in str(pair.argument("flags")).split("|")


def may_wait(pair: Pair) -> bool:
    """Whether nothing in the program keeps the call from waiting."""
    return not asked(pair, "MSG_DONTWAIT") and not made_nonblocking(pair)


def objects(pair: Pair) -> Iterator[Iterator[Pair]]:
    """The earlier calls that made a socket object of the descriptor, by call, and of each the last one first."""
    return (earlier(pair, call) for call in CALLS if call not in OF_NO_SOCKET_OBJECT)


def cleared(pair: Pair) -> bool:
    """Whether PyPy has taken O_NONBLOCK from the descriptor: by making a socket object of it, with no timeout."""
    if not PYPY or not made_nonblocking(pair):
        return False
    made = [pair] if pair.call not in OF_NO_SOCKET_OBJECT else [old for calls in objects(pair) for old in calls]
    return timeout(max(made, key=place)) is None if made else False

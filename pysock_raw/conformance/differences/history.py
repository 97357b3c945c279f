"""What the trace up to a call says of the descriptor that it is about."""

from __future__ import annotations

from collections.abc import Iterator

from pysock_raw.backends.contract import CALLS
from pysock_raw.conformance.verdicts import Pair
from pysock_raw.structures import PYPY

OF_NO_SOCKET_OBJECT = ("fcntl", "read", "write")
"""Calls that take a descriptor and make no socket object of it."""
LIMITS = ("SO_RCVTIMEO", "SO_SNDTIMEO")
NO_LIMIT = {"tv_sec": 0, "tv_usec": 0}


def earlier(pair: Pair, word: str, fd: object = None) -> Iterator[Pair]:
    """The earlier calls on the open file description that a call is about, the last one first. `word`: a call, a
    command of fcntl, or an option that was set."""
    return pair.past.before(pair, word, pair.past.file(pair.argument("fd") if fd is None else fd))


def has_set(pair: Pair, option: str) -> bool:
    """Whether the program has set an option of the descriptor."""
    return next(earlier(pair, option), None) is not None


def limit(pair: Pair) -> float | None:
    """The seconds that the program has last set as its descriptor's limit in the call's direction, or None."""
    option = "SO_SNDTIMEO" if pair.call in ("connect", "write", "send", "sendto", "sendmsg") else "SO_RCVTIMEO"
    last = next(earlier(pair, option), None)
    value = last.argument("optval") if last else None
    return value["tv_sec"] + value["tv_usec"] / 1e6 if isinstance(value, dict) and "tv_sec" in value else None


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


def objects_since(pair: Pair) -> bool:
    """Whether an earlier call on the descriptor made a socket object of it."""
    return any(next(earlier(pair, call), None) for call in CALLS if call not in OF_NO_SOCKET_OBJECT)


def cleared(pair: Pair) -> bool:
    """Whether PyPy has taken O_NONBLOCK from the descriptor: by making a socket object of it, with no timeout."""
    if not PYPY or not made_nonblocking(pair):
        return False
    limited = any(old.argument("optval") != NO_LIMIT for option in LIMITS for old in earlier(pair, option))
    return not limited and (pair.call not in OF_NO_SOCKET_OBJECT or objects_since(pair))

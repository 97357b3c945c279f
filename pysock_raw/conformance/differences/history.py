"""What the trace up to a call says of the descriptor that it is about."""

from __future__ import annotations

from typing import Any

from pysock_raw.backends.fallback import PYPY
from pysock_raw.conformance.verdicts import Pair

OF_NO_SOCKET_OBJECT = ("fcntl", "read", "write")
"""Calls that take a descriptor and make no socket object of it."""
LIMITS = ("SO_RCVTIMEO", "SO_SNDTIMEO")


def _file(pair: Pair, fd: object) -> object:
    """A descriptor's open file description, by the name of its first descriptor."""
    for old in reversed(pair.before):
        if old.call == "fcntl" and str(old.argument("cmd")).startswith("F_DUPFD") and old.c["result"] == fd:
            fd = old.argument("fd")
    return fd


def earlier(pair: Pair, fd: object = None) -> list[Pair]:
    """The earlier calls on the open file description that a call is about."""
    file = _file(pair, pair.argument("fd") if fd is None else fd)
    return [old for old in pair.before if file is not None and _file(pair, old.argument("fd")) == file]


def values_set(pair: Pair, option: str) -> list[Any]:
    """The values that the program has set an option of the descriptor to, the last one last."""
    calls = [old for old in earlier(pair) if old.call == "setsockopt" and old.argument("optname") == option]
    return [old.argument("optval") for old in calls]


def limit(pair: Pair) -> float | None:
    """The seconds that the program has last set as its descriptor's limit in the call's direction, or None."""
    option = "SO_SNDTIMEO" if pair.call in ("connect", "write", "send", "sendto", "sendmsg") else "SO_RCVTIMEO"
    value = (values_set(pair, option) or [None])[-1]
    return value["tv_sec"] + value["tv_usec"] / 1e6 if isinstance(value, dict) and "tv_sec" in value else None


def made_nonblocking(pair: Pair) -> bool:
    """Whether the program has last asked for O_NONBLOCK on the descriptor, when it made it or since."""
    for old in reversed(earlier(pair)):
        if old.argument("cmd") == "F_SETFL":
            return "O_NONBLOCK" in str(old.argument("arg"))
    made = maker(pair)
    return made is not None and "SOCK_NONBLOCK" in str(made.argument("type") or made.argument("flags"))


def maker(pair: Pair) -> Pair | None:
    """The call that handed the descriptor out."""
    fd = _file(pair, pair.argument("fd"))
    for old in reversed(pair.before):
        ends = old.argument("sv")
        made = old.call in ("socket", "accept", "accept4") and old.c["result"] == fd
        if isinstance(fd, str) and (made or (isinstance(ends, list) and fd in ends)):
            return old
    return None


def asked(pair: Pair, flag: str) -> bool:
    """Whether the call has a flag."""
    return flag in str(pair.argument("flags")).split("|")


def may_wait(pair: Pair) -> bool:
    """Whether nothing in the program keeps the call from waiting."""
    return not asked(pair, "MSG_DONTWAIT") and not made_nonblocking(pair)


def objects_since(pair: Pair) -> bool:
    """Whether an earlier call on the descriptor made a socket object of it."""
    return any(old.call not in OF_NO_SOCKET_OBJECT for old in earlier(pair))


def cleared(pair: Pair) -> bool:
    """Whether PyPy has taken O_NONBLOCK from the descriptor: by making a socket object of it, with no timeout."""
    limited = any(value != {"tv_sec": 0, "tv_usec": 0} for name in LIMITS for value in values_set(pair, name))
    object_made = pair.call not in OF_NO_SOCKET_OBJECT or objects_since(pair)
    return PYPY and object_made and not limited and made_nonblocking(pair)

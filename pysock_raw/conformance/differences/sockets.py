"""Differences in making sockets and in their queues."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.conformance.differences.difference import Difference, unfinished
from pysock_raw.conformance.verdicts import Pair


def _minus_one(parameter: str) -> Callable[[Pair], bool]:
    """Of several -1 it is the first that the kernel finds; Python's defaults may be refused too, but otherwise."""

    def recognises(pair: Pair) -> bool:
        found = (name for name in ("type", "domain", "protocol") if pair.argument(name) == -1)
        return (
            pair.call == "socket"
            and next(found, None) == parameter
            and pair.c["result"] == -1
            and pair.other["raised"] is None
        )

    return recognises


def _negative_backlog(pair: Pair) -> bool:
    """listen itself returns 0 on both sides; what shows it is a queue that is full too early, or its length."""
    return _room_differs(pair) and any(
        isinstance(old.argument("backlog"), int) and old.argument("backlog") < 0
        for old in pair.past.before(pair, "listen")
    )


def _room_differs(pair: Pair) -> bool:
    if pair.call == "connect":
        return pair.c["result"] == 0 and (pair.other["errno"] in ("EAGAIN", "EINPROGRESS") or unfinished(pair))
    if pair.call == "getsockopt" and pair.argument("optname") == "TCP_INFO":
        values = [record["args"][3] for record in (pair.c, pair.other)]
        if not all(isinstance(value, dict) for value in values):
            return False
        longest, shortest = (value.get("tcpi_sacked") or 0 for value in values)
        return bool(longest > shortest) and shortest in (0, 1)  # PyPy's listen raises 0 to 1
    return False


#: parameter -> errno of C, Python's default
MINUS_ONE = {
    "domain": ("EAFNOSUPPORT", "AF_INET"),
    "type": ("EINVAL", "SOCK_STREAM"),
    "protocol": ("EINVAL", "0"),
}

ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"socket-{parameter}-minus-one",
            title=f"socket with -1 as {parameter}: C says that it is invalid, Python takes it for {default}",
            c=f"-1 is no {parameter}: -1 with {errno}.",
            python=f"-1 stands for a missing argument and means {default}: the call succeeds, or fails otherwise.",
            why="socket.__init__ in socket.py and sock_initobj in socketmodule.c use -1 for a missing argument",
            recipe=f"socket.socket(domain, type, protocol) if {parameter} != -1 else "
            + {
                "domain": "socket.socket(-2, type, protocol)",
                "type": "socket.socket(domain, -2, protocol)",
                "protocol": "socket.socket(domain, type, -2)",
            }[parameter],
            evidence=f"socket/{parameter}-minus-one",
            predicate=_minus_one(parameter),
        )
        for parameter, (errno, default) in MINUS_ONE.items()
    ),
    Difference(
        id="listen-negative-backlog",
        title="listen(-1): C asks for the longest queue, Python for the shortest",
        c="A negative backlog is a huge unsigned one, cut to net.core.somaxconn.",
        python="A negative backlog becomes 0, so that the second client already waits.",
        why="sock_listen in socketmodule.c raises a negative backlog to 0",
        recipe="sock.listen(backlog if backlog >= 0 else 2**31 - 1)",
        evidence="listen/local/negative-backlog",
        predicate=_negative_backlog,
    ),
)

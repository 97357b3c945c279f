"""Differences in making sockets and in their queues."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from pysock_raw.conformance.differences.difference import Difference, unfinished
from pysock_raw.conformance.differences.history import at_once, earlier
from pysock_raw.conformance.differences.timeouts import timed_out
from pysock_raw.conformance.pairs import Pair


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
    if not _room_differs(pair):
        return False
    listens = pair.past.before(pair, "listen")
    last = {pair.past.file(old.argument("fd")): old for old in reversed(list(listens))}
    return any(_is_negative(listen) and _listens_there(pair, listen) for listen in last.values())


def _is_negative(listen: Pair) -> bool:
    backlog = listen.argument("backlog")
    return isinstance(backlog, int) and backlog < 0 and listen.c["result"] == 0


def _listens_there(pair: Pair, listen: Pair) -> bool:
    """Whether a call is about this listener: by its descriptor, or by an address that it was bound to or told."""
    if pair.call == "getsockopt":
        return pair.past.file(pair.argument("fd")) == pair.past.file(listen.argument("fd"))
    calls = (earlier(pair, call, listen.argument("fd")) for call in ("bind", "getsockname"))
    places = (_place(old.argument("addr")) for old in itertools.chain.from_iterable(calls))
    return not _place(pair.argument("addr")).isdisjoint(itertools.chain.from_iterable(places))


def _place(address: Any) -> set[tuple[str, Any]]:
    """What of an address tells listeners apart: one on all addresses is reached at each of them."""
    members = address.items() if isinstance(address, dict) else ()
    return {member for member in members if member[0] in ("path", "port")}


def _room_differs(pair: Pair) -> bool:
    if pair.call == "connect":
        waits = unfinished(pair) or (timed_out(pair) and at_once(pair))
        return pair.c["result"] == 0 and (waits or pair.other["errno"] in ("EAGAIN", "EINPROGRESS"))
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

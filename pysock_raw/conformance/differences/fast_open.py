"""Differences that a timeout makes in a send that connects first (MSG_FASTOPEN)."""

from __future__ import annotations

from pysock_raw.conformance.differences.connecting import connect_before
from pysock_raw.conformance.differences.difference import Difference
from pysock_raw.conformance.differences.history import asked, timeout
from pysock_raw.conformance.differences.timeouts import connects_first, only, unlimited, waits_no_more
from pysock_raw.conformance.pairs import Pair, succeeded

CALLS = ("sendto", "sendmsg")


@only(*CALLS)
def _does_not_connect(pair: Pair) -> bool:
    return waits_no_more(pair) and connects_first(pair)


@only(*CALLS)
def _learns_of_the_connection(pair: Pair) -> bool:
    first = connect_before(pair)
    if first is None or not timeout(first) or not asked(pair, "MSG_FASTOPEN"):
        return False
    return succeeded(first.c) and succeeded(first.other) and pair.c["errno"] == "EISCONN" and succeeded(pair.other)


ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-timeout-does-not-connect",
            title=f"{call} with MSG_FASTOPEN and a timeout: C waits for the connection, Python does not",
            c="It connects as connect does, and waits for that within SO_SNDTIMEO.",
            python="EINPROGRESS at once, however long the timeout is.",
            why="sock_call_ex in socketmodule.c waits for room, and then makes a call that does not wait",
            recipe=unlimited(call),
            evidence=f"{call}/tcp/fast-open-settimeout",
            predicate=_does_not_connect(call),
        )
        for call in CALLS
    ),
    *(
        Difference(
            id=f"{call}-fast-open-after-timeout",
            title=f"{call} with MSG_FASTOPEN after a connect with a timeout: C says EISCONN, Python sends",
            c="A connect that waited has told the socket that it is connected: an address is one too many.",
            python="It polled instead, so this call is the first to learn of the connection, and goes on.",
            why="sock_connect_impl in socketmodule.c reads SO_ERROR in place of connecting again",
            no_recipe="it is too late; the connect before must be one without a timeout",
            evidence=f"{call}/tcp/fast-open-after-settimeout",
            predicate=_learns_of_the_connection(call),
        )
        for call in CALLS
    ),
)

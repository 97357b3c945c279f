"""Differences in how long a call with a timeout waits."""

from __future__ import annotations

from pysock_raw.conformance.differences.difference import Difference
from pysock_raw.conformance.differences.history import at_once
from pysock_raw.conformance.differences.signals import INTERRUPT
from pysock_raw.conformance.differences.timeout_answers import RECEIVE_NOTHING, without_room
from pysock_raw.conformance.differences.timeouts import (
    ACCEPT,
    OF_SOCKETS,
    RECEIVE,
    SEND,
    WAITS,
    answered,
    limited,
    only,
    timed_out,
    unlimited,
)
from pysock_raw.conformance.pairs import Pair


@only(*OF_SOCKETS)
def _gave_up(pair: Pair) -> bool:
    """C has an answer for which it waited longer than the timeout, and not because a limit of its own was over."""
    over = pair.call in RECEIVE_NOTHING and without_room(pair.call)(pair)
    return answered(pair) and timed_out(pair) and not at_once(pair) and not over


@only(*ACCEPT, *SEND, *RECEIVE)
def _counted_on(pair: Pair) -> bool:
    return pair.c["errno"] == "EINTR" and timed_out(pair)


ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-timeout-gives-up",
            title=f"{call} whose answer comes after the timeout: C waits for it, Python raises TimeoutError",
            c="A call that may wait waits for as long as it takes, if SO_RCVTIMEO and SO_SNDTIMEO set no limit.",
            python="settimeout, or socket.setdefaulttimeout before, is a limit that no descriptor has: TimeoutError. "
            + (
                "The connection is made all the same when its answer comes."
                if call == "connect"
                else "What comes later is for the next call."
            ),
            why=f"{'internal_connect' if call == 'connect' else 'sock_call_ex'} in socketmodule.c polls until the "
            "timeout is over",
            recipe=unlimited(call),
            evidence=f"{call}/{'tcp' if call == 'connect' else 'local'}/settimeout-late",
            predicate=_gave_up(call),
        )
        for call in OF_SOCKETS
    ),
    *(
        Difference(
            id=f"{call}-timeout-is-one-deadline",
            title=f"{call} with a limit and caught signals: C's limit begins anew with each call, Python's goes on",
            c="EINTR after each signal, and the call that is made again has the whole of SO_RCVTIMEO or SO_SNDTIMEO.",
            python="The handlers run, and one deadline holds for all that is tried again: TimeoutError.",
            why=f"PEP 475; {WAITS} computes its deadline once",
            recipe=INTERRUPT + limited(call),
            evidence=f"{call}/local/settimeout-and-signals",
            predicate=_counted_on(call),
            pypy=False,
            no_fallback=True,
        )
        for call in (*ACCEPT, *SEND, *RECEIVE)
    ),
)

"""Differences in what a connect with a timeout leaves behind.

A connect that waits learns itself how its attempt ended, and tells the socket. Python's connect polls, and asks
SO_ERROR: the socket believes that the attempt is still under way until the next connect.
"""

from __future__ import annotations

from pysock_raw.conformance.differences.difference import Difference
from pysock_raw.conformance.differences.history import earlier, timeout
from pysock_raw.conformance.differences.timeouts import (
    RECEIVE,
    Predicate,
    limited,
    only,
)
from pysock_raw.conformance.pairs import Pair, succeeded

REFUSALS = ("ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH")


def connect_before(pair: Pair, fd: object = None) -> Pair | None:
    """The last connect of the same socket."""
    return next(earlier(pair, "connect", fd), None)


def _twice(pair: Pair) -> bool:
    first = connect_before(pair)
    answers = pair.call, pair.c["errno"], pair.other["result"]
    if first is None or answers != ("connect", "EISCONN", 0):
        return False
    return bool(timeout(first)) and first.c["result"] == first.other["result"] == 0


def _does_not_wait_again(pair: Pair) -> bool:
    answered = pair.c["result"] == 0 or pair.c["errno"] in REFUSALS
    again = pair.call == "connect" and answered and pair.other["errno"] == "EALREADY"
    return again and bool(timeout(pair)) and connect_before(pair) is not None


def _refused_before(pair: Pair, fd: object = None) -> bool:
    """Whether the socket's last connect had a timeout and was refused on both sides."""
    first = connect_before(pair, fd)
    if first is None or not timeout(first):
        return False
    return first.c["errno"] == first.other["errno"] and first.c["errno"] in REFUSALS


def _aborted(pair: Pair) -> bool:
    aborted = pair.c["errno"] != "ECONNABORTED" == pair.other["errno"]
    return pair.call == "connect" and aborted and _refused_before(pair)


def _keeps_its_address(pair: Pair) -> bool:
    addresses = [record["args"][1:2] for record in (pair.c, pair.other)]
    if pair.call != "getsockname" or not all(address and isinstance(address[0], dict) for address in addresses):
        return False
    hosts = [address[0].get("addr") for address in addresses]
    return hosts[0] in ("0.0.0.0", "::") and hosts[1] != hosts[0] and _refused_before(pair)


def _cannot_listen(pair: Pair) -> bool:
    answers = pair.call, pair.c["result"], pair.other["errno"]
    return answers == ("listen", 0, "EINVAL") and _refused_before(pair)


def _readable(pair: Pair) -> bool:
    """poll answers differently, and of refused sockets alone: in Python they have come to their end too."""
    if pair.call != "poll" or not (succeeded(pair.c) and succeeded(pair.other)):
        return False
    entries = [record["args"][0] for record in (pair.c, pair.other)]
    differ = [mine for mine, theirs in zip(*entries, strict=True) if mine != theirs]
    return bool(differ) and all(_refused_before(pair, entry["fd"]) for entry in differ)


@only(*RECEIVE, "read")
def _at_its_end(pair: Pair) -> bool:
    return pair.c["errno"] == "ENOTCONN" and pair.other["result"] == 0 and _refused_before(pair)


#: call -> what C does on a socket whose connect was refused, what Python does, the predicate
AFTER_A_REFUSAL: dict[str, tuple[str, str, Predicate]] = {
    "connect": ("tries again", "says ECONNABORTED", _aborted),
    "getsockname": (
        "has the unnamed address again",
        "the address of the connection that there never was",
        _keeps_its_address,
    ),
    "listen": ("can listen", "says EINVAL", _cannot_listen),
    "poll": ("says POLLHUP, as of an unconnected one", "also that it came to its end", _readable),
    **{call: ("says ENOTCONN", "returns 0, as at an end", _at_its_end(call)) for call in (*RECEIVE, "read")},
}

ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="connect-timeout-twice",
        title="connect with a timeout over TCP, and once more: C says EISCONN, Python 0",
        c="A connect that waited has told the socket that it is connected: EISCONN.",
        python="It polled instead, so the next connect is the first to learn of the connection, and succeeds too.",
        why="internal_connect and sock_connect_impl in socketmodule.c look at SO_ERROR in place of connecting again",
        recipe=limited("connect"),
        evidence="connect/tcp/settimeout-again",
        predicate=_twice,
    ),
    *(
        Difference(
            id=f"{call}-after-refused-connect",
            title=f"{call} after a connect with a timeout was refused: C {in_c}, Python {in_python}",
            c="A connect that waited and failed leaves the socket as it was before.",
            python="It polled, and took the error from SO_ERROR: nothing has told the socket that it is unconnected.",
            why="sock_connect_impl in socketmodule.c reads SO_ERROR in place of connecting again",
            recipe=limited(call) if call == "connect" else "",
            no_recipe="" if call == "connect" else "it is too late; the connect before must be one without a timeout",
            evidence=f"{call}/tcp/settimeout-refused",
            predicate=predicate,
            pypy=call != "poll",
        )
        for call, (in_c, in_python, predicate) in AFTER_A_REFUSAL.items()
    ),
    Difference(
        id="connect-timeout-while-trying",
        title="connect with a timeout while an earlier one is under way: C waits for it, Python says EALREADY",
        c="A connect that may wait waits for the connection that was begun, within SO_SNDTIMEO.",
        python="EALREADY at once, however long the timeout is: a connect that timed out cannot be gone on with.",
        why="internal_connect in socketmodule.c waits after EINPROGRESS alone",
        recipe=limited("connect"),
        evidence="connect/tcp/settimeout-while-trying",
        predicate=_does_not_wait_again,
    ),
)

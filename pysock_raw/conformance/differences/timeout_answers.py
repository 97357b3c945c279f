"""Differences that settimeout makes in how much a call transfers, and in what it takes for an answer."""

from __future__ import annotations

import math

from pysock_raw.conformance.differences import given
from pysock_raw.conformance.differences.difference import Difference
from pysock_raw.conformance.differences.history import (
    asked,
    at_once,
    earlier,
    limit,
    may_wait,
    nonblocking_by_timeout,
    took,
)
from pysock_raw.conformance.differences.timeouts import (
    RECEIVE,
    SEND,
    WAITS,
    limited,
    only,
    timed_out,
)
from pysock_raw.conformance.pairs import Pair, succeeded

SEND_NOTHING = ("send", "sendmsg")
"""What a stream that is connected is sent with."""
RECEIVE_NOTHING = ("recvfrom", "recvmsg")
"""What asks the socket even for no bytes; sock_recv does not."""
TICK = 0.02
"""Seconds by which the kernel may end a limit too early: it counts them in ticks, of which there are at least 100."""


def _less(pair: Pair) -> bool:
    """Both transferred something, Python less."""
    return succeeded(pair.c) and succeeded(pair.other) and 0 < int(pair.other["result"]) < int(pair.c["result"])


def _part(pair: Pair) -> bool:
    """Python transferred less than C because its descriptor does not wait."""
    return _less(pair) and may_wait(pair) and nonblocking_by_timeout(pair)


def _mark(pair: Pair) -> int:
    """The descriptor's low-water mark: 1 if the program has set none."""
    last = next(earlier(pair, "SO_RCVLOWAT"), None)
    value = last.argument("optval") if last else 1
    return value if isinstance(value, int) else 1


def _shut_down(pair: Pair) -> bool:
    """Whether the program has shut down receiving."""
    return any(old.argument("how") in ("SHUT_RD", "SHUT_RDWR") for old in earlier(pair, "shutdown"))


@only(*SEND, "write")
def _sent_a_part(pair: Pair) -> bool:
    return _part(pair)


@only(*SEND)
def _waited_for_room(pair: Pair) -> bool:
    return succeeded(pair.c) and timed_out(pair) and at_once(pair) and not given.nothing(pair)


@only(*SEND_NOTHING)
def _waited_for_room_for_nothing(pair: Pair) -> bool:
    return given.nothing(pair) and pair.c["result"] == 0 and timed_out(pair) and at_once(pair)


@only(*RECEIVE_NOTHING)
def without_room(pair: Pair) -> bool:
    """C's own limit was over."""
    nothing = given.nothing(pair) and pair.c["result"] == 0
    return nothing and timed_out(pair) and took(pair) >= (limit(pair) or math.inf) - TICK


@only(*RECEIVE)
def _not_all(pair: Pair) -> bool:
    return _part(pair) and asked(pair, "MSG_WAITALL")


@only(*RECEIVE, "read")
def _below_the_mark(pair: Pair) -> bool:
    return _part(pair) and pair.other["result"] < _mark(pair) and not asked(pair, "MSG_WAITALL")


@only(*RECEIVE)
def _until_the_mark(pair: Pair) -> bool:
    below = succeeded(pair.c) and 0 < pair.c["result"] < _mark(pair)
    return below and timed_out(pair) and at_once(pair) and not asked(pair, "MSG_OOB")


@only(*RECEIVE)
def _misses_the_urgent_byte(pair: Pair) -> bool:
    return pair.c["result"] == 1 and timed_out(pair) and at_once(pair) and asked(pair, "MSG_OOB")


@only(*RECEIVE)
def _misses_the_shutdown(pair: Pair) -> bool:
    return pair.c["result"] == 0 and timed_out(pair) and at_once(pair) and _shut_down(pair)


ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-timeout-sends-part",
            title=f"{call} of much on a stream with a timeout: C waits until all is sent, Python returns with a part",
            c="A call that may wait sends everything, if SO_SNDTIMEO leaves it the time.",
            python="One call that does not wait: it returns what there was room for.",
            why="O_NONBLOCK, set by init_sockobject in socketmodule.c; only socket.sendall goes on",
            recipe=limited(call),
            evidence=f"{call}/{'tcp' if call == 'sendto' else 'local'}/settimeout-and-much",
            predicate=_sent_a_part(call),
        )
        for call in (*SEND, "write")
    ),
    *(
        Difference(
            id=f"{call}-timeout-waits-for-room",
            title=f"{call} with a timeout on a socket that has a little room: C sends at once, Python waits for more",
            c="There is room until the send buffer is full.",
            python="poll calls a local socket writable only while less than a quarter of its buffer is used.",
            why=f"{WAITS} waits for POLLOUT (unix_writable in the kernel) before it sends",
            recipe=limited(call),
            evidence=f"{call}/{'local-dgram' if call == 'sendto' else 'local'}/settimeout-and-room",
            predicate=_waited_for_room(call),
        )
        for call in SEND
    ),
    *(
        Difference(
            id=f"{call}-timeout-waits-for-nothing",
            title=f"{call} of 0 bytes with a timeout on a stream that is full: C returns 0 at once, Python waits",
            c="There is always room for no bytes.",
            python="TimeoutError, if nobody reads.",
            why=f"{WAITS} waits for POLLOUT before it sends, however little",
            recipe=limited(call),
            evidence=f"{call}/local/settimeout-and-nothing",
            predicate=_waited_for_room_for_nothing(call),
        )
        for call in SEND_NOTHING
    ),
    *(
        Difference(
            id=f"{call}-timeout-without-room",
            title=f"{call} of 0 bytes over TCP with a timeout that passes: C returns 0, Python raises TimeoutError",
            c="The call waits as long as SO_RCVTIMEO says, and then has all that it asked for.",
            python="TimeoutError, because nothing has come.",
            why=f"{WAITS} waits for POLLIN, and makes no call where that did not come",
            recipe=limited(call),
            evidence=f"{call}/tcp/settimeout-without-room",
            predicate=without_room(call),
        )
        for call in RECEIVE_NOTHING
    ),
    *(
        Difference(
            id=f"{call}-timeout-breaks-waitall",
            title=f"{call} with a timeout and MSG_WAITALL: C waits for all, Python returns with what is there",
            c="The call waits until all that it asked for has come, within SO_RCVTIMEO.",
            python="The flag has no effect on a descriptor with O_NONBLOCK.",
            why="O_NONBLOCK, set by init_sockobject in socketmodule.c",
            recipe=limited(call),
            evidence=f"{call}/local/settimeout-waitall",
            predicate=_not_all(call),
        )
        for call in RECEIVE
    ),
    *(
        Difference(
            id=f"{call}-timeout-breaks-low-water-mark",
            title=f"{call} with a timeout and SO_RCVLOWAT: C waits for that much, Python returns with less",
            c="The call waits until SO_RCVLOWAT bytes have come, within SO_RCVTIMEO.",
            python="poll calls a local stream readable when a byte is there, and the receive does not wait for more.",
            why="O_NONBLOCK, set by init_sockobject in socketmodule.c",
            recipe=limited(call),
            evidence=f"{call}/local/settimeout-low-water",
            predicate=_below_the_mark(call),
        )
        for call in (*RECEIVE, "read")
    ),
    *(
        Difference(
            id=f"{call}-timeout-waits-for-low-water-mark",
            title=f"{call} of less than SO_RCVLOWAT with a timeout: C takes what is there, Python waits for the mark",
            c="The call waits for SO_RCVLOWAT bytes, or for what it asked for if that is less.",
            python="poll of a TCP socket waits for SO_RCVLOWAT bytes, also if fewer are asked for: TimeoutError.",
            why=f"{WAITS} waits for POLLIN, and poll does not know how much will be asked for",
            recipe=limited(call),
            evidence=f"{call}/tcp/settimeout-low-water",
            predicate=_until_the_mark(call),
        )
        for call in RECEIVE
    ),
    *(
        Difference(
            id=f"{call}-timeout-misses-urgent-byte",
            title=f"{call} with a timeout and MSG_OOB: C takes the urgent byte, Python waits for others",
            c="The urgent byte is received as soon as it has arrived.",
            python="An urgent byte alone is POLLPRI and not POLLIN: TimeoutError, and the byte stays.",
            why=f"{WAITS} waits for POLLIN whatever the flags are",
            recipe=limited(call),
            evidence=f"{call}/tcp/settimeout-urgent",
            predicate=_misses_the_urgent_byte(call),
        )
        for call in RECEIVE
    ),
    *(
        Difference(
            id=f"{call}-timeout-misses-shutdown",
            title=f"{call} with a timeout on a datagram socket that is shut down: C returns 0, Python times out",
            c="A receive that may wait finds the end: 0.",
            python="One that does not wait looks at the queue alone: EAGAIN. poll calls the socket readable, so it is "
            "tried again and again, without pause, until TimeoutError.",
            why=f"{WAITS} polls and calls again after EAGAIN",
            recipe=limited(call),
            evidence=f"{call}/local-dgram/settimeout-shut-down",
            predicate=_misses_the_shutdown(call),
            pypy=False,
        )
        for call in RECEIVE
    ),
)

"""Differences in what a receive takes and tells."""

from __future__ import annotations

import itertools
from typing import Any

from pysock_raw.conformance.differences.difference import Difference, raised, unfinished
from pysock_raw.conformance.differences.history import asked, earlier, maker
from pysock_raw.conformance.differences.timeouts import RECEIVE, SEND, timed_out
from pysock_raw.conformance.pairs import FOR_NOTHING, Pair, place, succeeded
from pysock_raw.trace import Record

RECEIVES, SENDS = (*RECEIVE, "read"), (*SEND, "write")


def _asked_for_nothing(pair: Pair) -> bool:
    return pair.call == "recv" and pair.argument("len") == 0


def _recv_of_0_bytes(pair: Pair) -> bool:
    """recv itself answers 0 where C has an errno or a length to tell. Or both answer 0, and C alone took a message off
    the queue: what comes to the same queue after that shows it."""
    if _asked_for_nothing(pair):
        return bool(pair.other["result"] == 0 != pair.c["result"])
    shown = {**dict.fromkeys(RECEIVES, _is_behind), **dict.fromkeys(SENDS, _finds_no_room), "poll": _has_more}
    return pair.call in shown and shown[pair.call](pair)


def _is_behind(pair: Pair) -> bool:
    """Python receives a message that C took before."""
    owed = _owed(pair, pair.argument("fd"))
    late = succeeded(pair.other) and (succeeded(pair.c) or pair.c["errno"] == "EAGAIN")
    return bool(owed) and late and _agree(owed[0], _received(pair.other))


def _has_more(pair: Pair) -> bool:
    """poll finds messages in Python that C took before, and tells nothing else that differs."""
    if not (succeeded(pair.c) and succeeded(pair.other) and pair.argument("fds")):
        return False
    entries = zip(pair.c["args"][0], pair.other["args"][0], strict=True)
    differ = [(mine, theirs) for mine, theirs in entries if mine != theirs]
    return bool(differ) and all(
        _flags(theirs) - _flags(mine) == {"POLLIN"} and _flags(mine) < _flags(theirs) and _owed(pair, mine["fd"])
        for mine, theirs in differ
    )


def _flags(entry: Any) -> set[str]:
    return set(str(entry["revents"]).split("|")) - {"0"}


def _finds_no_room(pair: Pair) -> bool:
    """The other end of a pair cannot send in Python, because its messages are still there."""
    made = maker(pair)
    ends = made.argument("sv") if made is not None else None
    full = succeeded(pair.c) and (pair.other["errno"] == "EAGAIN" or unfinished(pair) or timed_out(pair))
    return full and isinstance(ends, list) and any(end != pair.argument("fd") and _owed(pair, end) for end in ends)


def _owed(pair: Pair, fd: object) -> list[Any]:
    """The messages that C has taken off a descriptor's queue and Python has not, the first one first. Of one that a
    recv of 0 bytes took nothing is known: None."""
    if next(earlier(pair, FOR_NOTHING, fd), None) is None or _is_stream(pair, fd):
        return []
    owed: list[Any] = []
    calls = itertools.chain.from_iterable(earlier(pair, call, fd) for call in RECEIVES)
    for old in sorted(calls, key=place):
        if asked(old, "MSG_PEEK"):
            continue
        if _asked_for_nothing(old):
            owed += [None] if old.c["result"] == old.other["result"] == 0 else []
        elif owed:
            owed += [_received(old.c)] if succeeded(old.c) else []
            owed = owed[1:] if succeeded(old.other) else owed
    return owed


def _is_stream(pair: Pair, fd: object) -> bool:
    """A recv of 0 bytes takes nothing off a stream."""
    made = pair.past.makers.get(pair.past.file(fd))
    while made is not None and made.call in ("accept", "accept4"):
        made = maker(made)
    return made is not None and "SOCK_STREAM" in str(made.argument("type"))


def _received(record: Record) -> Any:
    """How much came, and what of it there was room for."""
    place = record["args"][1]
    return record["result"], place["msg_iov"] if isinstance(place, dict) and "msg_iov" in place else place


def _agree(known: Any, received: Any) -> bool:
    """Whether these may be one message: of another length it was received into another room."""
    return known is None or known == received or known[0] != received[0]


def _longer_than_its_room(pair: Pair) -> bool:
    length = pair.argument("optlen")
    told = isinstance(length, dict) and length["out"] > length["in"]
    return pair.call == "getsockopt" and told and raised(pair, "ValueError: size larger than allocated size")


ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="recv-of-0-bytes",
        title="recv of 0 bytes: C asks the kernel, Python answers 0 by itself",
        c="recv(fd, buf, 0, flags) is a call like any other: it fails where recv fails, and takes a datagram.",
        python="0 without a call: no error is told, and the datagram stays on the queue.",
        why="sock_recv_guts in socketmodule.c returns at once for a length of 0",
        recipe="sock.recvfrom_into(bytearray(), 0, flags)[0]  # sock_recvfrom_guts makes the call",
        evidence="recv/local-dgram/length-of-the-next",
        predicate=_recv_of_0_bytes,
        pypy=False,
    ),
    *(
        Difference(
            id=f"{call}-bytes-never-written",
            title=f"{call} with MSG_TRUNC of a message that is cut: C tells its length, Python makes bytes of it",
            c="The result is the whole length of the message; the buffer has what there was room for (recv(2)).",
            python=f"socket.{call} makes bytes of the length that was asked for, and stretches them to the result: "
            "what is beyond is memory that the kernel never wrote. (That is described here and not shown: the evidence "
            f"is {call}_into.)",
            why=f"sock_{call} in socketmodule.c takes the result for how much was written (_PyBytes_Resize)",
            recipe=recipe,
            evidence=f"{call}/local-dgram/longer-than-its-room",
            predicate=lambda pair: False,
            demonstrated=False,
            until="3.14",
            pypy=False,
        )
        for call, recipe in (
            ("recv", "sock.recv_into(view, 0, flags)"),
            ("recvfrom", "sock.recvfrom_into(view, 0, flags)"),
        )
    ),
    Difference(
        id="getsockopt-bytes-never-written",
        title="getsockopt of an option that is longer than its room: C tells the length, Python makes bytes of it",
        c="The value has as many bytes as there is room for; some options tell in *optlen how many there are "
        "(NETLINK_LIST_MEMBERSHIPS, netlink(7)).",
        python="The bytes are stretched to the length that was told: what is beyond is memory that the kernel never "
        "wrote. (That is described here and not shown: the evidence has what was written.)",
        why="sock_getsockopt in socketmodule.c takes the length for how much was written (_PyBytes_Resize)",
        no_recipe="sock.getsockopt(level, optname, length)[:length] is what was written; how long it all is, is what C "
        "tells",
        evidence="getsockopt/netlink/longer-than-its-room",
        predicate=lambda pair: False,
        demonstrated=False,
        until="3.14",
        pypy=False,
    ),
    Difference(
        id="getsockopt-longer-than-its-room",
        title="getsockopt of an option that is longer than its room: C tells the length, Python raises ValueError",
        c="The value has as many bytes as there is room for; some options tell in *optlen how many there are "
        "(NETLINK_LIST_MEMBERSHIPS, netlink(7)).",
        python="ValueError, and the bytes that there was room for are lost. (Before 3.15: "
        "getsockopt-bytes-never-written.)",
        why="sock_getsockopt in socketmodule.c: PyBytesWriter_FinishWithSize refuses more than was allocated",
        no_recipe="ask for more room; how long it all is, is what C tells",
        evidence="getsockopt/netlink/longer-than-its-room",
        predicate=_longer_than_its_room,
        since="3.15",
        pypy=False,
    ),
)

"""Differences in the companions of the six calls."""

from __future__ import annotations

from typing import Any

from pysock_raw.conformance.differences.difference import Difference, raised, succeeded
from pysock_raw.conformance.verdicts import Pair

RECEIVES = ("recv", "recvfrom", "read")


def _asked_for_nothing(pair: Pair) -> bool:
    return pair.call == "recv" and pair.argument("len") == 0


def _recv_of_0_bytes(pair: Pair) -> bool:
    """recv itself answers 0 where C has an errno or a length to tell, or both answer 0 and only C took a message
    off the queue: the next receive on the descriptor shows it."""
    if _asked_for_nothing(pair):
        return bool(pair.other["result"] == 0 != pair.c["result"])
    if pair.call not in RECEIVES or not succeeded(pair.other):
        return False
    same_descriptor = [
        earlier for earlier in pair.before if earlier.call in RECEIVES and earlier.argument("fd") == pair.argument("fd")
    ]
    return bool(same_descriptor) and _asked_for_nothing(same_descriptor[-1]) and same_descriptor[-1].equal()


def _no_address(pair: Pair) -> bool:
    return (
        pair.call == "sendto"
        and pair.argument("addr") is None
        and succeeded(pair.c)
        and raised(pair, "TypeError: ")
        and "NoneType" in pair.other["raised"]
    )


def _polled(pair: Pair) -> list[Any]:
    """The descriptors of an array of pollfd."""
    entries = pair.argument("fds") if pair.call == "poll" else None
    return [entry["fd"] for entry in entries] if isinstance(entries, list) else []


def _negative_entry(pair: Pair) -> bool:
    return any(isinstance(fd, int) and fd < 0 for fd in _polled(pair)) and raised(
        pair, "ValueError: file descriptor cannot be a negative"
    )


def _entry_of_the_same_descriptor(pair: Pair) -> bool:
    fds = _polled(pair)
    return (
        len(set(fds)) < len(fds)
        and succeeded(pair.c)
        and succeeded(pair.other)
        and bool(pair.other["result"] <= pair.c["result"])
    )


ENTRIES: tuple[Difference, ...] = (
    Difference(
        "recv-of-0-bytes",
        "recv of 0 bytes: C asks the kernel, Python answers 0 by itself",
        "recv(fd, buf, 0, flags) is a call like any other: it fails where recv fails, and takes a datagram.",
        "0 without a call: no error is told, and the datagram stays on the queue.",
        "sock_recv_guts in socketmodule.c returns at once for a length of 0",
        "sock.recvfrom(0, flags): sock_recvfrom_guts makes the call",
        "recv/tcp/0-bytes-unconnected",
        _recv_of_0_bytes,
    ),
    Difference(
        "sendto-without-address",
        "sendto with NULL as address on a connected socket: C sends to the peer, Python raises TypeError",
        "Without an address sendto is send.",
        "TypeError before the kernel is asked.",
        "sock_sendto and getsockaddrarg in socketmodule.c want an address",
        "sock.send(data, flags)",
        "sendto/udp/connected-null-address",
        _no_address,
    ),
    Difference(
        "poll-negative-descriptor",
        "poll with a negative descriptor: C skips the entry, Python raises ValueError",
        "An entry with a negative descriptor is skipped, so that a program can switch entries off.",
        "ValueError when the descriptor is registered.",
        "PyObject_AsFileDescriptor, used by select_poll_register_impl in selectmodule.c, checks the sign",
        "poller.unregister(fd) for the time being, or do not register it",
        "poll/local/negative-descriptor",
        _negative_entry,
    ),
    Difference(
        "poll-one-entry-a-descriptor",
        "poll with one descriptor in two entries: C answers each, Python has one entry for it, the last",
        "Each entry of the array has its own events and revents, and poll counts each that is answered.",
        "Registering a descriptor again replaces its events, and poll answers it once.",
        "select_poll_register_impl in selectmodule.c keeps a dict with the descriptor as key",
        "poller.register(fd, events_1 | events_2), then for each: revents & (events_i | POLLERR | POLLHUP | POLLNVAL)",
        "poll/local/one-descriptor-twice",
        _entry_of_the_same_descriptor,
    ),
)

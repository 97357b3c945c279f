"""Differences in poll."""

from __future__ import annotations

from typing import Any

from pysock_raw.conformance.differences.difference import Difference, raised
from pysock_raw.conformance.pairs import Pair, succeeded


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


def _more_entries_than_the_limit(pair: Pair) -> bool:
    fds = _polled(pair)
    return len(set(fds)) < len(fds) and pair.c["errno"] == "EINVAL" and succeeded(pair.other)


EACH_ENTRY = """\
poller, asked = select.poll(), {}
for entry in fds:
    asked[entry.fd] = asked.get(entry.fd, 0) | entry.events
    poller.register(entry.fd, asked[entry.fd])
ready = dict(poller.poll(timeout))
for entry in fds:
    always = select.POLLERR | select.POLLHUP | select.POLLNVAL
    entry.revents = ready.get(entry.fd, 0) & (entry.events | always)
sum(entry.revents != 0 for entry in fds)"""
"""The recipe that answers each entry, also if several are of one descriptor."""

ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="poll-negative-descriptor",
        title="poll with a negative descriptor: C skips the entry, Python raises ValueError",
        c="An entry with a negative descriptor is skipped, so that a program can switch entries off.",
        python="ValueError when the descriptor is registered.",
        why="PyObject_AsFileDescriptor, used by select_poll_register_impl in selectmodule.c, checks the sign",
        recipe="""\
poller = select.poll()
for entry in fds:
    entry.revents = 0
    if entry.fd >= 0:
        poller.register(entry.fd, entry.events)
ready = dict(poller.poll(timeout))
for entry in fds:
    entry.revents = ready.get(entry.fd, 0)
len(ready)""",
        evidence="poll/local/negative-descriptor",
        predicate=_negative_entry,
    ),
    Difference(
        id="poll-one-descriptor-twice",
        title="poll with one descriptor in two entries: C answers each, Python has one entry for it, the last",
        c="Each entry of the array has its own events and revents, and poll counts each that is answered.",
        python="Registering a descriptor again replaces its events, and poll answers it once.",
        why="select_poll_register_impl in selectmodule.c keeps a dict with the descriptor as key",
        recipe=EACH_ENTRY,
        evidence="poll/local/one-descriptor-twice",
        predicate=_entry_of_the_same_descriptor,
    ),
    Difference(
        id="poll-limit-counts-entries",
        title="poll of more entries than descriptors may be open: C says EINVAL, Python counts its descriptors",
        c="More entries than RLIMIT_NOFILE are refused, whatever is in them (poll(2)).",
        python="One entry for each descriptor is what the kernel gets, and those are fewer.",
        why="update_ufd_array in selectmodule.c makes the array from the dict of descriptors",
        recipe=f"""\
if nfds > os.sysconf("SC_OPEN_MAX"):
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
{EACH_ENTRY}""",
        evidence="poll/local/limit-counts-entries",
        predicate=_more_entries_than_the_limit,
    ),
)

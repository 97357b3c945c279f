"""poll."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.cases.companions import State, fresh, ours, peer_gone, reset
from pysock_raw.conformance.kinds import (
    LOCAL,
    TCP,
    UDP,
    Kind,
    connected,
    must,
    pair,
    wait_readable,
)


def polled(c: Backend, fd: int) -> str:
    """What poll says of a descriptor."""
    names = ("POLLIN", "POLLOUT", "POLLPRI", "POLLERR", "POLLHUP", "POLLRDHUP", "POLLNVAL")
    entry = c.pollfd(fd=fd, events=c.POLLIN | c.POLLOUT | c.POLLPRI | c.POLLRDHUP)
    c.poll(entry, 1, 0)
    return " ".join(name for name in names if entry.revents & getattr(c, name))


def _polls(id: str, shows: str, kind: Kind, state: State, revents: str, source: str) -> None:
    @case(f"poll/{kind.name}/{id}", shows, success(source, result=1, observed=revents), needs=[*kind.needs, "linux"])
    def _(c: Backend, box: Box) -> str:
        return polled(c, state(c, kind))


def _closed(c: Backend, kind: Kind) -> int:
    fd = kind.socket(c)
    must(c, c.close(fd))
    return fd


def _peer_half_closed(c: Backend, kind: Kind) -> int:
    one, other = connected(c, kind)
    must(c, c.shutdown(other, c.SHUT_WR))
    wait_readable(c, one)
    return one


def _both_half_closed(c: Backend, kind: Kind) -> int:
    fd = _peer_half_closed(c, kind)
    must(c, c.shutdown(fd, c.SHUT_WR))
    return fd


_EXPERIMENT = "an experiment: tcp_poll in net/ipv4/tcp.c"
_UNIX = "an experiment: unix_poll in net/unix/af_unix.c"
_polls("closed-descriptor", "a descriptor that is not open is invalid", TCP, _closed, "POLLNVAL", "POSIX.1 poll")
_polls("unconnected", "a stream that is not connected is hung up", TCP, fresh, "POLLOUT POLLHUP", _EXPERIMENT)
_polls("unconnected", "a stream that is not connected is hung up", LOCAL, fresh, "POLLOUT POLLHUP", _UNIX)
_polls("connected", "an idle connection can be written to", TCP, ours, "POLLOUT", "POSIX.1 poll")
_polls("half-closed-by-peer", "the end of the stream is readable, and POLLRDHUP says why", TCP, _peer_half_closed,
       "POLLIN POLLOUT POLLRDHUP", "poll(2) POLLRDHUP")  # fmt: skip
_polls("closed-both-ways", "with both directions shut down the connection is hung up", TCP, _both_half_closed,
       "POLLIN POLLOUT POLLHUP POLLRDHUP", "poll(2) POLLHUP; " + _EXPERIMENT)  # fmt: skip
_polls("reset", "a reset is an error, the end of the stream, and hung up", TCP, reset,
       "POLLIN POLLOUT POLLERR POLLHUP POLLRDHUP", "poll(2); " + _EXPERIMENT)  # fmt: skip
_polls("peer-closed", "the peer of a local stream closed", LOCAL, peer_gone, "POLLIN POLLOUT POLLHUP POLLRDHUP",
       "poll(2); " + _UNIX)  # fmt: skip
_polls("unconnected", "a datagram socket can always be written to", UDP, fresh, "POLLOUT", "POSIX.1 poll")


@case("poll/null", "NULL for the array", error("EFAULT", "poll(2)"), needs=["linux"])
def _(c: Backend, box: Box) -> None:
    c.poll(None, 1, 0)


@case("poll/nothing", "no entry and no time", success("POSIX.1 poll"))
def _(c: Backend, box: Box) -> None:
    c.poll((c.pollfd * 1)(), 0, 0)


@case(
    "poll/more-than-the-limit",
    "more entries than RLIMIT_NOFILE, which is looked at before the array",
    error("EINVAL", "poll(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    with machine.descriptors_below(16):
        c.poll(None, 17, 0)


@case(
    "poll/local/negative-descriptor",
    "an entry with a negative descriptor is skipped, and its revents become 0",
    success("POSIX.1 poll", result=1, observed=[0, 4]),
)
def _(c: Backend, box: Box) -> list[int]:
    entries = (c.pollfd * 2)()
    entries[0].fd, entries[0].events, entries[0].revents = -1, c.POLLOUT, c.POLLOUT
    entries[1].fd, entries[1].events = pair(c, c.SOCK_STREAM)[0], c.POLLOUT
    c.poll(entries, 2, 0)
    return [entry.revents for entry in entries]


@case(
    "poll/local/one-descriptor-twice",
    "each entry is answered by itself: a descriptor that stands in two counts twice",
    success("POSIX.1 poll", result=2, observed=["POLLIN", "POLLOUT"]),
)
def _(c: Backend, box: Box) -> list[str]:
    one, other = pair(c, c.SOCK_STREAM)
    must(c, c.send(other, b"x", 1, 0))
    entries = (c.pollfd * 2)()
    entries[0].fd, entries[0].events = one, c.POLLIN
    entries[1].fd, entries[1].events = one, c.POLLOUT
    c.poll(entries, 2, 0)
    return [{c.POLLIN: "POLLIN", c.POLLOUT: "POLLOUT"}.get(entry.revents, "else") for entry in entries]


@case(
    "poll/local/limit-counts-entries",
    "RLIMIT_NOFILE limits the entries, however many of them are of one descriptor",
    error("EINVAL", "poll(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, _ = pair(c, c.SOCK_STREAM)
    with machine.descriptors_below(16):
        c.poll((c.pollfd * 17)(*[c.pollfd(fd=one, events=c.POLLOUT)] * 17), 17, 0)

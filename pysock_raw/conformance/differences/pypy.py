"""Differences that PyPy's socket makes, and CPython's does not."""

from __future__ import annotations

import os
from collections.abc import Callable

from pysock_raw.conformance.differences.difference import Difference, unfinished
from pysock_raw.conformance.differences.history import OF_NO_SOCKET_OBJECT, asked, cleared
from pysock_raw.conformance.differences.signals import INTERRUPT
from pysock_raw.conformance.differences.timeouts import IN_PYTHON
from pysock_raw.conformance.pairs import Pair, succeeded

CLEARS = "descr_init in PyPy's interp_socket.py and RSocket in rsocket.py set the flag by the default timeout"
WOULD_WAIT = ("EAGAIN", "EINPROGRESS", "EALREADY")


def _waits(call: str) -> Callable[[Pair], bool]:
    """C did not wait, and PyPy did: it has another answer, or never had one."""

    def recognises(pair: Pair) -> bool:
        errno = pair.other["errno"]
        waited = unfinished(pair) or succeeded(pair.other) or (errno is not None and errno not in WOULD_WAIT)
        return (
            pair.call == call
            and pair.c["errno"] in WOULD_WAIT
            and waited
            and cleared(pair)
            and not asked(pair, "MSG_DONTWAIT")
            and not _one_more_fits(pair)
        )

    return recognises


def _flag_is_gone(pair: Pair) -> bool:
    flags = pair.c["result"], pair.other["result"]
    return (
        pair.call == "fcntl"
        and pair.argument("cmd") == "F_GETFL"
        and all(isinstance(flag, int) for flag in flags)
        and bool(flags[0] & os.O_NONBLOCK)
        and flags[1] == flags[0] & ~os.O_NONBLOCK
        and cleared(pair)
    )


def _backlog_of_0(pair: Pair) -> bool:
    """Whether the last listen before a call asked for a queue of 0."""
    last = next(pair.past.before(pair, "listen"), None)
    return last is not None and last.argument("backlog") == 0


def _one_more_fits(pair: Pair) -> bool:
    """A connect that finds room on PyPy, and finds the one place of a queue of 0 taken in C."""
    if pair.call != "connect" or pair.c["result"] != -1 or pair.other["result"] != 0 or not _backlog_of_0(pair):
        return False
    connects = (old for old in pair.past.before(pair, "connect") if old.argument("addr") == pair.argument("addr"))
    accepts = (old for call in ("accept", "accept4") for old in pair.past.before(pair, call))
    return sum(succeeded(old.c) for old in connects) - sum(succeeded(old.c) for old in accepts) == 1


def _longer_queue(pair: Pair) -> bool:
    """Of a listener, tcpi_sacked is the backlog."""
    values = [record["args"][3] for record in (pair.c, pair.other) if len(record["args"]) > 3]
    told = pair.call == "getsockopt" and pair.argument("optname") == "TCP_INFO"
    lengths = [value.get("tcpi_sacked") for value in values if isinstance(value, dict)]
    return told and lengths == [0, 1] and _backlog_of_0(pair)


def _retried(pair: Pair) -> bool:
    went_on = pair.other["raised"] is None and pair.other["errno"] != "EINTR"
    return pair.call == "connect" and pair.c["errno"] == "EINTR" and went_on


ENTRIES: tuple[Difference, ...] = (
    *(
        Difference(
            id=f"{call}-clears-nonblock",
            title=f"{call} on a descriptor with O_NONBLOCK: C does not wait, PyPy does",
            c="EAGAIN, or EINPROGRESS, at once.",
            python="socket.socket(fileno=fd) takes O_NONBLOCK from the open file description, and the call waits."
            if call not in OF_NO_SOCKET_OBJECT
            else "An earlier socket.socket(fileno=fd) took O_NONBLOCK from the open file description: the call waits.",
            why=CLEARS,
            recipe=f"os.set_blocking(fd, False)  # now that there is a socket object\n{python}"
            if call in OF_NO_SOCKET_OBJECT
            else f"sock.setblocking(False)\n{python}",
            evidence=f"{call}/local/nonblock",
            predicate=_waits(call),
            cpython=False,
        )
        for call, python in IN_PYTHON.items()
    ),
    Difference(
        id="fcntl-nonblock-cleared",
        title="F_GETFL of a descriptor with O_NONBLOCK that has been used: C has the flag still, PyPy has not",
        c="O_NONBLOCK stays until F_SETFL takes it away.",
        python="Each socket.socket(fileno=fd) takes it from the open file description.",
        why=CLEARS,
        no_recipe="the flag is gone; sock.setblocking(False) sets it after each socket.socket(fileno=fd)",
        evidence="fcntl/local/nonblock-stays",
        predicate=_flag_is_gone,
        cpython=False,
    ),
    Difference(
        id="listen-backlog-of-0",
        title="listen(0): C asks for the shortest queue, PyPy for one more",
        c="The queue of a backlog of 0 holds one connection.",
        python="A backlog of 0 becomes 1, and a second client finds room.",
        why="RSocket.listen in PyPy's rsocket.py raises a backlog below 1 to 1",
        no_recipe="no backlog of PyPy's is 0",
        evidence="listen/local/backlog-0-holds-1",
        predicate=lambda pair: _one_more_fits(pair) or _longer_queue(pair),
        cpython=False,
    ),
    Difference(
        id="connect-retried-after-signal",
        title="connect and a caught signal: C ends with EINTR, PyPy connects again",
        c="connect returns -1 with EINTR. A TCP connection goes on by itself; an AF_UNIX one was never made.",
        python="The handler runs, and connect and connect_ex make the call again.",
        why="PEP 475; connect_w and connect_ex_w in PyPy's interp_socket.py",
        recipe=f"{INTERRUPT}sock.connect(address)",
        evidence="connect/local/sa-restart-and-limit",
        predicate=_retried,
        cpython=False,
        no_fallback=True,
    ),
)

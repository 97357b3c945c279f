"""Caught signals while a call waits: each call that can wait, with and without SA_RESTART, with and without a limit."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.cases.settimeout import goes_on
from pysock_raw.conformance.kinds import must, pair
from pysock_raw.conformance.waits import MUCH, PATIENCE, WAITS, limited, limited_in_c

ELSEWHERE = ("accept", "connect", "read", "recv", "recvfrom", "recvmsg")
"""Calls whose case without more is in the module of the call."""


def _interrupted(call: str, id: str, shows: str, limit: Callable[[Backend, int, float], None] | None) -> None:
    @case(id, shows, error("EINTR", f"POSIX.1 {call}; signal(7)"), needs=["linux"])
    def _(c: Backend, box: Box) -> None:
        wait = WAITS[call](c, box)
        box.interrupt(then=wait.wake, restart=limit is not None)
        if limit:
            limit(c, wait.fd, PATIENCE)
        wait.call(0)


def _restarted(call: str) -> None:
    @case(
        f"{call}/local/sa-restart",
        f"with SA_RESTART the handler runs and {call} goes on",
        goes_on(call, "signal(7): restarted if SA_RESTART was used", observed=1),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> int:
        handled: list[int] = []
        wait = WAITS[call](c, box)
        signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(number))
        signal.siginterrupt(signal.SIGUSR1, False)
        box.undisturbed(signal.SIGUSR1, then=wait.wake)
        wait.call(0)
        return len(handled)


for _call in WAITS:
    if _call not in ELSEWHERE:
        _interrupted(_call, f"{_call}/local/interrupted", f"a caught signal ends {_call} while it waits", None)
    _restarted(_call)
    _interrupted(
        _call,
        f"{_call}/local/sa-restart-and-limit",
        f"with SO_RCVTIMEO or SO_SNDTIMEO a caught signal ends {_call}, SA_RESTART or not",
        limited_in_c,
    )
    if _call not in ("connect", "read", "write"):  # Python's do not wait there ({call}/local/settimeout-patient)
        _interrupted(
            _call,
            f"{_call}/local/settimeout-and-signal",
            f"a caught signal ends {_call}, however it has been limited",
            limited,
        )


@case(
    "poll/local/sa-restart",
    "poll is never restarted, SA_RESTART or not",
    error("EINTR", "signal(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, other = pair(c, c.SOCK_STREAM)
    box.interrupt(then=lambda: os.write(other, b"x"), restart=True)
    c.poll(c.pollfd(fd=one, events=c.POLLIN), 1, -1)


def _partly_sent(call: str, send: Callable[[Backend, int], int]) -> None:
    @case(
        f"{call}/local/interrupted-partly",
        f"{call} that has sent a part when a signal is caught returns the length of that part",
        error("EAGAIN", f"POSIX.1 {call}", observed=True),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> bool:
        one, _ = pair(c, c.SOCK_STREAM)
        box.interrupt(then=lambda: None)
        sent = send(c, one)
        must(c, c.fcntl(one, c.F_SETFL, c.O_NONBLOCK))
        send(c, one)
        return 0 < sent < MUCH


_partly_sent("send", lambda c, fd: c.send(fd, bytes(MUCH), MUCH, 0))
_partly_sent("write", lambda c, fd: c.write(fd, bytes(MUCH), MUCH))


@case(
    "recv/local/interrupted-partly",
    "a recv with MSG_WAITALL that has a part when a signal is caught returns that part",
    success("recv(2) MSG_WAITALL: less if a signal is caught", result=1),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    one, other = pair(c, c.SOCK_STREAM)
    must(c, c.send(other, b"a", 1, 0))
    box.interrupt(then=lambda: None)
    c.recv(one, bytearray(2), 2, c.MSG_WAITALL)


# --- SIGPIPE, a signal of the call itself ---

IGNORED = "POSIX.1 {}: SIGPIPE; Python ignores it from its start, for C as well as for itself"


def _broken_pipe(call: str, send: Callable[[Backend, int], int]) -> None:
    @case(
        f"{call}/local/broken-pipe-signal",
        f"{call} to nobody kills a program that does not ignore SIGPIPE; EPIPE is for those that do, as Python does",
        error("EPIPE", IGNORED.format(call), observed="SIGPIPE"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> str:
        one, other = pair(c, c.SOCK_STREAM)
        must(c, c.close(other))
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            send(c, one)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        send(c, one)
        return signal.Signals(os.WTERMSIG(status)).name


_broken_pipe("send", lambda c, fd: c.send(fd, b"x", 1, 0))
_broken_pipe("write", lambda c, fd: c.write(fd, b"x", 1))

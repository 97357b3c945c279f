"""A process between the runner and its programs: it starts one after the other, waits for each, and ends all that is
left of it.

A program cannot end the comparison by a signal to its parent. Whatever it started is ended with it, also what went into
a session of its own, because orphans come to the keeper (PR_SET_CHILD_SUBREAPER, on Linux alone). If the runner is
killed, the keeper does the same, and if the keeper is killed, so is the program (PR_SET_PDEATHSIG).

Who kills the keeper frees its orphans: they come to its guard, a process between it and the runner. The runner is no
subreaper itself, because whoever uses it may have children of its own, and nothing tells them from orphans.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
SIZE = 4  # bytes of a number in a message
AWAKE = 0.05  # seconds without an answer, after which it is woken
END, LEAVE = ((-number).to_bytes(SIZE, "little", signed=True) for number in (1, 2))
_libc = ctypes.CDLL(None)

Start = Callable[[int], NoReturn]
"""The whole life of the program with this number."""


class Keeper:
    def __init__(self, start: Start) -> None:
        self.ended, tell = os.pipe()
        """Can be read when the program has ended."""
        hear, self._say = os.pipe()
        self._pid, self._gone = os.fork(), False
        if self._pid == 0:
            os.close(self._say)
            _guard(start, hear, tell)
        os.close(tell)
        os.close(hear)

    def begin(self, number: int) -> int | None:
        """Start a program; its process."""
        self._order(number.to_bytes(SIZE, "little"))
        return self._told()

    def end(self) -> int | None:
        """End the program if it still runs; how it ended, as wait(2) tells it, or None if the keeper was killed."""
        self._order(END)
        return self._told()

    def guarded(self) -> bool:
        """Whether its guard is there: a program may have killed it, so that nobody takes what the next one leaves."""
        self._gone = self._gone or os.waitpid(self._pid, os.WNOHANG) != (0, 0)
        return not self._gone

    def dismiss(self) -> None:
        """End the keeper, its program first, and its guard."""
        self._order(LEAVE)
        while self._told() is not None:
            pass
        if self.guarded():
            os.waitpid(self._pid, 0)
        os.close(self._say)
        os.close(self.ended)

    def _order(self, message: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # a program may have killed it
            os.write(self._say, message)

    def _told(self) -> int | None:
        while not select.select([self.ended], [], [], AWAKE)[0]:
            _kill(os.killpg, self._pid, signal.SIGCONT)  # a program may have stopped it, and may do so again
        told = os.read(self.ended, SIZE)
        return int.from_bytes(told, "little") if told else None


def _guard(start: Start, hear: int, tell: int) -> NoReturn:
    """The whole life of a guard: until its keeper is gone, and then all that this one left. As long as it has the pipe
    too, the runner hears of no end."""
    try:
        os.setpgid(0, 0)  # an interrupt at the terminal is for the runner
        _on_linux(PR_SET_CHILD_SUBREAPER, 1)
        for number in (signal.SIGTERM, signal.SIGHUP):  # which the command handles
            signal.signal(number, signal.SIG_DFL)
        pid = os.fork()
        if pid == 0:
            _keep(start, hear, tell)
        os.close(hear)
        os.waitpid(pid, 0)
        _end_descendants()
    finally:
        os._exit(0)


def _keep(start: Start, hear: int, tell: int) -> NoReturn:
    """The whole life of a keeper, in the process group of its guard: until the runner has no more programs, or is
    gone."""
    try:
        _on_linux(PR_SET_CHILD_SUBREAPER, 1)
        wake, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        while (order := os.read(hear, SIZE)) not in (LEAVE, b""):
            if order != END:  # of a program that has ended
                pid = os.fork()
                if pid == 0:
                    _on_linux(PR_SET_PDEATHSIG, signal.SIGKILL)
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    start(int.from_bytes(order, "little"))
                os.write(tell, pid.to_bytes(SIZE, "little"))
                os.write(tell, _end_of(pid, hear, wake).to_bytes(SIZE, "little"))
    finally:
        os._exit(0)


def _end_of(pid: int, hear: int, wake: int) -> int:
    """Wait until a program has ended, or has to, and end what is left; its status."""
    ended, status = 0, 0
    while not ended and hear not in select.select([hear, wake], [], [])[0]:
        os.read(wake, 4096)
        ended, status = os.waitpid(pid, os.WNOHANG)
    _kill(os.killpg, pid)
    if not ended:
        _kill(os.kill, pid)  # it may have left its process group
        status = os.waitpid(pid, 0)[1]
    _end_descendants()
    return status


def _end_descendants() -> None:
    """Kill and wait until nobody is left. Those whose parent is killed become children of this process."""
    with contextlib.suppress(ChildProcessError):  # there are none
        while True:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                for pid in _children():
                    _kill(os.kill, pid)
                os.waitpid(-1, 0)


def _children() -> Iterator[int]:
    """Of this process, from /proc."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:  # it may be gone
            if int(stat.read().rpartition(b")")[2].split()[1]) == os.getpid():
                yield int(name)


def _kill(how: Callable[[int, int], None], pid: int, number: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: of zombies, on macOS
        how(pid, number)


def _on_linux(option: int, value: int) -> None:
    if hasattr(_libc, "prctl"):
        _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0)

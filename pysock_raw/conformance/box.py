"""What a case may use besides its api: its own empty working directory (use relative paths), and help from
processes that are gone when the case ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType


class Unarranged(AssertionError):
    """A call that only prepares a case failed, so what the case is about could not be tried."""


class Box:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self._files: list[int] = []
        self._helpers: list[int] = []
        self._threads: list[threading.Thread] = []
        self._failed: list[BaseException] = []

    def __enter__(self) -> Box:
        return self

    def __exit__(self, failed: object, *args: object) -> None:
        """Wait for the helpers and give back what the box opened."""
        for helper in self._helpers:
            if failed:
                os.kill(helper, signal.SIGKILL)
            if os.waitpid(helper, 0)[1] and not failed:
                raise Unarranged("a helper of the case failed (its traceback is in what the case printed)")
        for thread in self._threads:
            thread.join()
        if self._failed and not failed:
            raise Unarranged(f"a thread of the case failed: {self._failed[0]!r}")
        for file in self._files:
            os.close(file)

    @property
    def abstract_name(self) -> bytes:
        """An abstract AF_UNIX name of this process alone, always of the same length."""
        return b"\0pysock_raw.%010d" % os.getpid()

    def pipe(self) -> tuple[int, int]:
        """A pipe, for a descriptor that is no socket and for waiting without a clock."""
        ends = os.pipe()
        self._files += ends
        return ends

    def keep(self, file: int) -> int:
        """A descriptor that the case opened behind its api's back; it is closed when the case ends."""
        self._files.append(file)
        return file

    def interrupt(self, then: Callable[[], object], restart: bool = False) -> None:
        """Send a caught signal to this process as soon as it sleeps in a call, and when it has been handled do
        `then` in a helper process, so that a call that was retried ends too. With `restart` the handler has
        SA_RESTART; only for calls that end with EINTR all the same, or the handler never runs."""
        handled, handler = self.pipe()

        def note(number: int, frame: FrameType | None) -> None:
            os.write(handler, b"!")

        signal.signal(signal.SIGUSR1, note)  # without SA_RESTART, as Python always does
        signal.siginterrupt(signal.SIGUSR1, not restart)

        def helper() -> None:
            when_asleep(self.pid, lambda: os.kill(self.pid, signal.SIGUSR1))
            os.read(handled, 1)
            then()

        self.helper(helper)

    def undisturbed(self, *signals: int, then: Callable[[], object]) -> None:
        """Send signals that no call should notice: each as soon as this process sleeps (SIGCONT: as soon as it has
        stopped). Once it sleeps again, do `then` in a helper process, which ends the call."""

        def helper() -> None:
            for number in signals:
                # kill(2) has woken the process when it returns, so that it is not taken for asleep too early
                in_state(b"Tt" if number == signal.SIGCONT else b"S", self.pid)
                os.kill(self.pid, number)
            when_asleep(self.pid, then)

        self.helper(helper)

    def thread(self, work: Callable[[], object]) -> None:
        """Run `work` in another thread of this process; the case ends when it has ended."""

        def working() -> None:
            try:
                work()
            except BaseException as error:
                self._failed.append(error)

        self._threads.append(threading.Thread(target=working, daemon=True))
        self._threads[-1].start()

    def helper(self, work: Callable[[], object]) -> int:
        """Run `work` in a process of its own; its id."""
        self._helpers.append(forked(work))
        return self._helpers[-1]


def when_asleep(pid: int, work: Callable[[], object]) -> None:
    """Do `work` once the process, which has one thread, sleeps: then it is inside a blocking call (proc(5))."""
    in_state(b"S", pid)
    work()


def forked(work: Callable[[], object]) -> int:
    """Do `work` in a child, whose status is 1 if it failed; its id."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return pid


def in_state(states: bytes, pid: int) -> None:
    """Wait until a process is in one of these states of proc(5). One that is stopped under a tracer is in t, not T."""
    while state_of(pid) not in states:
        os.sched_yield()


def state_of(pid: int) -> bytes:
    """R, S, Z and so on: the state of a process (proc(5))."""
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return stat.read().rpartition(b")")[2].split()[0]


def when_waiting(fd: int, work: Callable[[], object]) -> None:
    """Do `work` once the main thread of this process sleeps in a system call on a descriptor (its first argument in
    /proc/PID/syscall), or in a poll of one descriptor (its second argument is 1): that it sleeps could also mean that
    it waits for the interpreter's lock."""
    while True:
        with open(f"/proc/self/task/{os.getpid()}/syscall") as call:
            first, second = (*call.read().split()[1:3], "", "")[:2]
        if first == hex(fd) or second == "0x1":
            break
        os.sched_yield()
    work()

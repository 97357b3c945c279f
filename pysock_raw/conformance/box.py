"""What a case may use besides its api: its own empty working directory (use relative paths), and help from
processes that are gone when the case ends."""

from __future__ import annotations

import os
import signal
import sys
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

    def __enter__(self) -> Box:
        return self

    def __exit__(self, failed: object, *args: object) -> None:
        """Wait for the helpers and give back what the box opened."""
        for helper in self._helpers:
            if failed:
                os.kill(helper, signal.SIGKILL)
            if os.waitpid(helper, 0)[1] and not failed:
                raise Unarranged("a helper of the case failed (its traceback is in what the case printed)")
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

    def interrupt(self, then: Callable[[], object]) -> None:
        """Send a caught signal to this process as soon as it sleeps in a call, and when it has been handled do
        `then` in a helper process, so that a call that was retried ends too."""
        handled, handler = self.pipe()

        def note(number: int, frame: FrameType | None) -> None:
            os.write(handler, b"!")

        signal.signal(signal.SIGUSR1, note)  # without SA_RESTART, as Python always does

        def helper() -> None:
            when_asleep(self.pid, lambda: os.kill(self.pid, signal.SIGUSR1))
            os.read(handled, 1)
            then()

        self.helper(helper)

    def helper(self, work: Callable[[], object]) -> None:
        """Run `work` in a process of its own."""
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
        self._helpers.append(pid)


def when_asleep(pid: int, work: Callable[[], object]) -> None:
    """Do `work` once the process, which has one thread, sleeps: then it is inside a blocking call (proc(5))."""
    while True:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            if stat.read().rpartition(b")")[2].split()[0] == b"S":
                break
        os.sched_yield()
    work()

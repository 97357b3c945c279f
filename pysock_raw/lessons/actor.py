"""A process of its own that makes calls when it is told to: the server or the client of a lesson.

Its descriptors start at 3, its errno and its signals are its own, and a call that blocks stops nobody else. What it
does goes through a pair of sockets: a request is a name and arguments, the answer is the record of the call.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, Pipe
from typing import Any, NoReturn

from pysock_raw.backends.contract import CALLS, Backend
from pysock_raw.conformance.box import state_of
from pysock_raw.lessons.deeds import Deeds
from pysock_raw.trace import Record, Recorded, out_of_the_way
from pysock_raw.trace_text import line
from pysock_raw.trace_values import buffer


class Ended(Exception):
    """The end of a lesson before its time: one sentence."""


class Actor:
    def __init__(self, name: str, api: Backend, directory: str, deadline: float) -> None:
        self.name, self.deadline = name, deadline
        self.busy: Record | None = None
        """The call that it is in."""
        self.alive = True
        self._args: tuple[Any, ...] = ()
        self._messages, theirs = Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _live(api, theirs, directory)
        os.setpgid(self.pid, self.pid)  # an interrupt at the terminal is for who tells the lesson
        theirs.close()

    def start(self, call: str, *args: Any) -> None:
        """Have it begin a call."""
        if not self.alive:
            raise Ended(f"the {self.name}'s process has ended, and cannot call {call}")
        self._args = args
        self._send(call, args)
        self.busy = self._receive("begun")

    def finish(self) -> Record:
        """The record of the call that it is in. What the call wrote is in the arguments that it was given."""
        assert self.busy is not None
        record, written = self._receive("ended")
        for ours, theirs in zip(self._args, written, strict=True):
            if isinstance(ours, (bytearray, ctypes.Structure, ctypes._SimpleCData)):
                memoryview(ours).cast("B")[:] = memoryview(theirs).cast("B")
        self.busy = None
        return dict(record)

    def make(self, call: str, *args: Any) -> Record:
        self.start(call, *args)
        return self.finish()

    def ask(self, question: Callable[..., Any], *args: Any) -> Any:
        """What a function of this package, called in that process, returns."""
        self._send(question, args)
        return self._receive("answer")

    def waits(self) -> bool:
        """Whether its call blocks; False once that has ended. A process that sleeps and has sent no answer is inside
        the call; one that died (Z, proc(5)) has closed its messages, which counts as one."""
        until = time.monotonic() + self.deadline
        while not self._messages.poll(0):
            if state_of(self.pid) in (b"S", b"Z"):
                return not self._messages.poll(0)
            if time.monotonic() > until:
                raise Ended(f"{self._doing()} neither ends nor sleeps within {self.deadline:g} s")
            os.sched_yield()
        return False

    def caught(self) -> None:
        """Wait until its handler of a signal has run."""
        self._receive("caught")

    def end(self) -> None:
        """End the process and what it started, whatever they are doing."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._reap()
        self._messages.close()

    def _reap(self) -> int:
        """How the process ended, as wait(2) tells it; 0 if that was told before."""
        if not self.alive:
            return 0
        self.alive = False
        return os.waitpid(self.pid, 0)[1]

    def _send(self, wanted: str | Callable[..., Any], args: tuple[Any, ...]) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # _receive tells how the process ended
            self._messages.send((wanted, args))

    def _receive(self, wanted: str) -> Any:
        """The next message of this kind. A signal that was caught while nobody asked is no news."""
        until = time.monotonic() + self.deadline
        while self._messages.poll(max(0.0, until - time.monotonic())):
            try:
                kind, *message = self._messages.recv()
            except (EOFError, ConnectionResetError):
                return self._gone()
            if kind == "failed":
                raise Ended(f"the {self.name}'s process failed: {message[0]}")
            if kind == wanted:
                return message[0] if len(message) == 1 else message
        raise Ended(f"{self._doing()} did not end within {self.deadline:g} s")

    def _gone(self) -> Any:
        """The call of a process that it did not survive, as if it had raised."""
        status = self._reap()
        how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "itself"
        if self.busy is None or not os.WIFSIGNALED(status):
            raise Ended(f"the {self.name}'s process was ended by {how}")
        return {**self.busy, "raised": f"killed by {how}"}, self._args

    def _doing(self) -> str:
        return f"{line(self.busy).rpartition(' = ')[0]} of the {self.name}" if self.busy else f"the {self.name}"


def _live(api: Backend, messages: Connection, directory: str) -> NoReturn:
    """The whole life of an actor: until nobody talks to it any more."""
    try:
        gc.freeze()  # no object of the parent's gives back a number that is another descriptor here
        high = out_of_the_way(os.dup(messages.fileno()))
        os.closerange(3, high)
        os.chdir(directory)
        with contextlib.suppress(EOFError, ConnectionResetError, BrokenPipeError):
            _serve(api, Connection(high))
    finally:
        os._exit(0)


def _serve(api: Backend, messages: Connection) -> None:
    ended: list[Record] = []
    recorded = Recorded(api, ended.append, lambda record: messages.send(("begun", record)))
    deeds = Deeds(lambda: messages.send(("caught",)))
    while True:
        wanted, args = messages.recv()
        try:
            if callable(wanted):
                messages.send(("answer", wanted(*args)))
            elif wanted in CALLS:
                with contextlib.suppress(Exception):  # it is in the record
                    getattr(recorded, wanted)(*args)
                messages.send(("ended", ended.pop(), args))
            else:
                record = {"call": wanted, "args": _shown(args), "errno": None, "raised": None, "emulated": False}
                messages.send(("begun", {**record, "result": None}))
                result = getattr(deeds, wanted)(*args)
                messages.send(("ended", {**record, "args": _shown(args), "result": result}, args))
        except Exception as error:
            messages.send(("failed", f"{type(error).__name__}: {error}"))


def _shown(args: Iterable[Any]) -> list[Any]:
    """The arguments of a deed: names and numbers as they are, text in bytes."""
    shown: dict[type, Callable[[Any], Any]] = {bytes: buffer, list: _shown}
    return [shown.get(type(arg), lambda arg: arg)(arg) for arg in args]

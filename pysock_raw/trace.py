"""Recording: an api whose every call is written down before it goes on.

`Recorded(api, sink)` is a backend like any other. PYSOCK_RAW_TRACE=- prints one line a call to stderr; a file
name gets the lines, or, ending in .jsonl, one JSON object a call:

    {"call": "bind", "args": [3, {"family": "AF_INET", "addr": "127.0.0.1", "port": 80}, 16], "result": -1,
     "errno": "EACCES", "raised": null, "emulated": false, "pid": 71, "thread": 71, "actor": "",
     "where": "server.py:12", "time": [81230110412, 81230114033]}

`time` is when the call began and ended, in nanoseconds of the machine's monotonic clock, which its processes share.
`timeout`, where there is one, is socket.setdefaulttimeout's in seconds when the call was made: on the stdlib side it is
the timeout of the socket object that makes the call, on the others it does nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Callable
from os import getpid, write as write_to  # a program may put something else in the place of os.write
from socket import getdefaulttimeout
from sys import _getframe
from threading import get_native_id
from time import monotonic_ns
from types import FrameType
from typing import Any, cast

from pysock_raw.backends.contract import CALLS, Backend
from pysock_raw.trace_arguments import Arguments
from pysock_raw.trace_text import line, printable
from pysock_raw.trace_values import errno_name

Record = dict[str, Any]
Sink = Callable[[Record], None]


class Lineage:
    """Which process of a program this is: "" for the first, "1" for the first that it forked, "1.2" for that one's
    second. Unlike a process id it is the same in every run."""

    def __init__(self) -> None:
        self.process = ""
        self._forks = 0
        self.forking: Callable[[str], object] = lambda child: None
        """Is told of each process before it is forked."""
        os.register_at_fork(before=self._before, after_in_child=self._in_child)

    def begin(self, forking: Callable[[str], object]) -> None:
        """This process is the first of a program."""
        self.process, self._forks, self.forking = "", 0, forking

    def _child(self) -> str:
        return f"{self.process}.{self._forks}".lstrip(".")

    def _before(self) -> None:
        self._forks += 1
        self.forking(self._child())

    def _in_child(self) -> None:
        self.process, self._forks = self._child(), 0

    def actor(self) -> str:
        """This thread: the process, and its name if it is not the main one."""
        thread = threading.current_thread()
        return self.process if thread is threading.main_thread() else f"{self.process}/{thread.name}"


lineage = Lineage()


class Recorded:
    """An api that hands a record of every call to a sink. With `begun`, that one is told of each call before it
    is made, so that a call that never returns is known too, and of each process before it is forked."""

    def __init__(self, api: Backend, sink: Sink, begun: Sink | None = None) -> None:
        self._api, self._sink, self._begun = api, sink, begun
        lineage.begin(lambda child: begun and begun({"fork": child}))
        for name in CALLS:
            setattr(self, name, self._recording(name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def _recording(self, name: str) -> Callable[..., int]:
        call = getattr(self._api, name)

        def recorded(*args: Any) -> int:
            arguments = Arguments(name, args)
            record = _record(name, arguments.before, _getframe(1))
            if self._begun is not None:
                self._begun(record)
            try:
                result: int = call(*args)
            except BaseException as error:
                record["time"][1] = monotonic_ns()
                record["raised"] = f"{type(error).__name__}: {error}"
                self._sink(record)
                raise
            record["time"][1] = monotonic_ns()
            record["result"] = result
            record["args"] = arguments.after(result)
            record["emulated"] = self._api.emulated()
            if result == -1:
                record["errno"] = errno_name(self._api.get_errno())
            self._sink(record)
            return result

        recorded.__name__ = name
        recorded.__doc__ = call.__doc__
        return recorded


def _record(name: str, args: list[Any], caller: FrameType) -> Record:
    timeout = getdefaulttimeout()
    return {
        "call": name,
        "args": args,
        "result": None,
        "errno": None,
        "raised": None,
        "emulated": False,
        "pid": getpid(),
        "thread": get_native_id(),
        "actor": lineage.actor(),
        "where": f"{caller.f_code.co_filename.rpartition('/')[2]}:{caller.f_lineno}",
        **({} if timeout is None else {"timeout": timeout}),
        "time": [monotonic_ns(), None],
    }


def writer(file: int, form: Callable[[Record], str]) -> Sink:
    """A sink that writes records to a descriptor, each with one write, so that those of processes and threads
    that share the file do not mix. The call is made already: if its record cannot be written, the program gets
    its result all the same, and stderr says once that the trace is not whole."""
    failed: list[OSError] = []

    def write(record: Record) -> None:
        data = (form(record) + "\n").encode("utf-8", "backslashreplace")
        try:
            while data:
                data = data[write_to(file, data) :]
        except OSError as error:
            if not failed:
                with contextlib.suppress(OSError):  # it may have closed that too
                    write_to(2, f"pysock_raw: the trace is not whole: {error.strerror}\n".encode())
            failed.append(error)

    return write


OURS = 200
"""Descriptors from here on are ours and not the recorded program's."""


def out_of_the_way(file: int) -> int:
    """The file under a high number, so that the program is given the same descriptors as without us."""
    high = fcntl.fcntl(file, fcntl.F_DUPFD, OURS)  # PyPy 7 has no F_DUPFD_CLOEXEC
    os.set_inheritable(high, False)
    os.close(file)
    return high


def to_environment(api: Backend) -> Backend:
    """The api recorded to where PYSOCK_RAW_TRACE says. ImportError if that cannot be written."""
    target = os.environ["PYSOCK_RAW_TRACE"]
    form = json.dumps if target.endswith(".jsonl") else line
    try:
        file = 2 if target == "-" else out_of_the_way(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666))
    except OSError as error:
        raise ImportError(f"PYSOCK_RAW_TRACE={printable(target)} cannot be written: {error.strerror}") from error
    return cast(Backend, Recorded(api, writer(file, form)))

"""Naming what may differ from run to run, so that traces can be compared: descriptors, ports and autobound names
that the kernel chose, process ids, and the random part of temporary paths.

A number gets a name when the kernel hands it out ("fd1", "port1"); a number that the program made up itself stays as
it is. The records are read in the order in which they were written, to know which thing a number stood for; the names
are then given actor by actor, because the order between threads and processes may differ from run to run.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pysock_raw.backends.contract import CALLS, Backend
from pysock_raw.trace import Record
from pysock_raw.trace_arguments import PARAMETERS

RETURNS_DESCRIPTOR = [call for call in CALLS if vars(Backend)[call].__annotations__["return"] == "Fd"]
AUTOBOUND = re.compile("\0[0-9a-f]{5}")  # unix(7)


class Thing(NamedTuple):
    """What a number or text in a trace stands for."""

    kind: str
    """The beginning of its name."""
    value: Any
    """What tells it from others of its kind."""


class Text(tuple[Any, ...]):
    """A text with things in it."""


class Descriptors:
    """The descriptors that a process was handed by its calls and has not closed, by number."""

    def __init__(self, inherited: Mapping[int, Thing] | None = None) -> None:
        self.open: dict[int, Thing] = dict(inherited or {})
        self._closing: set[int] = set()
        """Numbers that were handed out again before another thread had written down that it closed them."""

    def follow(self, call: Record) -> None:
        """Take note of what a call opened or closed."""
        result = call["result"]
        if result is None or result < 0:
            return
        if call["call"] in RETURNS_DESCRIPTOR or (
            call["call"] == "fcntl" and str(call["args"][1]).startswith("F_DUPFD")
        ):
            self._handed_out(result, call)
        elif call["call"] == "socketpair":
            for number in call["args"][3]:
                self._handed_out(number, call)
        elif call["call"] in ("recvmsg", "recvmmsg"):
            for number in _descriptors_in(call["args"][1]):
                self._handed_out(number, call)
        elif call["call"] == "close":
            self._closed(call["args"][0])

    def _handed_out(self, number: int, call: Record) -> None:
        if number in self.open:
            self._closing.add(number)
        self.open[number] = Thing("fd", (id(call), number))

    def _closed(self, number: int) -> None:
        if number in self._closing:
            self._closing.discard(number)
        else:
            self.open.pop(number, None)


class Things:
    """What the numbers of a trace stand for, read in the order of its records."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = re.compile("|".join(f"0*{pid}" for pid in pids))
        self.processes: dict[str, Descriptors] = {}
        self.written: set[tuple[str, Any]] = set()
        self.literal: set[tuple[str, Any]] = set()
        self.unnamed: set[tuple[str, Any]] = set()
        """Descriptors that were bound to port 0, until getsockname says which port that is."""
        self.times: dict[int, int] = {}
        """How often the kernel has handed out a port so far."""

    def forked(self, process: str) -> None:
        """A process begins with what its parent has now."""
        self.processes[process] = Descriptors(self._of(process.rpartition(".")[0]).open)

    def _of(self, process: str) -> Descriptors:
        return self.processes.setdefault(process, Descriptors())

    def record(self, call: Record) -> Record:
        """The record with things for numbers, without what belongs to one run alone."""
        process = call["actor"].partition("/")[0]
        descriptors = self._of(process)
        known = dict(descriptors.open)
        descriptors.follow(call)
        kinds = list(PARAMETERS[call["call"]].items()) + [("", "")] * len(call["args"])
        if call["result"] == 0:
            self._fresh_port(process, call)
        args = [
            self._argument(name, kind, value, known | descriptors.open, call["result"] not in (None, -1))
            for (name, kind), value in zip(kinds, call["args"], strict=False)
        ]
        result = call["result"]
        if args[1:2] == ["F_SETOWN"]:
            args[2] = self._owner(args[2])
        elif args[1:2] == ["F_GETOWN"]:
            result = self._owner(result)
        if result in descriptors.open and descriptors.open[result] != known.get(result):
            result = descriptors.open[result]
        keys = ("call", "errno", "raised", "emulated", "where", "timeout", "time")
        return {**{key: call[key] for key in keys if key in call}, "args": args, "result": result}

    def _fresh_port(self, process: str, call: Record) -> None:
        """Port 0 is another port each time, also if the kernel happens to hand out a number that it handed out
        before (to a socket that is closed, or has another address)."""
        fd = (process, *call["args"][:1])
        port = call["args"][1].get("port") if len(call["args"]) > 1 and isinstance(call["args"][1], dict) else None
        if call["call"] == "bind" and port == 0:
            self.unnamed.add(fd)
        elif call["call"] == "getsockname" and port and fd in self.unnamed:
            self.unnamed.discard(fd)
            self.times[port] = self.times.get(port, 0) + 1

    def _argument(self, name: str, kind: str, value: Any, fds: Mapping[int, Thing], success: bool) -> Any:
        if name in ("fd", "sv", "fds"):
            return _with_descriptors(value, fds)
        if isinstance(value, list):
            return [self._argument("", kind, item, fds, success) for item in value]
        if isinstance(value, dict):
            written = kind == "Writable" and success
            return {
                key: self._argument(key, kind, member, fds, success)
                if isinstance(member, (dict, list))
                else self._member(key, member, written)
                for key, member in value.items()
            }
        return value

    def _member(self, key: str, value: Any, written: bool) -> Any:
        """A member of an address or a structure. The kernel's own choice is what it wrote first."""
        if key == "port" and value == 0:
            return value  # nobody's choice: the socket has none yet
        if key == "port" or (key == "path" and AUTOBOUND.fullmatch(value)):
            if (key, value) not in self.written:
                (self.written if written else self.literal).add((key, value))
            if (key, value) in self.literal:
                return value
            return Thing(key, (value, self.times.get(value, 0)))
        if key == "path":
            return self._path(value)
        return Thing(key, value) if key == "pid" else value

    def _owner(self, number: Any) -> Any:
        """A process, or as a negative number a process group (fcntl(2))."""
        return Thing("pid", number) if isinstance(number, int) and number not in (0, -1) else number

    def _path(self, path: str) -> Any:
        """A path without the id of a process of the program; below the directory for temporary files its random
        component has a name."""
        path = self._pids.sub("pid", path)
        root = tempfile.gettempdir() + os.sep
        if not path.startswith(root):
            return path
        component, separator, rest = path[len(root) :].partition(os.sep)
        return Text((root, Thing("path", component), f"{separator}{rest}"))


def _with_descriptors(value: Any, fds: Mapping[int, Thing]) -> Any:
    if isinstance(value, list):
        return [_with_descriptors(item, fds) for item in value]
    if isinstance(value, dict):
        return {key: _with_descriptors(member, fds) if key == "fd" else member for key, member in value.items()}
    return fds.get(value, value) if isinstance(value, int) else value


def _descriptors_in(value: Any) -> list[int]:
    """The descriptors that came with the control messages of a msghdr, or of each in an array (SCM_RIGHTS)."""
    if isinstance(value, list):
        return [number for item in value for number in _descriptors_in(item)]
    if not isinstance(value, dict):
        return []
    inner = (value.get(key) for key in ("msg_hdr", "msg_control"))
    return [*value.get("fds", []), *(number for item in inner for number in _descriptors_in(item))]


class Names:
    """Names for things, each by its first appearance. Every actor counts for itself, so that one side's missing
    descriptor in one process does not shift the names in another."""

    def __init__(self) -> None:
        self._given: dict[Thing, str] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def of(self, value: Any, actor: str) -> Any:
        """A value with names for the things in it."""
        if isinstance(value, Thing):
            if value not in self._given:
                self._counts[actor, value.kind] += 1
                number = self._counts[actor, value.kind]
                self._given[value] = f"{actor}:{value.kind}{number}".lstrip(":")
            return self._given[value]
        if isinstance(value, Text):
            return "".join(self.of(part, actor) for part in value)
        if isinstance(value, dict):
            return {key: self.of(member, actor) for key, member in value.items()}
        return [self.of(item, actor) for item in value] if isinstance(value, list) else value


def named(trace: Sequence[Record], forks: Iterable[tuple[int, str]] = ()) -> dict[tuple[str, int], list[Record]]:
    """The records of a trace with names, by actor (and the number among threads of one name): its first process's
    main thread, then the other threads and processes. `forks` says how many records there were when a process
    began. `at` is a record's place in the trace."""
    things, names = Things({call["pid"] for call in trace}), Names()
    begins = sorted(forks)
    threads: dict[str, list[int]] = {}
    actors: dict[tuple[str, int], list[Record]] = {}
    for count, call in enumerate(trace):
        while begins and begins[0][0] <= count:
            things.forked(begins.pop(0)[1])
        alike = threads.setdefault(call["actor"], [])
        if call["thread"] not in alike:
            alike.append(call["thread"])
        record = things.record(call) | {"at": count}
        actors.setdefault((call["actor"], alike.index(call["thread"])), []).append(record)
    return {actor: [names.of(record, actor[0]) for record in actors[actor]] for actor in sorted(actors)}

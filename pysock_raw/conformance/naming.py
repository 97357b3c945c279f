"""Naming what may differ from run to run, so that traces can be compared: descriptors, ports and autobound names
that the kernel chose, process ids, and the random part of temporary paths.

A number is named when the kernel first hands it out ("fd1", "port1"); a number that the program made up itself
stays as it is.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from typing import Any

from pysock_raw.trace import Record
from pysock_raw.trace_values import PARAMETERS

RETURNS_DESCRIPTOR = ("socket", "accept", "accept4")
AUTOBOUND = re.compile("\0[0-9a-f]{5}")  # unix(7)


class Descriptors:
    """The descriptors that a process was handed by its calls and has not closed, by number."""

    def __init__(self, inherited: Descriptors | None = None) -> None:
        self.open: dict[int, str] = dict(inherited.open) if inherited else {}
        self._count = len(self.open)

    def follow(self, call: Record) -> None:
        """Take note of what a call opened or closed."""
        result = call["result"]
        if result is None or result < 0:
            return
        if call["call"] in RETURNS_DESCRIPTOR or (
            call["call"] == "fcntl" and str(call["args"][1]).startswith("F_DUPFD")
        ):
            self._name(result)
        elif call["call"] == "socketpair":
            for number in call["args"][3]:
                self._name(number)
        elif call["call"] == "close":
            self.open.pop(call["args"][0], None)

    def _name(self, number: int) -> None:
        self._count += 1
        self.open[number] = f"fd{self._count}"


class Names:
    """The names of one trace, given in its order."""

    def __init__(self) -> None:
        self.processes: dict[int, Descriptors] = {}
        self.given: dict[tuple[str, Any], str] = {}
        self.counts: dict[str, int] = {}
        self.literal: set[Any] = set()
        self.unnamed: set[Any] = set()
        """Descriptors that were bound to port 0, until getsockname says which port that is."""

    def record(self, call: Record) -> Record:
        """The record with names for numbers, without pid and thread."""
        descriptors = self._descriptors(call["pid"])
        known = dict(descriptors.open)
        descriptors.follow(call)
        kinds = list(PARAMETERS[call["call"]].items()) + [("", "")] * len(call["args"])
        if call["result"] == 0:
            self._fresh_port(call)
        self._pid = re.compile(f"0*{call['pid']}")
        args = [
            self._argument(name, kind, value, known | descriptors.open, call["result"] not in (None, -1))
            for (name, kind), value in zip(kinds, call["args"], strict=False)
        ]
        result = call["result"]
        if result in descriptors.open and descriptors.open[result] != known.get(result):
            result = descriptors.open[result]
        keys = ("call", "errno", "raised", "emulated", "where")
        return {**{key: call[key] for key in keys}, "args": args, "result": result}

    def _fresh_port(self, call: Record) -> None:
        """Port 0 is another port each time, also if the kernel happens to hand out a number that it handed out
        before (to a socket that is closed, or has another address)."""
        fd = (call["pid"], *call["args"][:1])
        port = call["args"][1].get("port") if len(call["args"]) > 1 and isinstance(call["args"][1], dict) else None
        if call["call"] == "bind" and port == 0:
            self.unnamed.add(fd)
        elif call["call"] == "getsockname" and port and fd in self.unnamed:
            self.unnamed.discard(fd)
            self.given[("port", port)] = self._new("port")

    def _new(self, key: str) -> str:
        self.counts[key] = self.counts.get(key, 0) + 1
        return f"{key}{self.counts[key]}"

    def _descriptors(self, pid: int) -> Descriptors:
        """Those of a process. A forked one starts with what the first had then."""
        if pid not in self.processes:
            first = next(iter(self.processes.values()), None)
            self.processes[pid] = Descriptors(first)
        return self.processes[pid]

    def _argument(self, name: str, kind: str, value: Any, fds: dict[int, str], success: bool) -> Any:
        if name in ("fd", "sv", "fds"):
            return _with_descriptors(value, fds)
        if isinstance(value, dict):
            written = kind == "Writable" and success
            return {key: self._member(key, member, written) for key, member in value.items()}
        return value

    def _member(self, key: str, value: Any, written: bool) -> Any:
        """A member of an address or a structure. The kernel's own choice is what it wrote first."""
        if key == "port" or (key == "path" and AUTOBOUND.fullmatch(value)):
            if not written and (key, value) not in self.given:
                self.literal.add(value)
            return value if value in self.literal else self._given(key, value)
        if key == "path":
            return self._path(value)
        return self._given(key, value) if key == "pid" else value

    def _given(self, key: str, value: Any) -> str:
        if (key, value) not in self.given:
            self.given[(key, value)] = self._new(key)
        return self.given[(key, value)]

    def _path(self, path: str) -> str:
        """A path without the process's id, and below the directory for temporary files with its random
        component named."""
        path = self._pid.sub("pid", path)
        root = tempfile.gettempdir() + os.sep
        if not path.startswith(root):
            return path
        component, separator, rest = path[len(root) :].partition(os.sep)
        return f"{root}{self._given('path', component)}{separator}{rest}"


def _with_descriptors(value: Any, fds: dict[int, str]) -> Any:
    if isinstance(value, list):
        return [_with_descriptors(item, fds) for item in value]
    if isinstance(value, dict):
        return {key: _with_descriptors(member, fds) if key == "fd" else member for key, member in value.items()}
    return fds.get(value, value) if isinstance(value, int) else value


def named(trace: Iterable[Record]) -> dict[int, list[Record]]:
    """The records of a trace with names, by actor: its threads and processes in the order of their first call. `at`
    is the record's place in the trace."""
    names = Names()
    actors: dict[int, list[Record]] = {}
    for at, call in enumerate(trace):
        actors.setdefault(call["thread"], []).append({**names.record(call), "at": at})
    return dict(enumerate(actors.values()))

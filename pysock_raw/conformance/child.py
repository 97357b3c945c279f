"""The life of a process that runs a program for the runner: its limits, its standard files, its records, its end.

The program may have changed anything in this process when it ends. What is needed then has other names here
(`from os import ...`), and what cannot be told any more is a verdict too.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import resource
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from json import dumps
from os import _exit, fstat, getpid, scandir
from pathlib import Path
from typing import Any, NoReturn

from pysock_raw.conformance.naming import Descriptors
from pysock_raw.conformance.syscalls import wait_for_tracer
from pysock_raw.trace import OURS, Record, Sink, out_of_the_way, writer

LARGEST_FILE = 256 * 2**20  # bytes
LARGEST_MEMORY = 4 * 2**30  # bytes that a program may add to what the runner has
MODULES_OF_A_SIDE = ("pysock_raw.backends.", "pysock_raw.constants")
LONGEST_TEXT = 4096  # characters of an exception


@dataclass
class Sinks:
    """Where a program's records go: calls that ended, and calls that begin."""

    ended: Sink
    begun: Sink


Recording = Callable[[Sinks], Any]
"""A program that records itself; what it returns is what it observed."""


def live(program: Recording, files: tuple[int, int], mark: str, directory: Path | None, traced: bool) -> NoReturn:
    """The whole life of a child. `files` are for its records, each a line that begins with the mark, and for what it
    prints."""
    try:
        if hasattr(gc, "freeze"):  # PyPy's collector has nothing to freeze
            gc.freeze()
        atexit._clear()  # the parent's
        if traced:
            wait_for_tracer()
        os.setpgid(0, 0)
        _limit()
        records = _standard_files(*files)
        if directory is not None:
            directory.mkdir()
            os.chdir(directory)
        _perform(program, writer(records, lambda record: mark + dumps(record)))
    except BaseException:
        traceback.print_exc()
    finally:
        _exit(0)


def _perform(program: Recording, write: Sink) -> None:
    me, before, descriptors = getpid(), _descriptors(), Descriptors()
    calls = 0

    def ended(record: Record) -> None:
        nonlocal calls
        if record["pid"] == me:
            calls += 1
            descriptors.follow(record)
        write(record)

    end: str | None = None
    lacks = False
    observed: Any = None
    status = 0
    try:
        observed = program(Sinks(ended, lambda record: write({"begun": record})))
    except SystemExit as error:
        end = None if error.code in (None, 0) else _said(error)
        status = error.code & 0xFF if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        end, lacks, status = _said(error), _raised_by_a_side(error), 1
        with contextlib.suppress(Exception):  # it may have put anything in the place of sys.stderr
            traceback.print_exception(error)
    _leave()
    if getpid() != me:  # the program forked, and both of them came to its end
        _exit(status)
    leaked = sorted((_descriptors() - before) ^ set(descriptors.open)) if end is None else []
    write({"end": [end, lacks, observed, leaked], "calls": calls, "pid": me})


def _leave() -> None:
    """What Python does at the end of a program."""
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:LONGEST_TEXT]
    except Exception as another:
        return f"{type(error).__name__}: (no text: str() of it raised {type(another).__name__})"


def _raised_by_a_side(error: BaseException) -> bool:
    """Whether it comes from a backend (a name that this one lacks, a conversion) and not from the program."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__", "").startswith(MODULES_OF_A_SIDE)


def _limit() -> None:
    """Bounds on what a program takes from the machine; where memory runs out all the same, it is the first to go."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_FSIZE, LARGEST_FILE)  # it may print without end
    with contextlib.suppress(OSError):  # no /proc, or one that is not written to
        pages = int(Path("/proc/self/statm").read_text().split()[5])  # proc(5): data and stack
        _lower(resource.RLIMIT_DATA, pages * resource.getpagesize() + LARGEST_MEMORY)
        Path("/proc/self/oom_score_adj").write_text("1000")


def _lower(limit: int, most: int) -> None:
    soft, hard = (most if now == resource.RLIM_INFINITY else min(now, most) for now in resource.getrlimit(limit))
    resource.setrlimit(limit, (soft, hard))


def _standard_files(records: int, printed: int) -> int:
    """Standard files that belong to the child, and its records where they do not take the low numbers that the
    program expects."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    sys.stdout = open(1, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115 - whatever the parent had made of them
    sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    kept = out_of_the_way(records)
    os.closerange(3, kept)
    os.closerange(kept + 1, max(map(int, os.listdir("/dev/fd"))) + 1)
    return kept


def _descriptors() -> set[int]:
    """The open descriptors of this process."""
    try:
        with scandir("/dev/fd") as entries:
            listed = {int(entry.name) for entry in entries}
    except OSError:  # the program changed its root directory
        listed = set(range(2 * OURS))
    return {number for number in listed if _is_open(number)}


def _is_open(number: int) -> bool:
    try:
        fstat(number)
    except OSError:
        return False
    return True

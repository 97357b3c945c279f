"""Running programs: each in a forked child of its own, with a deadline, its records in a file.

Whatever a program does to its process (hang, crash, exit, leak) ends in a `Run`, never in the end of the
comparison.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pysock_raw.conformance.naming import Descriptors
from pysock_raw.conformance.syscalls import Strace, wait_for_tracer
from pysock_raw.trace import Record, Sink, out_of_the_way, writer

DEADLINE = 10.0
STOPPED = ("deadline: ", "killed by ", "the program ended its process")
"""How `Run.ended` begins if the program did not end by itself."""
WITHOUT_A_WORD = "the program ended its process without a word"
LARGEST_FILE = 256 * 2**20  # bytes
SHOWN = 4096  # bytes of what a program printed that a run keeps


@dataclass
class Sinks:
    """Where a program's records go: calls that ended, and calls that begin."""

    ended: Sink
    begun: Sink


Recording = Callable[[Sinks], Any]
"""A program that records itself; what it returns is what it observed."""


@dataclass
class Run:
    """What one program did on one side."""

    trace: list[Record] = field(default_factory=list)
    forks: list[tuple[int, str]] = field(default_factory=list)
    """How many records there were when a process was forked."""
    ended: str | None = None
    """How it ended if not by itself: an exception, a signal, the deadline."""
    observed: Any = None
    leaked: list[int] = field(default_factory=list)
    """Descriptors that are open at the end and that no call handed out, or the other way round."""
    printed: str = ""


@dataclass
class Job:
    """A program to run. `key` is the caller's; `own_directory` gives it an empty working directory; `syscalls` gives
    its records the system calls that each made."""

    key: Any
    program: Recording
    own_directory: bool = True
    syscalls: bool = False


def run(jobs: list[Job], workers: int, deadline: float = DEADLINE) -> Iterator[tuple[Any, Run]]:
    """Run the jobs, at most `workers` at a time, and yield (key, run) as they end."""
    running: set[_Child] = set()
    with selectors.DefaultSelector() as selector, tempfile.TemporaryDirectory(prefix="pysock_raw.") as root:
        os.chmod(root, 0o711)  # a program may give up its privileges and still has its own directory
        try:
            for number, job in enumerate(jobs):
                child = _Child(job, Path(root, str(number)), deadline)
                selector.register(child.alive, selectors.EVENT_READ, child)
                running.add(child)
                while len(running) >= workers:
                    yield from _ended(selector, running)
            while running:
                yield from _ended(selector, running)
        finally:  # also when the run is interrupted, nobody stays behind
            for child in running:
                child.end(late=True)


def _ended(selector: selectors.BaseSelector, running: set[_Child]) -> Iterator[tuple[Any, Run]]:
    """Wait for a child to end or to pass its deadline."""
    patience = max(0.0, min(child.deadline for child in running) - time.monotonic())
    ready = {key.data for key, _ in selector.select(patience)}
    for child in [child for child in running if child in ready or child.deadline <= time.monotonic()]:
        selector.unregister(child.alive)
        running.remove(child)
        yield child.job.key, child.end(late=child not in ready)


class _Child:
    """A forked child. Its records come through a file, so that neither a full pipe nor garbage on one can
    stop anybody; that it lives is known from a pipe that the kernel closes for it."""

    def __init__(self, job: Job, place: Path, deadline: float) -> None:
        self.job, self.place, self.seconds = job, place, deadline
        self.deadline = time.monotonic() + deadline
        place.mkdir(mode=0o711)
        self.alive, hold = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _child(job, place, hold)
        self.strace = Strace(self.pid, place) if job.syscalls else None
        os.close(hold)

    def end(self, late: bool) -> Run:
        """Collect what is left of the child: its status, its records, its processes."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.alive)
        run = _read(self.place)
        if self.strace:
            self.strace.finish(run.trace)
        if late:
            run.ended = f"deadline: still running after {self.seconds:g} s"
        elif os.WIFSIGNALED(status) and run.ended == WITHOUT_A_WORD:
            run.ended = f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
        shutil.rmtree(self.place)
        return run


def _read(place: Path) -> Run:
    """The run that a child wrote down. A call that began and did not end stays, without a result."""
    run = Run(ended=WITHOUT_A_WORD)
    begun: dict[int, Record] = {}
    for text in (place / "records").read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            record = json.loads(text)
            if "fork" in record.get("begun", ()):
                run.forks.append((len(run.trace), record["begun"]["fork"]))
            elif "begun" in record:
                begun[record["begun"]["thread"]] = record["begun"]
            elif "end" in record:
                run.ended, run.observed, run.leaked = record["end"]
            else:
                begun.pop(record["thread"], None)
                run.trace.append(record)
    run.trace += begun.values()
    run.printed = (place / "printed").read_bytes()[-SHOWN:].decode(errors="replace")
    return run


def _child(job: Job, place: Path, hold: int) -> NoReturn:
    """The whole life of a child."""
    try:
        if hasattr(gc, "freeze"):  # PyPy's collector has nothing to freeze
            gc.freeze()
        if job.syscalls:
            wait_for_tracer()
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))  # it may print without end
        records, hold = _prepared(place, hold)
        os.register_at_fork(after_in_child=lambda: os.close(hold))  # a process left behind is not the child
        if job.own_directory:
            (place / "directory").mkdir()
            os.chdir(place / "directory")
        write = writer(records, json.dumps)
        before = _descriptors()
        descriptors = Descriptors()

        def ended(record: Record) -> None:
            if record["pid"] == os.getpid():
                descriptors.follow(record)
            write(record)

        end: str | None = None
        failed: BaseException | None = None
        observed: Any = None
        try:
            observed = job.program(Sinks(ended, lambda record: write({"begun": record})))
        except SystemExit as error:
            end = None if error.code in (None, 0) else f"SystemExit: {error.code}"
        except BaseException as error:
            end = f"{type(error).__name__}: {error}"
            failed = error
        handed_out = set(descriptors.open)
        leaked = sorted((_descriptors() - before) ^ handed_out) if end is None else []
        write({"end": [end, observed, leaked]})
        if failed:
            traceback.print_exception(failed)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _prepared(place: Path, hold: int) -> tuple[int, int]:
    """Standard files that belong to the child, and the descriptors that it needs itself where they do not take
    the low numbers that the program expects."""
    records = os.open(place / "records", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    printed = os.open(place / "printed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    sys.stdout = open(1, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115 - whatever the parent had made of them
    sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    kept = out_of_the_way(records), out_of_the_way(hold)
    os.closerange(3, min(kept))
    return kept


def _descriptors() -> set[int]:
    """The open descriptors of this process."""
    with os.scandir("/dev/fd") as entries:
        listed = {int(entry.name) for entry in entries}
    return {number for number in listed if _is_open(number)}


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True

"""Running programs: each in a forked child of its own, with a deadline, its records in a file.

Whatever a program does to its process (hang, crash, exit, leak) ends in a `Run`, never in the end of the
comparison.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import resource
import secrets
import selectors
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from pysock_raw.conformance.child import LARGEST_FILE, Recording, live
from pysock_raw.conformance.keeper import Keeper
from pysock_raw.conformance.syscalls import Strace
from pysock_raw.trace import OURS, Record

DEADLINE = 30.0  # seconds; network namespaces are slow to make where many are made at once
STOPPED = ("deadline: ", "limit: ", "killed by ", "the program ")
"""How `Run.ended` begins if the program did not end by itself."""
WITHOUT_A_WORD = "the program ended its process without a word"
SHOWN = 4096  # bytes of what a program printed that a run keeps
MOST_CALLS = 100_000
ROOM = 2**16  # bytes that there have to be for what a program records and prints


@dataclass
class Run:
    """What one program did on one side."""

    trace: list[Record] = field(default_factory=list)
    forks: list[tuple[int, str]] = field(default_factory=list)
    """How many records there were when a process was forked."""
    ended: str | None = None
    """How it ended if not by itself: an exception, a signal, the deadline."""
    lacks: bool = False
    """Whether that exception comes from the side itself, which lacks something, and not from the program."""
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
    """Run the jobs, at most `workers` at a time, and yield (key, run) as they end. OSError if what they do cannot be
    written: what is left of it would make a false verdict."""
    _numbers_needed()
    free: list[_Worker] = []
    running: set[_Worker] = set()
    with _room_needed(), _directory() as root, selectors.DefaultSelector() as selector:
        os.chmod(root, 0o711)  # a program may give up its privileges and still has its own directory
        try:
            for number in range(len(jobs)):
                worker = free.pop() if free else _Worker(jobs, Path(root), deadline)
                running.add(worker)
                worker.begin(number)
                selector.register(worker.ended, selectors.EVENT_READ, worker)
                while len(running) >= workers:
                    yield from _ended(selector, running, free)
            while running:
                yield from _ended(selector, running, free)
        finally:  # also when the run is interrupted, nobody stays behind
            for worker in (*free, *running):
                worker.dismiss()


def _numbers_needed() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= most < OURS + 16:
        raise OSError(errno.EMFILE, f"a limit of {most} open files has no room for a program: ulimit -n 256")


@contextlib.contextmanager
def _room_needed() -> Iterator[None]:
    """Where there is no room, say where, and for what."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = f"{tempfile.gettempdir()} (TMPDIR can name another directory): {error.strerror}"
        raise OSError(error.errno, f"no room for the records of a program in {where}") from error


def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="pysock_raw.", ignore_cleanup_errors=True)


def _ended(selector: selectors.BaseSelector, running: set[_Worker], free: list[_Worker]) -> Iterator[tuple[Any, Run]]:
    """Wait for a program to end or to pass its deadline."""
    patience = max(0.0, min(worker.deadline for worker in running) - time.monotonic())
    ready = {key.data for key, _ in selector.select(patience)}
    for worker in [worker for worker in running if worker in ready or worker.deadline <= time.monotonic()]:
        selector.unregister(worker.ended)
        ran = worker.end(late=worker not in ready)
        running.remove(worker)
        if worker.alive:
            free.append(worker)
        else:
            worker.dismiss()
        yield worker.job.key, ran


class _Worker:
    """Runs programs one after the other, with a keeper. Their records and what they print come through files without a
    name, so that neither a full pipe nor garbage on one can stop anybody, and nobody can remove them."""

    def __init__(self, jobs: list[Job], root: Path, seconds: float) -> None:
        self.jobs, self.root, self.seconds = jobs, root, seconds
        self.deadline = 0.0
        self.alive = True
        self._mark = secrets.token_hex(8)
        self._records, self._printed = _file(), _file()
        sys.stdout.flush()
        sys.stderr.flush()
        self._keeper = Keeper(self._live)
        self.ended = self._keeper.ended

    def _live(self, number: int) -> NoReturn:
        job, files = self.jobs[number], (self._records.fileno(), self._printed.fileno())
        directory = self._place(number) / "directory" if job.own_directory else None
        live(job.program, files, self._mark, directory, job.syscalls)

    def _place(self, number: int) -> Path:
        return self.root / str(number)

    def begin(self, number: int) -> None:
        self.job, self.place = self.jobs[number], self._place(number)
        self.place.mkdir(mode=0o711, parents=True)  # a program may have removed those above
        for file in (self._records, self._printed):
            file.truncate(0)
        _fill(self._records, ROOM)
        self._records.truncate(0)
        self.deadline = time.monotonic() + self.seconds
        pid = self._keeper.begin(number)
        self._strace = Strace(pid, self.place) if self.job.syscalls and pid else None

    def end(self, late: bool) -> Run:
        """Collect what is left of the program: its status, its records, its processes."""
        status = self._keeper.end()
        self.alive = status is not None and self._keeper.guarded()
        run = _read(self._records, self._mark.encode())
        run.printed = _last(self._printed, SHOWN).decode(errors="replace")
        if self._strace:
            self._strace.finish(run.trace)
        if max(os.fstat(file.fileno()).st_size for file in (self._records, self._printed)) >= LARGEST_FILE:
            run.ended = f"limit: it printed, or recorded, {LARGEST_FILE // 2**20} MiB"
        elif len(run.trace) > MOST_CALLS:
            run.ended = f"limit: it made more than {MOST_CALLS:,} calls"
        elif late:
            run.ended = f"deadline: still running after {self.seconds:g} s"
        elif status is None:
            run.ended = "the program ended the process that waits for its end"
        elif os.WIFSIGNALED(status) and run.ended == WITHOUT_A_WORD:
            run.ended = f"killed by {_signal(os.WTERMSIG(status))}"
        if run.ended:  # for want of room, perhaps
            _fill(self._records, ROOM)
        shutil.rmtree(self.place, ignore_errors=True)  # a program may have left what cannot be removed
        return run

    def dismiss(self) -> None:
        self._keeper.dismiss()
        self._records.close()
        self._printed.close()


def _file() -> IO[bytes]:
    """A file without a name, to which several processes can write."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the child
    fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
    return file


def _fill(file: IO[bytes], size: int) -> None:
    while size:
        size -= os.write(file.fileno(), bytes(size))


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _last(file: IO[bytes], size: int) -> bytes:
    file.seek(max(0, os.fstat(file.fileno()).st_size - size))
    return file.read(size)


def _read(records: IO[bytes], mark: bytes) -> Run:
    """The run that a child wrote down. A call that began and did not end stays, without a result."""
    run = Run(ended=WITHOUT_A_WORD)
    begun: dict[int, Record] = {}
    foreign = False
    records.seek(0)
    for text in records:
        before, _, ours = text.partition(mark)
        record = _parsed(ours)
        if text.endswith(b"\n"):  # the last may have been cut off by a signal
            foreign |= bool(before) or record is None
        if record is None:
            continue
        if "fork" in record.get("begun", ()):
            run.forks.append((len(run.trace), record["begun"]["fork"]))
        elif "begun" in record:
            begun[record["begun"]["thread"]] = record["begun"]
        elif "end" in record:
            run.ended, run.lacks, run.observed, run.leaked = record["end"]
            whole = sum(call["pid"] == record["pid"] for call in run.trace)
            if whole != record["calls"]:
                run.ended = f"the program made {record['calls']:,} calls, of which {whole:,} are in its record"
        else:
            begun.pop(record["thread"], None)
            run.trace.append(record)
            if len(run.trace) > MOST_CALLS:
                break
    run.trace += begun.values()
    if foreign:
        run.ended = "the program wrote to the file of its records"
    return run


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        return cast("dict[str, Any]", json.loads(text))
    except ValueError:
        return None

"""Who does the jobs: plain C, the C backend, ctypes, the standard library, the fallback."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pysock_raw import backends
from pysock_raw.bench import Job, calls, libc, stdlib

SOURCE = Path(__file__).parents[2] / "csrc" / "bench.c"
WHO = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)  # getrusage(2): Linux has it


@dataclass(frozen=True)
class Contender:
    title: str
    run: Callable[[str, int], tuple[int, bool]]
    """Do a job so many times: the nanoseconds, and whether the kernel gave the processor to somebody else meanwhile."""


def in_python(title: str, jobs: dict[str, Job], c: Any) -> Contender:
    blocks = {name: job(c) for name, job in jobs.items()}

    def run(job: str, times: int) -> tuple[int, bool]:
        before = resource.getrusage(WHO).ru_nivcsw
        took = blocks[job](times)
        return took, resource.getrusage(WHO).ru_nivcsw > before

    return Contender(title, run)


class NotThere(Exception):
    """A contender that this machine does not have; the text says why."""


@contextmanager
def plain_c() -> Iterator[Contender]:
    """csrc/bench.c, built on the spot, as a process that is told a job and answers."""
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, "bench")
        _build(program)
        with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin
            assert process.stdout
            ask, answers = process.stdin, process.stdout

            def run(job: str, times: int) -> tuple[int, bool]:
                ask.write(f"{job} {times}\n")
                ask.flush()
                answer = answers.readline().split()
                if not answer:
                    raise RuntimeError(f"csrc/bench.c ended in the job {job}")
                return int(answer[0]), answer[1] != "0"

            yield Contender("plain C", run)


def _build(program: str) -> None:
    if not SOURCE.is_file():
        raise NotThere("csrc/bench.c is not beside this installation")
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    try:
        command = [*compiler[:1], "-std=c11", "-O2", "-o", program, str(SOURCE)]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotThere(f"there is no compiler: {compiler[0]}: {error.strerror}") from error
    if built.returncode:
        raise NotThere(f"{compiler[0]} cannot build csrc/bench.c: {built.stderr.strip().splitlines()[-1]}")


@contextmanager
def backend(side: str, title: str) -> Iterator[Contender]:
    try:
        yield in_python(title, calls.JOBS, backends.load(side))
    except ImportError as error:
        raise NotThere(str(error)) from error


@contextmanager
def by_ctypes() -> Iterator[Contender]:
    try:
        library = libc.load()
    except AttributeError as error:
        raise NotThere(f"libc: {error}") from error
    yield in_python("ctypes", calls.JOBS, library)


@contextmanager
def by_sockets() -> Iterator[Contender]:
    yield in_python("stdlib", stdlib.JOBS, None)


MAKERS: dict[str, Callable[[], AbstractContextManager[Contender]]] = {
    "plain-c": plain_c,
    "c": lambda: backend("c", "C backend"),
    "ctypes": by_ctypes,
    "stdlib": by_sockets,
    "python": lambda: backend("python", "fallback"),
}


@contextmanager
def contenders() -> Iterator[tuple[dict[str, Contender], dict[str, str]]]:
    """Those that are here, and why others are not."""
    here, missing = {}, {}
    with ExitStack() as stack:
        for name, make in MAKERS.items():
            try:
                here[name] = stack.enter_context(make())
            except NotThere as error:
                missing[name] = str(error)
        yield here, missing

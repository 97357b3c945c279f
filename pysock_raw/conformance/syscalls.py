"""The system calls that each call of a program really made, from strace.

strace attaches to the forked child of the runner before the program begins, and follows its threads and processes into
a file for each. What belongs to one call stands between two marks: system calls that do nothing, made by `Marked`
just before and after the backend's. Verdicts know nothing of it: the records only get one more key,

    "syscalls": ["accept4(3, NULL, NULL, SOCK_CLOEXEC) = 4", ...]
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pysock_raw.backends.contract import CALLS, Backend
from pysock_raw.trace import Record

BEGIN, END = "/pysock_raw/call begins", "/pysock_raw/call ends"
PATIENCE = 10.0  # seconds for strace to attach, and to end after its processes
PR_SET_PTRACER = 0x59616D61  # prctl(2): where Yama restricts ptrace, strace is no ancestor of the child
ANY_PROCESS = -1
HOUSEKEEPING = "brk,clock_gettime,futex,getpid,gettid,madvise,mprotect,mremap,munmap,rt_sigprocmask,sched_yield"
"""Of the interpreter and the allocator, at any time."""
PRIVATE_MEMORY = re.compile(r"mmap\(.*MAP_ANONYMOUS")
EXPLANATION = re.compile(r"(?<== -1 )(E\w+) \(.*\)$")


class Marked:
    """An api that marks the begin and the end of each call in strace's output."""

    def __init__(self, api: Backend) -> None:
        self._api = api
        for name in CALLS:
            setattr(self, name, _marking(getattr(api, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)


def _marking(call: Callable[..., int]) -> Callable[..., int]:
    @functools.wraps(call)
    def marked(*args: Any) -> int:
        os.access(BEGIN, os.F_OK)
        try:
            return call(*args)
        finally:
            os.access(END, os.F_OK)

    return marked


class Strace:
    """strace, attached to a process that waits for it (`wait_for_tracer`)."""

    def __init__(self, pid: int, place: Path) -> None:
        self._output = place / "strace"
        options = ["-ff", "-qq", "-a1", "-s128", "-o", str(self._output), "-e", f"trace=!{HOUSEKEEPING}"]
        self._process = subprocess.Popen(["strace", *options, "-p", str(pid)], stderr=subprocess.DEVNULL)

    def finish(self, trace: Iterable[Record]) -> None:
        """After the end of the process: give its records their system calls."""
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # a process that went into a session of its own is still traced
            self._process.terminate()
            self._process.wait()
        threads: dict[int, list[Record]] = {}
        for record in trace:
            threads.setdefault(record["thread"], []).append(record)
        for thread, records in threads.items():
            with contextlib.suppress(FileNotFoundError):  # the program may have removed it
                text = self._output.with_suffix(f".{thread}").read_text(errors="backslashreplace")
                for record, made in zip(records, between_marks(text.splitlines()), strict=False):
                    record["syscalls"] = made


def between_marks(lines: Iterable[str]) -> list[list[str]]:
    """The system calls of each call of one thread, in the order in which the calls ended; those that did not, last.
    A signal handler's calls stand within the one that it interrupted."""
    ended: list[list[str]] = []
    running: list[list[str]] = []
    for line in lines:
        if f'"{BEGIN}"' in line:
            running.append([])
        elif f'"{END}"' in line:
            ended.append(running.pop())
        elif running and not line.startswith(("---", "+++")) and not PRIVATE_MEMORY.match(line):
            running[-1].append(EXPLANATION.sub(r"\1", line))
    return ended + running[::-1]


def wait_for_tracer() -> None:
    """Let any process trace this one, and wait until one does."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(ANY_PROCESS), 0, 0, 0)
    deadline = time.monotonic() + PATIENCE
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
        if time.monotonic() > deadline:
            raise RuntimeError(f"strace did not attach within {PATIENCE:g} s")
        time.sleep(0.001)


def unavailable() -> str | None:
    """Why system calls cannot be shown here, or None. strace is tried on a child."""
    if shutil.which("strace") is None:
        return "strace is not installed (apt-get install strace, or dnf install strace)"
    pid = os.fork()
    if pid == 0:
        try:
            wait_for_tracer()
        finally:
            os._exit(0)
    attached = subprocess.run(
        ["strace", "-qq", "-o", os.devnull, "-p", str(pid)], stderr=subprocess.PIPE, text=True, errors="replace"
    )
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    if attached.returncode == 0:
        return None
    return f"strace may not trace processes here ({attached.stderr.strip() or f'status {attached.returncode}'})"

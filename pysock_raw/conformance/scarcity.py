"""Resources that run out: kernel memory for one thread, and the table of open files of the whole machine.

Each is taken under guard (guardian.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator

from pysock_raw.conformance.box import Unarranged
from pysock_raw.conformance.guardian import Undo, guarded
from pysock_raw.conformance.machine import NOBODY

PAGE = os.sysconf("SC_PAGE_SIZE")


def _few_files() -> Undo:
    """Lower the limit on the open files of the machine (proc(5)). Only processes without CAP_SYS_ADMIN feel it."""
    # The descriptor through which the limit is restored is open before it is lowered. The lock makes the next
    # guardian, of another side, wait until the usual limit is back, so that it is what is read.
    limit = os.open("/proc/sys/fs/file-max", os.O_RDWR)
    fcntl.flock(limit, fcntl.LOCK_EX)
    usual = os.read(limit, 32)
    with open("/proc/sys/fs/file-nr") as counts:
        in_use = int(counts.read().split()[0])
    if int(usual) <= in_use:
        raise Unarranged(f"the limit on open files is {int(usual)}, which is not the usual one where {in_use} are open")

    def restore() -> None:
        os.pwrite(limit, usual, 0)

    # Half of what is open, and not less: there cannot be more AF_UNIX sockets than twice the limit (unix_create1),
    # which even root would feel.
    fewer = in_use // 2
    try:
        os.pwrite(limit, str(fewer).encode(), 0)
    except BaseException:
        restore()
        raise
    return restore


@contextlib.contextmanager
def no_files() -> Iterator[None]:
    """For as long as the with lasts (and no longer than PATIENCE) nobody but root opens a file on this machine. This
    process is not root meanwhile; it is again afterwards, so that it does not feel it when another side lowers the
    limit in turn."""
    with guarded(_few_files):
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)


def memory_cgroups() -> str | None:
    """The directory of the memory controller, of the first version of cgroups: only there can one thread of a process
    have a limit of its own (cgroups(7)), so that the process does not run out of memory for anything else."""
    with open("/proc/self/mounts") as mounts:
        for _, directory, kind, options, *_ in map(str.split, mounts):
            if kind == "cgroup" and "memory" in options.split(","):
                return directory
    return None


def out_of_memory(work: Callable[[], object]) -> None:
    """Do `work` in a thread for which the kernel has no more memory: nothing of what it keeps in slabs for a process
    (inodes, sockets, files, names). A memory cgroup allows the thread one page, and open files take that up."""
    cgroup = f"{memory_cgroups()}/pysock_raw.{os.getpid()}"
    with guarded(lambda: _one_page(cgroup)):
        thread = _InOnePage(cgroup, work)
        thread.start()
        thread.join()
    if thread.error:
        raise thread.error


def _one_page(directory: str) -> Undo:
    os.mkdir(directory)

    def remove() -> None:
        # Without the OOM killer, who touches memory of its own that does not fit waits, and can now go on.
        _write(f"{directory}/memory.limit_in_bytes", "-1")
        while os.path.exists(directory):
            # A task that was killed leaves its cgroup a moment after its files are closed.
            with contextlib.suppress(OSError):
                os.rmdir(directory)
            os.sched_yield()

    try:
        # Without the OOM killer an allocation that does not fit fails, and nothing is killed.
        _write(f"{directory}/memory.oom_control", "1")
        _write(f"{directory}/memory.limit_in_bytes", str(PAGE))
    except BaseException:
        remove()
        raise
    return remove


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


class _InOnePage(threading.Thread):
    def __init__(self, cgroup: str, work: Callable[[], object]) -> None:
        super().__init__()
        self.cgroup, self.work = cgroup, work
        self.error: BaseException | None = None

    def run(self) -> None:
        enter = os.open(f"{self.cgroup}/tasks", os.O_WRONLY)
        leave = os.open(f"{os.path.dirname(self.cgroup)}/tasks", os.O_WRONLY)
        files: list[int] = []
        try:
            # What is left of a page is the CPU's.
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            os.write(enter, b"0")
            with contextlib.suppress(OSError):
                while True:
                    files.append(os.open(os.devnull, os.O_RDONLY))
            self.work()
        except BaseException as error:
            self.error = error
        finally:
            os.write(leave, b"0")
            for file in (*files, enter, leave):
                os.close(file)

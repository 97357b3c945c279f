"""A change of the machine that is undone on every path.

What outlives the process of a case (a memory cgroup, a limit of the machine, a firewall's rule) is made and unmade by a
guardian, a process of its own that undoes it when the case says so, when the case is gone in whatever way, or when it
is late.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable, Iterator

from pysock_raw.conformance.box import Unarranged

PATIENCE = 2.0  # seconds after which a guardian undoes its change in any case

Undo = Callable[[], object]


@contextlib.contextmanager
def guarded(change: Callable[[], Undo]) -> Iterator[None]:
    """Make a change that is undone on every path. The guardian is in a session of its own: neither the end of the
    case's process group nor a ^C at the terminal reaches it, and the kernel closes the pipe of a case that died."""
    (reports, report), (until, alive) = os.pipe(), os.pipe()
    guardian = os.fork()
    if guardian == 0:
        try:
            os.setsid()
            os.close(alive)
            _guard(change, report, until)
        finally:
            os._exit(0)
    os.close(report)
    os.close(until)
    try:
        said = os.read(reports, 4096).decode()
        if said != "changed":
            raise Unarranged(said or "the guardian ended without a word")
        yield
    finally:
        os.close(alive)
        os.waitpid(guardian, 0)
        os.close(reports)


def _guard(change: Callable[[], Undo], report: int, until: int) -> None:
    try:
        undo = change()
    except BaseException as error:
        os.write(report, (str(error) or type(error).__name__).encode())
        return
    try:
        os.write(report, b"changed")
        select.select([until], [], [], PATIENCE)
    finally:
        undo()

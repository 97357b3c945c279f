"""Work in a process of its own: its limits, signals, threads and descriptors are nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pysock_raw.conformance.runner import Job, run


def in_a_child(work: Callable[..., Any], *args: Any, deadline: float = 250) -> Any:
    """What a function returns (as JSON has it) in a forked child. It ends before the deadline, and closes every
    descriptor that it opens."""
    ((_, ran),) = run([Job(work.__name__, lambda sinks: work(*args))], 1, deadline)
    assert ran.ended is None, f"{work.__name__}: {ran.ended}\n{ran.printed}"
    assert ran.leaked == []
    return ran.observed

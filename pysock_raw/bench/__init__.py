"""What a call costs on each side: the same jobs by several contenders in one run, as ratios to plain C.

Every contender does the jobs of JOBS: calls.py is for those that have C's calls, stdlib.py for socket objects,
csrc/bench.c for C. measure.py runs them in turns, targets.py says what is expected of the ratios.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Block: TypeAlias = Callable[[int], int]
"""Does a job so many times and says how many nanoseconds that took, without what it prepares and clears away."""
Job: TypeAlias = Callable[[Any], Block]

JOBS: dict[str, tuple[str, int]] = {
    "socket": ("socket", 32),
    "setsockopt": ("setsockopt", 500),
    "bind": ("bind", 32),
    "listen": ("listen", 500),
    "accept": ("accept", 32),
    "connect": ("connect", 32),
    "connection": ("a TCP connection", 16),
    "tcp-echo": ("16 bytes echoed over TCP", 50),
    "unix-echo": ("16 bytes echoed over AF_UNIX", 100),
    "udp-batch": ("64 UDP packets", 8),
    "bulk": ("64 KiB through TCP", 16),
    "nothing": ("the empty loop", 500),
}
"""The title of each job, and how often it is done in one block at most: the descriptors and the queue of the listener
have a limit, and so has the time that the kernel leaves a process alone on a busy machine."""

SIX = ("socket", "setsockopt", "bind", "listen", "accept", "connect")

"""What importing costs: the processor time of an interpreter that imports, less that of one that does nothing. A
process lives too long to be left alone on a busy machine: its time by the clock would be that of the others too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

STATEMENTS = {
    "c": ("import pysock_raw", {"PYSOCK_RAW_BACKEND": "c"}),
    "ctypes": ("import ctypes", {}),
    "stdlib": ("import socket", {}),
    "python": ("import pysock_raw", {"PYSOCK_RAW_BACKEND": "python"}),
}
ROOT = Path(__file__).parents[2]


def measure(contenders: list[str], rounds: int) -> dict[str, list[float]]:
    """By contender: nanoseconds, a number for each round."""
    here = [name for name in STATEMENTS if name in contenders]
    found: dict[str, list[float]] = {name: [] for name in here}
    for name in here:
        _processor_time(*STATEMENTS[name])  # compiled by this one
    for _ in range(rounds):
        bare = _processor_time("pass", {})
        for name in here:
            found[name].append(_processor_time(*STATEMENTS[name]) - bare)
    return found


def _processor_time(statement: str, settings: dict[str, str]) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYSOCK_RAW_")}
    environment |= {"PYTHONPATH": str(ROOT), **settings}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # it would be the compiler's time
    process = os.spawnve(os.P_NOWAIT, sys.executable, [sys.executable, "-c", statement], environment)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"{sys.executable} -c {statement!r} failed")
    return (usage.ru_utime + usage.ru_stime) * 1e9

"""The account of the errnos that POSIX.1 and the Linux manual pages document for the six calls: errnos.csv.

Each row is one of

    provoked      the case named as evidence gets this errno from the kernel, for the documented reason
    differently   Linux answers something else: the case named as evidence shows what
    injected      no case gets it, or none gets it every time, for the reason given as evidence; strace's error
                  injection shows that it passes through the backends unchanged (tests/test_errnos_injected.py)
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

ACCOUNTS = ("provoked", "differently", "injected")


@dataclass(frozen=True)
class Row:
    call: str
    errno: str
    condition: str
    posix: str
    linux_man: str
    account: str
    evidence: str


def rows() -> list[Row]:
    text = (files("pysock_raw.conformance") / "errnos.csv").read_text()
    return [Row(**row) for row in csv.DictReader(text.splitlines())]

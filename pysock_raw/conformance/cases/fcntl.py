"""fcntl."""

from __future__ import annotations

import os

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, success
from pysock_raw.conformance.kinds import must, pair


@case(
    "fcntl/local/owner-is-a-group",
    "a process group that gets the signals of a descriptor is told as a negative number",
    success("fcntl(2) F_GETOWN", observed=True),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> bool:
    (one, _), group = pair(c, c.SOCK_STREAM), os.getpgrp()
    must(c, c.fcntl(one, c.F_SETOWN, -group))
    told = c.fcntl(one, c.F_GETOWN, 0)
    c.fcntl(one, c.F_SETOWN, 0)
    return told == -group

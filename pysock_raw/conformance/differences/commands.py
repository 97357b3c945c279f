"""Differences in the commands of fcntl."""

from __future__ import annotations

from pysock_raw.conformance.differences.difference import Difference
from pysock_raw.conformance.pairs import Pair, succeeded


def _owner_is_a_group(pair: Pair) -> bool:
    told = pair.call == "fcntl" and pair.argument("cmd") == "F_GETOWN"
    return told and succeeded(pair.c) and pair.other["result"] == -1


ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="fcntl-owner-is-a-group",
        title="fcntl F_GETOWN of a process group: C returns it as a negative number, Python takes that for a failure",
        c="The result is the group's id, negated (fcntl(2)).",
        python="OSError, with the errno of whatever failed before.",
        why="fcntl_fcntl_impl in fcntlmodule.c raises for every negative result, not for -1 alone",
        recipe="""\
kind, owner = struct.unpack("ii", fcntl.fcntl(fd, 16, bytes(8)))  # F_GETOWN_EX
told = -owner if kind == 2 else owner  # F_OWNER_PGRP
told if cmd == fcntl.F_GETOWN else fcntl.fcntl(fd, cmd, arg)""",
        evidence="fcntl/local/owner-is-a-group",
        predicate=_owner_is_a_group,
    ),
)

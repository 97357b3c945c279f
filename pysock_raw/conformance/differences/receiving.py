"""Differences in what a receive takes and tells."""

from __future__ import annotations

from pysock_raw.conformance.differences.difference import Difference
from pysock_raw.conformance.differences.history import earlier
from pysock_raw.conformance.verdicts import Pair, succeeded

RECEIVES = ("recv", "recvfrom", "recvmsg", "read")


def _asked_for_nothing(pair: Pair) -> bool:
    return pair.call == "recv" and pair.argument("len") == 0


def _recv_of_0_bytes(pair: Pair) -> bool:
    """recv itself answers 0 where C has an errno or a length to tell, or both answer 0 and only C took a message
    off the queue: the next receive on the descriptor shows it."""
    if _asked_for_nothing(pair):
        return bool(pair.other["result"] == 0 != pair.c["result"])
    if pair.call not in RECEIVES or not succeeded(pair.other):
        return False
    calls = (next(earlier(pair, call), None) for call in RECEIVES)
    last = max(filter(None, calls), key=lambda old: old.c["at"], default=None)
    return last is not None and _asked_for_nothing(last) and last.equal()


ENTRIES: tuple[Difference, ...] = (
    Difference(
        id="recv-of-0-bytes",
        title="recv of 0 bytes: C asks the kernel, Python answers 0 by itself",
        c="recv(fd, buf, 0, flags) is a call like any other: it fails where recv fails, and takes a datagram.",
        python="0 without a call: no error is told, and the datagram stays on the queue.",
        why="sock_recv_guts in socketmodule.c returns at once for a length of 0",
        recipe="sock.recvfrom(len, flags)[0]  # sock_recvfrom_guts makes the call",
        evidence="recv/tcp/0-bytes-unconnected",
        predicate=_recv_of_0_bytes,
        pypy=False,
    ),
)

"""What stays the same in long-lived processes: `python -m pysock_raw.bench.scale [CALLS]` shows the cost of a call with
1, 1,000 and 10,000 open descriptors, how much memory the process needs more after ten million calls, and what it costs
to trace a call.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import tempfile
import time
from socket import SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socketpair
from typing import Any

from pysock_raw.backends import load
from pysock_raw.bench import calls, ends
from pysock_raw.structures import c_int, iovec, msghdr, sockaddr_in, socklen_t
from pysock_raw.trace import Recorded, Sink, writer

DESCRIPTORS = (1, 1000, 10_000)
SHOWN = {"socket": 16, "setsockopt": 300, "tcp-echo": 20}
"""The jobs whose cost is shown, and how often each is done in a block."""


def costs(c: Any, rounds: int = 50) -> dict[int, dict[str, float]]:
    """Nanoseconds of each job by the number of open descriptors. OSError where the system does not allow so many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    blocks = {job: calls.JOBS[job](c) for job in SHOWN}
    found: dict[int, dict[str, list[float]]] = {count: {job: [] for job in SHOWN} for count in DESCRIPTORS}
    for _ in range(rounds):
        for count in DESCRIPTORS:
            others = [os.dup(0) for _ in range(count - 1)]
            for job, times in SHOWN.items():
                blocks[job](times)
                found[count][job].append(blocks[job](times) / times)
            for fd in others:
                os.close(fd)
    return {count: {job: statistics.median(took) for job, took in jobs.items()} for count, jobs in found.items()}


CALLS_OF_A_TURN = 12


def turns(c: Any, times: int) -> None:
    """Twelve calls with every kind of argument, so many times; some of them fail."""
    one, other = ends.fds(socketpair(type=SOCK_STREAM))
    listener, address = ends.listening()
    option, peer, length, data, room = c_int(1), sockaddr_in(), socklen_t(16), bytes(16), bytearray(16)
    out, into = msghdr(msg_iov=iovec(data, 16), msg_iovlen=1), msghdr(msg_iov=iovec(room, 16), msg_iovlen=1)
    for _ in range(times):
        c.setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, option, 4)
        c.bind(listener, address, 16)
        c.connect(-1, address, 16)
        c.getsockname(listener, peer, length)
        c.accept(-1, peer, length)
        c.send(one, data, 16, 0)
        c.recv(other, room, 16, 0)
        c.write(one, memoryview(data), 16)
        c.read(other, memoryview(room), 16)
        c.sendmsg(one, out, 0)
        c.recvmsg(other, into, 0)
        c.getsockopt(listener, SOL_SOCKET, SO_REUSEADDR, peer, length)
        length.value = 16
    for fd in (one, other, listener):
        c.close(fd)


def growth(c: Any, count: int) -> float:
    """How many MiB the process needs more at its most after so many calls than after a hundredth of them."""
    unit = 2**20 if sys.platform == "darwin" else 2**10  # getrusage(2): ru_maxrss in bytes there, in KiB elsewhere
    turns(c, max(count // CALLS_OF_A_TURN // 100, 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    turns(c, max(count // CALLS_OF_A_TURN, 1))
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit


def tracing(c: Any, rounds: int = 20) -> tuple[float, float]:
    """Microseconds of processor time that it takes to record a call, and to write the record to a file as well."""
    with tempfile.TemporaryFile() as file:
        sinks: tuple[Sink, Sink] = (lambda record: None, writer(file.fileno(), json.dumps))
        contenders = (c, *(Recorded(c, sink) for sink in sinks))
        found: list[list[float]] = [[] for _ in contenders]
        for _ in range(rounds):
            for contender, times in zip(contenders, found, strict=True):
                started = time.process_time_ns()
                turns(contender, 100)
                times.append((time.process_time_ns() - started) / (100 * CALLS_OF_A_TURN * 1000))
    bare, recorded, written = map(statistics.median, found)
    return recorded - bare, written - bare


def main() -> None:
    c, count = load("c"), int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    for descriptors, jobs in costs(c).items():
        said = ", ".join(f"{job} {took:,.0f} ns" for job, took in jobs.items())
        print(f"{descriptors:>6,} open descriptors: {said}")
    print(f"{count:,} calls: {growth(c, count):.1f} MiB more")
    recorded, written = tracing(c)
    print(f"tracing a call: {recorded:.1f} µs to record it, {written:.1f} µs to write it to a file as well")


if __name__ == "__main__":
    main()

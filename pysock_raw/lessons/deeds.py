"""What the processes of a lesson do besides the calls of sockets: signals, and starting a program."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from pysock_raw.trace import out_of_the_way


class Deeds:
    """Named and used as the calls of C are; each returns what C's returns."""

    def __init__(self, caught: Callable[[], None]) -> None:
        self._caught = caught
        self._input: dict[int, int] = {}
        """What a program that was started reads from, by its process."""

    def kill(self, pid: int, name: str) -> int:
        os.kill(pid, getattr(signal, name))
        return 0

    def sigaction(self, name: str, action: dict[str, Any], old: None) -> int:
        """sa_handler is "note" or "SIG_DFL", sa_flags "SA_RESTART" or 0 (which Python takes by itself)."""
        number = getattr(signal, name)
        if action["sa_handler"] == "SIG_DFL":
            signal.signal(number, signal.SIG_DFL)
        else:
            signal.signal(number, lambda number, frame: self._caught())
            signal.siginterrupt(number, action["sa_flags"] != "SA_RESTART")
        return 0

    def unlink(self, path: bytes) -> int:
        os.unlink(path)
        return 0

    def posix_spawnp(self, pid: list[int], program: bytes, *rest: Any) -> int:
        """Start a program that copies its input to its output, and wait until it really runs: only then exec has
        closed what it closes. The pipes have high numbers, out of the lesson's way."""
        ends = [out_of_the_way(end) for end in (*os.pipe(), *os.pipe())]
        reads, ours, answer, writes = ends
        moves = [(os.POSIX_SPAWN_DUP2, reads, 0), (os.POSIX_SPAWN_DUP2, writes, 1)]
        pid[0] = os.posix_spawnp(program, [program], os.environ, file_actions=moves)
        os.write(ours, b"!")
        os.read(answer, 1)
        for end in (reads, answer, writes):
            os.close(end)
        self._input[pid[0]] = ours
        return 0

    def waitpid(self, pid: int, status: None, options: int) -> int:
        """Let a program that was started end, and wait for that."""
        os.close(self._input.pop(pid))
        return os.waitpid(pid, options)[0]


def ask_socket(fd: int) -> dict[str, Any]:
    """What only the process that has a socket can ask: its address (None without one), and of TCP_INFO tcpi_state,
    tcpi_unacked and tcpi_sacked; for a listener the last two are how many wait in its queue, and its backlog."""
    sock = socket.socket(fileno=fd)
    try:
        return {"local": _address(sock), "tcp_info": _tcp_info(sock)}
    finally:
        sock.detach()


def _address(sock: socket.socket) -> dict[str, Any] | None:
    if sock.family == socket.AF_UNIX or not sock.getsockname()[1]:
        return None
    host, port, *_ = sock.getsockname()
    return {"family": sock.family.name, "addr": host, "port": port}


def _tcp_info(sock: socket.socket) -> tuple[int, int, int] | None:
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    except OSError:
        return None  # it is none of TCP
    unacked, sacked = memoryview(info)[24:32].cast("I")
    return info[0], unacked, sacked

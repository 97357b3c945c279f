"""Many connections, threads, signals and calls: every connection is accounted for, and every errno is the right one.

Each scenario runs in a process of its own. Its clients send the number of their connection; the server must see every
number once.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from child import in_a_child
from conftest import FULL
from scenario import connected, ended_well, forked, into, listening, must, pair, said, together

from pysock_raw.bench import scale
from pysock_raw.structures import c_int, pollfd, sizeof, sockaddr_in, sockaddr_un, socklen_t

AT_ONCE = 10_000 if FULL else 1000
IN_A_ROW = 200_000 if FULL else 5000
BY_THREADS = 20_000 if FULL else 2000
ERRORS = 20_000 if FULL else 500
CALLS = 10_000_000 if FULL else 200_000
THREADS = 64

pytestmark = [pytest.mark.stress, pytest.mark.timeout(1800)]


# --- connections ---


def open_at_once(api: Any, count: int) -> int:
    """The clients are another process, so that both need only `count` descriptors. They reset when all are there."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 300, max(hard, count + 300)))
    listener, address = listening(api)
    go, say_go = os.pipe()

    def clients() -> None:
        os.close(say_go)
        for number in range(count):
            connected(api, address, number)
        os.read(go, 1)  # the end

    pid = forked(clients)
    os.close(go)
    accepted = [must(api, api.accept(listener, None, None)) for _ in range(count)]
    assert sorted(said(api, fd) for fd in accepted) == list(range(count))
    assert len(set(accepted)) == count
    os.close(say_go)
    assert ended_well(pid)
    for fd in accepted:
        assert (api.recv(fd, bytearray(1), 1, 0), api.get_errno()) == (-1, errno.ECONNRESET)
        must(api, api.close(fd))
    must(api, api.close(listener))
    return len(accepted)


def test_connections_open_at_once(api: Any, figure: Any) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if os.geteuid() != 0 and hard < AT_ONCE + 300:
        pytest.skip(f"this process may open {hard} descriptors (ulimit -Hn), and needs {AT_ONCE + 300}")
    figure(
        f"load, {api.name}: {in_a_child(open_at_once, api, AT_ONCE):,} connections open at once through one listener"
    )


def in_a_row(api: Any, count: int) -> float:
    listener, address = listening(api)
    started = time.monotonic()
    for number in range(count):
        client = connected(api, address, number)
        ours, theirs, length = sockaddr_in(), sockaddr_in(), socklen_t(16)
        server = must(api, api.accept(listener, theirs, length))
        must(api, api.getsockname(client, ours, length))
        assert bytes(ours) == bytes(theirs)
        assert said(api, server) == number
        must(api, api.close(client))
        must(api, api.close(server))
    must(api, api.close(listener))
    return count / (time.monotonic() - started)


def test_connections_in_a_row(api: Any, figure: Any) -> None:
    rate = in_a_child(in_a_row, api, IN_A_ROW, deadline=900)
    figure(f"load, {api.name}: {IN_A_ROW:,} connections in a row, {rate:,.0f} a second")


def accepting_threads(api: Any, count: int, clients: int = 8) -> int:
    """Each client waits for the server's answer, so that all are accepted when the last one ends."""
    listener, address = listening(api)
    accepted: list[int] = []
    ends: list[tuple[int, int]] = []

    def accept(_: int) -> None:
        while (fd := api.accept(listener, None, None)) >= 0:
            accepted.append(said(api, fd))
            assert api.send(fd, b"!", 1, 0) == 1
            must(api, api.close(fd))
        ends.append((fd, api.get_errno()))

    def connect(first: int) -> None:
        for number in range(first, count, clients):
            fd = connected(api, address, number)
            assert must(api, api.recv(fd, bytearray(1), 1, 0)) == 1
            must(api, api.close(fd))

    pid = forked(lambda: together(connect, clients))
    closing = threading.Thread(target=lambda: (os.waitpid(pid, 0), api.shutdown(listener, api.SHUT_RDWR)))
    closing.start()
    together(accept, THREADS)
    closing.join()
    must(api, api.close(listener))
    assert ends == [(-1, errno.EINVAL)] * THREADS  # accept(2): not listening any more
    assert sorted(accepted) == list(range(count))
    return len(accepted)


def test_threads_that_accept(api: Any, figure: Any) -> None:
    accepted = in_a_child(accepting_threads, api, BY_THREADS)
    figure(f"load, {api.name}: {accepted:,} connections accepted by {THREADS} threads on one listener, each once")


# --- signals ---


def receiving(api: Any, call: Callable[[int], int]) -> tuple[Callable[[], int], Callable[[], object]]:
    near, far = pair()
    return lambda: call(near), lambda: os.write(far, b"data")


def accepting(api: Any) -> tuple[Callable[[], int], Callable[[], object]]:
    listener, address = listening(api)
    return lambda: int(api.accept(listener, None, None) >= 0) or -1, lambda: connected(api, address, 1)


def polling(api: Any) -> tuple[Callable[[], int], Callable[[], object]]:
    near, far = pair()
    return lambda: api.poll(pollfd(near, api.POLLIN), 1, -1), lambda: os.write(far, b"data")


def sending(api: Any) -> tuple[Callable[[], int], Callable[[], object]]:
    near, far = pair()
    while api.send(near, bytes(4096), 4096, api.MSG_DONTWAIT) > 0:
        pass
    return lambda: api.send(near, b"data", 4, 0), lambda: os.read(far, 2**20)


def connecting(api: Any) -> tuple[Callable[[], int], Callable[[], object]]:
    """unix(7): with a full queue, connect waits."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(b"")  # any abstract name
    listener.listen(0)
    path = listener.getsockname()
    clients = [must(api, api.socket(api.AF_UNIX, api.SOCK_STREAM, 0)) for _ in range(2)]
    address = sockaddr_un(api.AF_UNIX, path)
    must(api, api.connect(clients[0], address, 2 + len(path)))
    return lambda: api.connect(clients[1], address, 2 + len(path)), listener.accept


BLOCKING: dict[str, tuple[Callable[[Any], tuple[Callable[[], int], Callable[[], object]]], int]] = {
    "accept": (accepting, 1),
    "connect": (connecting, 0),
    "poll": (polling, 1),
    "read": (lambda api: receiving(api, lambda fd: api.read(fd, bytearray(4), 4)), 4),
    "recv": (lambda api: receiving(api, lambda fd: api.recv(fd, bytearray(4), 4, 0)), 4),
    "recvmsg": (lambda api: receiving(api, lambda fd: api.recvmsg(fd, into(4), 0)), 4),
    "send": (sending, 4),
}


def under_signals(api: Any, kind: str, times: int) -> tuple[int, int]:
    """Signals at 1 kHz, of which the last one's handler ends the wait: how often the call was interrupted, and what it
    returned. It is made again after EINTR, as a program in C does."""
    call, end = BLOCKING[kind][0](api)
    signals = 0

    def handle(*_: object) -> None:
        nonlocal signals
        signals += 1
        if signals == times:
            signal.setitimer(signal.ITIMER_REAL, 0)
            end()

    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    interrupted = 0
    while (result := call()) == -1:
        assert api.get_errno() == errno.EINTR, errno.errorcode[api.get_errno()]
        interrupted += 1
    assert signals == times
    os.closerange(3, 100)
    return interrupted, result


def test_signals_at_1_khz(api: Any, figure: Any) -> None:
    """signal(7): EINTR each time. The fallback sees it of connect alone: the interpreter makes the others again (PEP
    475)."""
    times, interrupted = 1000 if FULL else 100, {}
    for kind, (_, expected) in BLOCKING.items():
        interrupted[kind], result = in_a_child(under_signals, api, kind, times)
        assert result == expected
    assert {kind for kind, count in interrupted.items() if count} == (set(BLOCKING) if api.name == "c" else {"connect"})
    assert all(count == 0 or times // 2 <= count <= times for count in interrupted.values())
    counts = ", ".join(f"{kind} {count}" for kind, count in interrupted.items())
    figure(f"load, {api.name}: {times:,} signals at 1 kHz during each call; EINTR, and nothing else: {counts}")


def served_under_signals(api: Any, count: int) -> int:
    """One connection after the other while signals come at 1 kHz, each with its number; how often they interrupted."""
    listener, address = listening(api)

    def connect() -> None:
        for number in range(count):
            fd = connected(api, address, number)
            assert must(api, api.recv(fd, bytearray(1), 1, 0)) == 1
            must(api, api.close(fd))

    interrupted = 0

    def again(call: Callable[..., int], *args: Any) -> int:
        nonlocal interrupted
        while (result := call(*args)) == -1:
            assert api.get_errno() == errno.EINTR, errno.errorcode[api.get_errno()]
            interrupted += 1
        return result

    pid = forked(connect)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    for number in range(count):
        fd, room = again(api.accept, listener, None, None), bytearray(4)
        assert again(api.recv, fd, room, 4, api.MSG_WAITALL) == 4
        assert int.from_bytes(room, "big") == number
        assert again(api.send, fd, b"!", 1, 0) == 1
        must(api, api.close(fd))
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert ended_well(pid)
    must(api, api.close(listener))
    return interrupted


def test_connections_are_served_under_signals(api: Any, figure: Any) -> None:
    interrupted = in_a_child(served_under_signals, api, BY_THREADS, deadline=900)
    assert bool(interrupted) == (api.name == "c")
    figure(
        f"load, {api.name}: {BY_THREADS:,} connections served while signals came at 1 kHz, {interrupted:,} times EINTR"
    )


# --- errno ---


def errors(api: Any) -> list[tuple[Callable[[], int], int]]:
    """Calls that fail, each with an errno of its own (section ERRORS of their manual pages)."""
    stream = must(api, api.socket(api.AF_INET, api.SOCK_STREAM, 0))
    datagram = must(api, api.socket(api.AF_INET, api.SOCK_DGRAM, 0))
    (near, _), (broken, gone), (file, _) = pair(), pair(), os.pipe()
    os.close(gone)
    room = bytearray(4)
    nowhere = sockaddr_un(api.AF_UNIX, b"/no/such/path")
    local = must(api, api.socket(api.AF_UNIX, api.SOCK_STREAM, 0))
    return [
        (lambda: api.close(-1), errno.EBADF),
        (lambda: api.socket(-2, api.SOCK_STREAM, 0), errno.EAFNOSUPPORT),
        (lambda: api.socket(api.AF_INET, api.SOCK_STREAM, 99), errno.EPROTONOSUPPORT),
        (lambda: api.listen(datagram, 1), errno.EOPNOTSUPP),
        (lambda: api.accept(stream, None, None), errno.EINVAL),
        (lambda: api.recv(file, room, 4, 0), errno.ENOTSOCK),
        (lambda: api.getpeername(stream, bytearray(16), socklen_t(16)), errno.ENOTCONN),
        (lambda: api.recv(near, room, 4, api.MSG_DONTWAIT), errno.EAGAIN),
        (lambda: api.send(broken, b"data", 4, api.MSG_NOSIGNAL), errno.EPIPE),
        (lambda: api.connect(local, nowhere, sizeof(nowhere)), errno.ENOENT),
        (lambda: api.getsockopt(stream, api.SOL_SOCKET, 9999, c_int(), socklen_t(4)), errno.ENOPROTOOPT),
        (lambda: api.bind(stream, None, 16), errno.EFAULT),
    ]


def errno_under_contention(api: Any, times: int) -> int:
    sys.setswitchinterval(1e-6)
    provoked = errors(api)

    def provoke(number: int) -> None:
        for turn in range(number, number + times):
            call, expected = provoked[turn % len(provoked)]
            assert call() == -1
            assert api.get_errno() == expected, f"{errno.errorcode[api.get_errno()]}, not {errno.errorcode[expected]}"

    together(provoke, THREADS)
    os.closerange(3, 100)
    return THREADS * times


def test_errno_is_each_threads_own(api: Any, figure: Any) -> None:
    failures = in_a_child(errno_under_contention, api, ERRORS, deadline=900)
    figure(f"load, {api.name}: {failures:,} failures in {THREADS} threads at once, each with the errno of its turn")


# --- long lives ---


def test_memory_of_a_long_lived_process(api: Any, figure: Any) -> None:
    grown = in_a_child(scale.growth, api, CALLS, deadline=1500)
    assert grown < 1
    figure(f"load, {api.name}: {CALLS:,} calls in one process: {grown:.1f} MiB more")

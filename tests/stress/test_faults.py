"""What goes wrong around a call: a fork in the middle, no more descriptors, a peer that resets.

A disk that is full while a report is written is in tests/test_reports.py, interpreters that end in
tests/test_interpreters.py.
"""

from __future__ import annotations

import errno
import random
import resource
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from child import in_a_child
from conftest import FULL
from scenario import RESET, connected, ended_well, forked, into, listening, must, pair, said

from pysock_raw.structures import iovec, msghdr, pollfd, sockaddr_in, socklen_t

FORKS = 500 if FULL else 50
CLIENTS = 2000 if FULL else 300
RESETS = 10_000 if FULL else 500

pytestmark = [pytest.mark.stress, pytest.mark.timeout(900)]


# --- a fork in the middle ---


def forks_in_the_middle(api: Any, count: int) -> int:
    """Threads wait in accept and send and receive without end while their process forks; each child is a client, and
    uses the structures that the threads were using."""
    listener, address = listening(api)
    near, far = pair()
    told, heard = msghdr(msg_iov=iovec(b"data", 4), msg_iovlen=1), into(4)
    accepted: list[int] = []
    over = threading.Event()

    def accept() -> None:
        while (fd := api.accept(listener, None, None)) >= 0:
            accepted.append(said(api, fd))
            assert api.send(fd, b"!", 1, 0) == 1
            must(api, api.close(fd))

    def talk() -> None:
        while not over.is_set():
            assert (api.sendmsg(near, told, 0), api.recvmsg(far, heard, 0)) == (4, 4)

    def client(number: int) -> Callable[[], None]:
        def work() -> None:
            one, other = pair()
            assert (api.sendmsg(one, told, 0), api.recvmsg(other, heard, 0)) == (4, 4)
            fd = connected(api, address, number)
            assert api.recv(fd, bytearray(1), 1, 0) == 1
            assert (api.close(-1), api.get_errno()) == (-1, errno.EBADF)

        return work

    threads = [threading.Thread(target=accept) for _ in range(4)] + [threading.Thread(target=talk)]
    for thread in threads:
        thread.start()
    for first in range(0, count, 10):
        children = [forked(client(number)) for number in range(first, min(first + 10, count))]
        assert [ended_well(pid) for pid in children] == [True] * len(children)
    over.set()
    assert api.shutdown(listener, api.SHUT_RDWR) == 0
    for thread in threads:
        thread.join()
    for fd in (listener, near, far):
        must(api, api.close(fd))
    assert sorted(accepted) == list(range(count))
    return count


def test_fork_in_the_middle(api: Any, figure: Any) -> None:
    forks = in_a_child(forks_in_the_middle, api, FORKS)
    figure(f"faults, {api.name}: {forks:,} forks while threads were in calls, each child's connection accounted for")


# --- no more descriptors ---


def exhausted(api: Any, count: int, most: int = 64) -> int:
    """A server with few descriptors takes what it can, serves that, and goes on: how often there were no more. EMFILE
    leaves a connection in the queue."""
    listener, address = listening(api)

    def clients() -> None:
        for fd in [connected(api, address, number) for number in range(count)]:
            assert api.recv(fd, bytearray(1), 1, 0) == 1

    pid = forked(clients)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    served: list[int] = []
    waiting: list[int] = []
    refusals = 0
    while len(served) < count:
        fd = api.accept(listener, None, None)
        if fd >= 0:
            waiting.append(fd)
        else:
            assert api.get_errno() == errno.EMFILE, errno.errorcode[api.get_errno()]
            refusals += 1
        if fd == -1 or len(served) + len(waiting) == count:
            for fd in waiting:
                served.append(said(api, fd))
                assert api.send(fd, b"!", 1, 0) == 1
                must(api, api.close(fd))
            waiting.clear()
    assert ended_well(pid)
    must(api, api.close(listener))
    assert sorted(served) == list(range(count))
    return refusals


def test_descriptors_run_out_and_come_back(api: Any, figure: Any) -> None:
    refusals = in_a_child(exhausted, api, CLIENTS)
    assert refusals >= CLIENTS // 64
    figure(f"faults, {api.name}: no descriptor left {refusals:,} times, and all of {CLIENTS:,} connections served")


# --- a peer that resets ---


class Served:
    """A server's steps with one connection."""

    def __init__(self, api: Any, listener: int) -> None:
        self.api, self.listener, self.fd = api, listener, -1
        self.steps: dict[str, Callable[[], int]] = {
            "accept": self.accept,
            "getpeername": lambda: api.getpeername(self.fd, sockaddr_in(), socklen_t(16)),
            "recv": lambda: api.recv(self.fd, bytearray(16), 16, 0),
            "send": lambda: api.send(self.fd, b"x", 1, api.MSG_NOSIGNAL),
            "send again": lambda: api.send(self.fd, b"x", 1, api.MSG_NOSIGNAL),
            "shutdown": lambda: api.shutdown(self.fd, api.SHUT_WR),
            "recv again": lambda: api.recv(self.fd, bytearray(16), 16, api.MSG_DONTWAIT),
            "close": lambda: api.close(self.fd),
        }

    def accept(self) -> int:
        self.fd = must(self.api, self.api.accept(self.listener, None, None))
        return 0

    def step(self, name: str) -> str:
        result = self.steps[name]()
        return str(result) if result >= 0 else errno.errorcode[self.api.get_errno()]


AFTER_A_RESET = {
    "accept": "0 ENOTCONN 5 ECONNRESET EPIPE ENOTCONN 0 0",
    "getpeername": "0 ENOTCONN 5 ECONNRESET EPIPE ENOTCONN 0 0",
    "recv": "0 0 5 ECONNRESET EPIPE ENOTCONN 0 0",
    "send": "0 0 5 ECONNRESET EPIPE ENOTCONN 0 0",
    "send again": "0 0 5 1 ECONNRESET ENOTCONN 0 0",
    "shutdown": "0 0 5 1 1 ENOTCONN ECONNRESET 0",
    "recv again": "0 0 5 1 1 0 ECONNRESET 0",
    "close": "0 0 5 1 1 0 EAGAIN 0",
}
"""What the steps answer when the reset comes before one of them: ENOTCONN where there is no peer (getpeername(2),
shutdown(2)); what had come is still read; ECONNRESET once, from the first call that asks, because it is a pending error
(tcp(7)); then EPIPE for writing (send(2)) and the end of the data for reading."""


def reset_before(api: Any, moment: str) -> str:
    listener, address = listening(api)
    client = socket.create_connection(("127.0.0.1", socket.ntohs(address.sin_port)))
    client.sendall(b"hello")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes(RESET))
    served, answers = Served(api, listener), []
    for name in served.steps:
        if name == moment:
            client.close()
            if served.fd >= 0:
                assert api.poll(pollfd(served.fd, 0), 1, -1) == 1  # POLLHUP
        answers.append(served.step(name))
    client.close()
    must(api, api.close(listener))
    return " ".join(answers)


@pytest.mark.parametrize("moment", AFTER_A_RESET)
def test_a_peer_that_resets_before_each_step(moment: str, api: Any) -> None:
    assert in_a_child(reset_before, api, moment) == AFTER_A_RESET[moment]


POSSIBLE = {
    "getpeername": {"0", "ENOTCONN"},
    "recv": {"5", "ECONNRESET"},
    "send": {"1", "ECONNRESET", "EPIPE"},
    "send again": {"1", "ECONNRESET", "EPIPE"},
    "shutdown": {"0", "ENOTCONN"},
    "recv again": {"0", "EAGAIN", "ECONNRESET"},
}


def reset_at_any_moment(api: Any, count: int) -> dict[str, int]:
    """The peer is another process and resets after so many turns of a loop: how often each step answered what."""
    listener, address = listening(api)

    def clients() -> None:
        draw = random.Random(1)
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", socket.ntohs(address.sin_port)))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes(RESET))
            client.sendall(b"hello")
            for _ in range(draw.randrange(1000)):
                pass
            client.close()

    pid = forked(clients)
    answers: Counter[str] = Counter()
    for _ in range(count):
        served = Served(api, listener)
        for name in served.steps:
            answer = served.step(name)
            assert answer in POSSIBLE.get(name, {"0"}), f"{name}: {answer}"
            answers[answer] += 1
    assert ended_well(pid)
    must(api, api.close(listener))
    return answers


def test_a_peer_that_resets_at_any_moment(api: Any, figure: Any) -> None:
    answers = in_a_child(reset_at_any_moment, api, RESETS)
    seen = ", ".join(f"{name} {count:,}" for name, count in answers.items() if name.startswith("E"))
    figure(f"faults, {api.name}: {RESETS:,} connections reset at any moment, all accepted: {seen}, and nothing else")

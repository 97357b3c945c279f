"""A connect that waits, and what ends the wait."""

from __future__ import annotations

import signal

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box, when_asleep, when_waiting
from pysock_raw.conformance.case import case, error, success
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_SEQPACKET,
    TCP,
    Kind,
    inet,
    must,
    option,
    peer_of,
    same_address,
    set_option,
)
from pysock_raw.conformance.waits import full_listener
from pysock_raw.conformance.wire import ACK, SYN, THERE, Wire
from pysock_raw.trace_values import errno_name


def _impatient(c: Backend, kind: Kind, seconds: float) -> int:
    fd = kind.socket(c)
    patience = c.timeval(tv_sec=int(seconds), tv_usec=int(seconds % 1 * 1_000_000))
    must(c, c.setsockopt(fd, c.SOL_SOCKET, c.SO_SNDTIMEO, patience, 16))
    return fd


@case(
    "connect/tcp/already-trying",
    "a second connect while the first is under way",
    error("EALREADY", "POSIX.1 connect", observed="EINPROGRESS"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> str:
    _, address = full_listener(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    said = errno_name(c.get_errno())
    c.connect(ours, *address)
    return said


def _waits(kind: Kind, expired: str, source: str) -> None:
    @case(
        f"connect/{kind.name}/send-timeout-expires",
        "SO_SNDTIMEO limits how long connect waits",
        error(expired, source),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        _, address = full_listener(c, kind)
        c.connect(_impatient(c, kind, 0.01), *address)


_waits(TCP, "EINPROGRESS", "socket(7) SO_SNDTIMEO; connect(2)")
_waits(LOCAL, "EAGAIN", "socket(7) SO_SNDTIMEO; connect(2)")
_waits(LOCAL_SEQPACKET, "EAGAIN", "socket(7) SO_SNDTIMEO; connect(2)")


def _local_waits(kind: Kind) -> None:
    @case(
        f"connect/{kind.name}/full-queue",
        "without blocking there is no waiting for room in the queue, and no connection in progress either",
        error("EAGAIN", "connect(2) EAGAIN", observed="ENOTCONN"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> str:
        _, address = full_listener(c, kind)
        ours = kind.socket(c, c.SOCK_NONBLOCK)
        c.connect(ours, *address)
        c.getpeername(ours, c.sockaddr_un(), c.socklen_t(110))
        return errno_name(c.get_errno())

    @case(
        f"connect/{kind.name}/waits-for-room",
        "connect waits for room in the queue, and goes on when somebody accepts",
        success("unix(7); an experiment: unix_wait_for_peer"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        server, address = full_listener(c, kind)
        box.helper(lambda: when_asleep(box.pid, lambda: must(c, c.accept(server, None, None))))
        c.connect(kind.socket(c), *address)

    @case(
        f"connect/{kind.name}/restarted-after-a-signal",
        "with SA_RESTART the handler runs and connect goes on",
        success("signal(7): restarted if SA_RESTART was used", observed=1),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> int:
        server, address = full_listener(c, kind)
        handled: list[int] = []
        signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(number))
        signal.siginterrupt(signal.SIGUSR1, False)
        box.undisturbed(signal.SIGUSR1, then=lambda: must(c, c.accept(server, None, None)))
        c.connect(kind.socket(c), *address)
        return len(handled)

    @case(
        f"connect/{kind.name}/never-restarted-with-a-timeout",
        "with SO_SNDTIMEO a caught signal ends connect, SA_RESTART or not",
        error("EINTR", "signal(7): never restarted where SO_SNDTIMEO is set"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        _, address = full_listener(c, kind)
        box.interrupt(then=lambda: None, restart=True)
        c.connect(_impatient(c, kind, 100), *address)

    @case(
        f"connect/{kind.name}/woken-by-the-listeners-end",
        "a connect that waits for room is refused when the listener is closed",
        error("ECONNREFUSED", "unix(7); an experiment: unix_release_sock wakes who waits in unix_wait_for_peer"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        server, address = full_listener(c, kind)
        ours = kind.socket(c)
        box.thread(lambda: when_waiting(ours, lambda: must(c, c.close(server))))
        c.connect(ours, *address)

    @case(
        f"connect/{kind.name}/not-woken-by-close",
        "close in another thread does not end a connect that waits: it still gets its connection",
        success("close(2) on multithreaded programs; an experiment"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        server, address = full_listener(c, kind)
        ours = kind.socket(c)

        def close_and_accept() -> None:
            must(c, c.close(ours))
            kind.socket(c)  # the number is another socket's now
            must(c, c.accept(server, None, None))

        box.thread(lambda: when_waiting(ours, close_and_accept))
        c.connect(ours, *address)


_local_waits(LOCAL)
_local_waits(LOCAL_SEQPACKET)


@case(
    "connect/tcp/interrupted-and-completes",
    "a caught signal ends connect, and the connection then completes by itself",
    error("EINTR", "POSIX.1 connect; signal(7)", observed=[1, 0, True]),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> list[object]:
    wire = Wire(box)
    ours = TCP.socket(c)
    box.interrupt(then=lambda: wire.answer(wire.read(), SYN | ACK))
    address = inet(c, THERE, 9)
    c.connect(ours, *address)
    completed = c.poll(c.pollfd(fd=ours, events=c.POLLOUT), 1, -1)
    return [completed, option(c, ours, c.SOL_SOCKET, c.SO_ERROR), same_address(peer_of(c, ours, TCP), address)]


@case(
    "connect/tcp/restarted-after-a-signal",
    "with SA_RESTART the handler runs and connect goes on to wait for the same connection",
    success("signal(7): restarted if SA_RESTART was used", observed=1),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> int:
    wire = Wire(box)
    handled: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(number))
    signal.siginterrupt(signal.SIGUSR1, False)
    box.undisturbed(signal.SIGUSR1, then=lambda: wire.answer(wire.read(), SYN | ACK))
    c.connect(TCP.socket(c), *inet(c, THERE, 9))
    return len(handled)


@case(
    "connect/tcp/in-progress-then-established",
    "without blocking connect is in progress until the answer comes, and poll says when",
    error("EINPROGRESS", "POSIX.1 connect; connect(2)", observed=[0, 1, 0]),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> list[int]:
    wire = Wire(box)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *inet(c, THERE, 9))
    entry = c.pollfd(fd=ours, events=c.POLLOUT)
    before = c.poll(entry, 1, 0)
    wire.answer(wire.read(), SYN | ACK)
    return [before, c.poll(entry, 1, -1), option(c, ours, c.SOL_SOCKET, c.SO_ERROR)]


@case(
    "connect/tcp/woken-by-shutdown",
    "shutdown of the socket ends its connect",
    error("ECONNRESET", "an experiment: inet_shutdown, tcp_disconnect in TCP_SYN_SENT"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    _, address = full_listener(c, TCP)
    ours = TCP.socket(c)
    box.thread(lambda: when_waiting(ours, lambda: must(c, c.shutdown(ours, c.SHUT_RDWR))))
    c.connect(ours, *address)


@case(
    "connect/tcp/not-woken-by-close",
    "close in another thread does not end a connect that waits: it still gets its connection",
    success("close(2) on multithreaded programs; an experiment"),
    needs=["linux", "netns", "tun"],
)
def _(c: Backend, box: Box) -> None:
    wire = Wire(box)
    ours = TCP.socket(c)

    def close_and_answer() -> None:
        must(c, c.close(ours))
        wire.answer(wire.read(), SYN | ACK)

    box.thread(lambda: when_waiting(ours, close_and_answer))
    c.connect(ours, *inet(c, THERE, 9))


@case(
    "connect/tcp/shutdown-while-trying",
    "shutdown of a socket that is connecting gives the attempt up: SO_ERROR says reset, and it can connect again",
    error(
        "EINPROGRESS",
        "an experiment: inet_shutdown, tcp_disconnect in TCP_SYN_SENT",
        observed=["EINPROGRESS", 0, "ECONNRESET"],
    ),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[object]:
    _, address = full_listener(c, TCP)
    ours = TCP.socket(c, c.SOCK_NONBLOCK)
    c.connect(ours, *address)
    said = errno_name(c.get_errno())
    ended = c.shutdown(ours, c.SHUT_RDWR)
    number = option(c, ours, c.SOL_SOCKET, c.SO_ERROR)
    c.connect(ours, *address)
    return [said, ended, errno_name(number)]


def _unanswered(id: str, shows: str, abort_on_overflow: bool, needs: list[str]) -> None:
    @case(
        f"connect/tcp/{id}",
        shows,
        error("ETIMEDOUT", "POSIX.1 connect; tcp(7) TCP_USER_TIMEOUT"),
        needs=["linux", *needs],
        slow=True,  # the kernel repeats its first request after 1 s, and only then looks at how long it may try
    )
    def _(c: Backend, box: Box) -> None:
        if abort_on_overflow:
            machine.network()
            machine.setting("ipv4/tcp_abort_on_overflow", "1")
        _, address = full_listener(c, TCP)
        ours = TCP.socket(c)
        must(c, set_option(c, ours, c.IPPROTO_TCP, c.TCP_SYNCNT, 1))
        must(c, set_option(c, ours, c.IPPROTO_TCP, c.TCP_USER_TIMEOUT, 1))
        c.connect(ours, *address)


_unanswered("nobody-answers", "requests that are dropped end the attempt after a while", False, [])
_unanswered(
    "nobody-answers-on-overflow", "tcp_abort_on_overflow does not answer a request to a full queue", True, ["netns"]
)

"""IPv4 on an IPv6 socket."""

from __future__ import annotations

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.kinds import TCP, TCP6, Address, Kind, inet, inet6, name_of
from pysock_raw.lessons.lesson import lesson
from pysock_raw.lessons.stage import Stage


@lesson(
    "dual-stack",
    "One socket for IPv4 and IPv6",
    "A listener on :: takes clients of both families; IPV6_V6ONLY leaves IPv4, and its port, to somebody else.",
    needs=["ipv6"],
)
def program(c: Backend, stage: Stage) -> None:
    stage.chapter("Both families")
    fd, port = _listens(c, stage, 0, port=0)
    _connects(c, stage, TCP, inet(c, c.INADDR_LOOPBACK, port), "A client of IPv4 comes.")
    _accepts(c, stage, fd, "It is accepted, with an address of IPv6 that stands for one of IPv4.")
    _connects(c, stage, TCP6, inet6(c, "::1", port), "A client of IPv6 comes.")
    _accepts(c, stage, fd, "It is accepted by the same socket.")
    says = "A listener of IPv4 on the same port? In use: the other one has both."
    stage.server.tries(says).bind(_on_loopback(c, stage), *inet(c, c.INADDR_ANY, port))

    stage.chapter("IPV6_V6ONLY")
    four = _on_loopback(c, stage)  # has the port until it is asked for, so that it is nobody else's
    stage.server.quiet.bind(four, *inet(c, c.INADDR_ANY, 0))
    _, port = _listens(c, stage, 1, c.ntohs(name_of(stage.server.quiet, four, TCP)[0].sin_port))
    _connects(c, stage, TCP, inet(c, c.INADDR_LOOPBACK, port), "A client of IPv4 is refused,")
    _connects(c, stage, TCP6, inet6(c, "::1", port), "one of IPv6 is not,")
    stage.server.quiet.close(four)
    says = "and the port is free for a listener of IPv4."
    stage.server.tries(says).bind(_on_loopback(c, stage), *inet(c, c.INADDR_ANY, port))


def _listens(c: Backend, stage: Stage, only: int, port: int) -> tuple[int, int]:
    server = stage.server
    fd = server("A socket of IPv6.").socket(c.AF_INET6, c.SOCK_STREAM, 0)
    says = "For IPv6 alone." if only else "Not for IPv6 alone: most systems have this by default, not all."
    server(says).setsockopt(fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, c.c_int(only), 4)
    says = "For this lesson, nobody beyond loopback shall reach it."
    server(says).setsockopt(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, b"lo", 2)
    server("Any address, :: in IPv6.").bind(fd, *inet6(c, "::", port))
    server("It listens.").listen(fd, 3)
    return fd, c.ntohs(name_of(server.quiet, fd, TCP6)[0].sin6_port)


def _on_loopback(c: Backend, stage: Stage) -> int:
    fd = TCP.socket(stage.server.quiet)
    stage.server.quiet.setsockopt(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, b"lo", 2)
    return fd


def _connects(c: Backend, stage: Stage, kind: Kind, address: Address, says: str) -> None:
    stage.client.tries(says).connect(kind.socket(stage.client.quiet), *address)


def _accepts(c: Backend, stage: Stage, fd: int, says: str) -> None:
    peer = c.sockaddr_in6()
    stage.server(says).accept(fd, peer, c.socklen_t(c.sizeof(peer)))

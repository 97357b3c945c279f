"""What scenarios of load and of faults are made of: connections that say their number, forked clients, threads."""

from __future__ import annotations

import errno
import os
import socket
import threading
import warnings
from collections.abc import Callable
from typing import Any

from pysock_raw.conformance import box
from pysock_raw.structures import iovec, linger, msghdr, sizeof, sockaddr_in, socklen_t

RESET = linger(1, 0)  # close resets the connection (socket(7)), which then leaves no TIME_WAIT behind


def must(api: Any, result: int) -> int:
    assert result >= 0, errno.errorcode[api.get_errno()]
    return result


def loopback(last: int = 1) -> sockaddr_in:
    return sockaddr_in(socket.AF_INET, 0, (socket.htonl(0x7F000000 + last),))


def listening(api: Any) -> tuple[int, sockaddr_in]:
    fd, address = must(api, api.socket(api.AF_INET, api.SOCK_STREAM, 0)), loopback()
    must(api, api.bind(fd, address, 16))
    must(api, api.listen(fd, 4096))
    must(api, api.getsockname(fd, address, socklen_t(16)))
    return fd, address


def connected(api: Any, address: sockaddr_in, number: int) -> int:
    """A client that has said its number. Its own address is one of many, so that ports do not run out."""
    fd = must(api, api.socket(api.AF_INET, api.SOCK_STREAM, 0))
    must(api, api.setsockopt(fd, api.SOL_SOCKET, api.SO_LINGER, RESET, sizeof(RESET)))
    must(api, api.bind(fd, loopback(2 + number % 32), 16))
    must(api, api.connect(fd, address, 16))
    assert must(api, api.send(fd, number.to_bytes(4, "big"), 4, 0)) == 4
    return fd


def said(api: Any, fd: int) -> int:
    """The number that a client sent."""
    room = bytearray(4)
    assert must(api, api.recv(fd, room, 4, api.MSG_WAITALL)) == 4
    return int.from_bytes(room, "big")


def forked(work: Callable[[], object]) -> int:
    """Do the work in a child."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of other threads; the child has none of their locks
        return box.forked(work)


def ended_well(pid: int) -> bool:
    return os.waitpid(pid, 0)[1] == 0


def together(work: Callable[[int], object], count: int) -> None:
    """Do the work in so many threads at once, whose exceptions are this one's."""
    failed: list[BaseException] = []
    start = threading.Barrier(count)

    def one(number: int) -> None:
        try:
            start.wait()
            work(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def pair() -> tuple[int, int]:
    one, other = socket.socketpair()
    return one.detach(), other.detach()


def into(size: int) -> msghdr:
    return msghdr(msg_iov=iovec(bytearray(size), size), msg_iovlen=1)

"""Each call with a descriptor that is none: closed, negative, no socket."""

from __future__ import annotations

from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error
from pysock_raw.conformance.kinds import TCP, inet, must
from pysock_raw.conformance.messages import batch, message

#: Each call with the arguments of a program that means well.
PROPER: dict[str, Callable[[Backend, int], int]] = {
    "setsockopt": lambda c, fd: c.setsockopt(fd, c.SOL_SOCKET, c.SO_REUSEADDR, c.c_int(1), 4),
    "bind": lambda c, fd: c.bind(fd, *inet(c, c.INADDR_LOOPBACK, 0)),
    "listen": lambda c, fd: c.listen(fd, 5),
    "accept": lambda c, fd: c.accept(fd, None, None),
    "connect": lambda c, fd: c.connect(fd, *inet(c, c.INADDR_LOOPBACK, 9)),
    "accept4": lambda c, fd: c.accept4(fd, None, None, 0),
    "getsockopt": lambda c, fd: c.getsockopt(fd, c.SOL_SOCKET, c.SO_TYPE, c.c_int(), c.socklen_t(4)),
    "getsockname": lambda c, fd: c.getsockname(fd, c.sockaddr_in(), c.socklen_t(16)),
    "getpeername": lambda c, fd: c.getpeername(fd, c.sockaddr_in(), c.socklen_t(16)),
    "shutdown": lambda c, fd: c.shutdown(fd, c.SHUT_WR),
    "close": lambda c, fd: c.close(fd),
    "read": lambda c, fd: c.read(fd, bytearray(1), 1),
    "write": lambda c, fd: c.write(fd, b"x", 1),
    "send": lambda c, fd: c.send(fd, b"x", 1, 0),
    "recv": lambda c, fd: c.recv(fd, bytearray(1), 1, 0),
    "sendto": lambda c, fd: c.sendto(fd, b"x", 1, 0, *inet(c, c.INADDR_LOOPBACK, 9)),
    "recvfrom": lambda c, fd: c.recvfrom(fd, bytearray(1), 1, 0, c.sockaddr_in(), c.socklen_t(16)),
    "sendmsg": lambda c, fd: c.sendmsg(fd, message(c, b"x"), 0),
    "recvmsg": lambda c, fd: c.recvmsg(fd, message(c, bytearray(1)), 0),
    "sendmmsg": lambda c, fd: c.sendmmsg(fd, batch(c, message(c, b"one"), message(c, b"three")), 2, 0),
    "recvmmsg": lambda c, fd: c.recvmmsg(fd, batch(c, message(c, bytearray(8))), 1, 0, None),
    "fcntl": lambda c, fd: c.fcntl(fd, c.F_GETFD, 0),
}
FOR_ANY_FILE = ("close", "read", "write", "fcntl")
NOT_OF_POSIX = ("sendmmsg", "recvmmsg")


def _closed(c: Backend, box: Box) -> int:
    fd = TCP.socket(c)
    must(c, c.close(fd))
    return fd


#: id, what is wrong, errno, the descriptor
DESCRIPTORS: list[tuple[str, str, str, Callable[[Backend, Box], int]]] = [
    ("closed-descriptor", "a descriptor that was closed", "EBADF", _closed),
    ("negative-descriptor", "a descriptor of -1", "EBADF", lambda c, box: -1),
    ("no-socket", "a descriptor that is no socket but a pipe", "ENOTSOCK", lambda c, box: box.pipe()[0]),
]


def _bad_descriptor(call: str, id: str, shows: str, errno: str, descriptor: Callable[[Backend, Box], int]) -> None:
    source, needs = (f"{call}(2)", ["linux"]) if call in NOT_OF_POSIX else (f"POSIX.1 {call}", [])

    @case(f"{call}/{id}", f"{call} on {shows}", error(errno, source), needs=needs)
    def _(c: Backend, box: Box) -> None:
        PROPER[call](c, descriptor(c, box))


for _call in PROPER:
    for _row in DESCRIPTORS:
        if _row[0] != "no-socket" or _call not in FOR_ANY_FILE:
            _bad_descriptor(_call, *_row)

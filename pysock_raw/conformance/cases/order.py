"""Of two reasons to refuse a call, the one that the kernel looks at first."""

from __future__ import annotations

from collections.abc import Callable
from socket import SOCK_RAW, SOCK_SEQPACKET

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.kinds import inet, must
from pysock_raw.conformance.messages import message

BEFORE = "an experiment: __sys_connect copies the address before it looks at what the descriptor is"


@case("connect/no-socket-null-address", "NULL wins over a descriptor that is no socket", error("EFAULT", BEFORE),
      needs=["linux"])  # fmt: skip
def _(c: Backend, box: Box) -> None:
    c.connect(box.pipe()[0], None, 16)


@case("connect/no-socket-negative-length", "a negative length wins over a descriptor that is no socket",
      error("EINVAL", BEFORE), needs=["linux"])  # fmt: skip
def _(c: Backend, box: Box) -> None:
    c.connect(box.pipe()[0], inet(c, c.INADDR_LOOPBACK, 9)[0], -1)


@case("connect/no-socket-too-long-address", "a length beyond sockaddr_storage wins over a descriptor that is no socket",
      error("EINVAL", BEFORE), needs=["linux"])  # fmt: skip
def _(c: Backend, box: Box) -> None:
    c.connect(box.pipe()[0], bytearray(200), 200)


# --- a socket whose family has no getsockname ---

AF_ALG, AF_XDP = 38, 44  # linux/socket.h; the second has no name in Python

Call = Callable[[Backend, int], int]

UNBOUND = "an experiment: it is bound to no device, in net/xdp/xsk.c"

#: the call, what is called, its answer
NAMELESS: list[tuple[str, Call, Outcome]] = [
    ("setsockopt", lambda c, fd: c.setsockopt(fd, c.SOL_SOCKET, c.SO_KEEPALIVE, c.c_int(1), 4),
     success("POSIX.1 setsockopt")),
    ("bind", lambda c, fd: c.bind(fd, *inet(c, c.INADDR_LOOPBACK, 0)),
     error("EINVAL", "an experiment: xsk_bind takes addresses of AF_XDP alone")),
    ("getsockopt", lambda c, fd: c.getsockopt(fd, c.SOL_SOCKET, c.SO_TYPE, c.c_int(), c.socklen_t(4)),
     success("POSIX.1 getsockopt")),
    ("close", lambda c, fd: c.close(fd), success("POSIX.1 close")),
    ("send", lambda c, fd: c.send(fd, b"x", 1, c.MSG_DONTWAIT), error("ENXIO", UNBOUND)),
    ("recv", lambda c, fd: c.recv(fd, bytearray(1), 1, c.MSG_DONTWAIT), error("ENXIO", UNBOUND)),
    ("sendto", lambda c, fd: c.sendto(fd, b"x", 1, c.MSG_DONTWAIT, *inet(c, c.INADDR_LOOPBACK, 9)),
     error("ENXIO", UNBOUND)),
    ("recvfrom", lambda c, fd: c.recvfrom(fd, bytearray(1), 1, c.MSG_DONTWAIT, None, None), error("ENXIO", UNBOUND)),
    ("sendmsg", lambda c, fd: c.sendmsg(fd, message(c, b"x", to=inet(c, c.INADDR_LOOPBACK, 9)), c.MSG_DONTWAIT),
     error("ENXIO", UNBOUND)),
    ("recvmsg", lambda c, fd: c.recvmsg(fd, message(c, bytearray(1)), c.MSG_DONTWAIT), error("ENXIO", UNBOUND)),
]  # fmt: skip


@case("connect/xdp/null-address", "NULL wins over a family without connect", error("EFAULT", BEFORE), needs=["xdp"])
def _(c: Backend, box: Box) -> None:
    c.connect(must(c, c.socket(AF_XDP, c.SOCK_RAW, 0)), None, 16)


#: of a family that accepts, once it is bound to the name of an algorithm
ACCEPTING: list[tuple[str, Call, Outcome]] = [
    ("accept", lambda c, fd: c.accept(fd, None, None), error("EINVAL", "crypto/af_alg.c: af_alg_accept")),
    ("accept4", lambda c, fd: c.accept4(fd, None, None, 0), error("EINVAL", "crypto/af_alg.c: af_alg_accept")),
]


def _nameless(kind: str, family: int, type: int, name: str, call: Call, answer: Outcome) -> None:
    @case(f"{name}/{kind}/no-getsockname", f"{name} on a socket that cannot tell its name", answer, needs=[kind])
    def _(c: Backend, box: Box) -> None:
        call(c, must(c, c.socket(family, type, 0)))


for _row in NAMELESS:
    _nameless("xdp", AF_XDP, SOCK_RAW, *_row)
for _row in ACCEPTING:
    _nameless("alg", AF_ALG, SOCK_SEQPACKET, *_row)

COMPAT = -(2**31)  # MSG_CMSG_COMPAT of linux/socket.h, which is the kernel's own


def _flags_first(name: str, call: Call) -> None:
    @case(
        f"{name}/closed-descriptor-after-flags",
        "a flag that only the kernel may set is refused before the descriptor is looked up",
        error("EINVAL", "an experiment: MSG_CMSG_COMPAT in net/socket.c"),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> None:
        call(c, 999)


_flags_first("sendmsg", lambda c, fd: c.sendmsg(fd, message(c, b"x"), COMPAT))
_flags_first("recvmsg", lambda c, fd: c.recvmsg(fd, message(c, bytearray(1)), COMPAT))

"""Arguments that C's compiler would reject, or that would lead C past the end of an object, raise before any call
is made, and raise the same on both backends."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pysock_raw.structures import PYPY, c_int, pollfd, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t

FD = -1
"""Any call that is made with it changes errno to EBADF."""

INT = 2**31
"""The first number that is no int."""

ADDRESS = sockaddr_in()
SIXTEEN = socklen_t(16)


@dataclass(frozen=True)
class Bad:
    call: str
    id: str
    args: tuple[Any, ...]
    error: type[Exception]
    message: str

    def __str__(self) -> str:
        return f"{self.call}: {self.id}"


NO_INTEGER = "an integer is required"
TOO_LARGE = r"does not fit|too big to convert|can't convert negative"
"""cffi's own words, or those of arguments.py."""


def integers() -> list[Bad]:
    """Every int of every call: wrong types and numbers outside of its C type."""
    good: dict[str, tuple[Any, ...]] = {
        "socket": (1, 1, 0),
        "setsockopt": (FD, 1, 2, None, 0),
        "bind": (FD, None, 0),
        "listen": (FD, 1),
        "accept": (FD, None, None),
        "connect": (FD, None, 0),
        "accept4": (FD, None, None, 0),
        "socketpair": (1, 1, 0, (c_int * 2)()),
        "getsockopt": (FD, 1, 2, None, None),
        "getsockname": (FD, None, None),
        "getpeername": (FD, None, None),
        "shutdown": (FD, 0),
        "close": (FD,),
        "read": (FD, None, 0),
        "write": (FD, None, 0),
        "send": (FD, None, 0, 0),
        "recv": (FD, None, 0, 0),
        "sendto": (FD, None, 0, 0, None, 0),
        "recvfrom": (FD, None, 0, 0, None, None),
        "sendmsg": (FD, None, 0),
        "recvmsg": (FD, None, 0),
        "sendmmsg": (FD, None, 0, 0),
        "recvmmsg": (FD, None, 0, 0, None),
        "poll": (None, 0, 0),
        "fcntl": (FD, 1, 0),
        "htons": (0,),
        "htonl": (0,),
        "ntohs": (0,),
        "ntohl": (0,),
        "inet_pton": (2, "::", bytearray(16)),
        "inet_ntop": (2, bytes(16), bytearray(16), 16),
        "CMSG_LEN": (0,),
        "CMSG_SPACE": (0,),
        "strerror": (0,),
    }
    sizes = {"read": 2, "write": 2, "send": 2, "recv": 2, "sendto": 2, "recvfrom": 2, "poll": 1}
    sizes |= {"CMSG_LEN": 0, "CMSG_SPACE": 0}
    lengths = {"setsockopt": 4, "bind": 2, "connect": 2, "sendto": 5, "inet_ntop": 3}
    unsigned = {"htons": 2**16, "htonl": 2**32, "ntohs": 2**16, "ntohl": 2**32}
    rows = []
    for call, args in good.items():
        for index, arg in enumerate(args):
            if not isinstance(arg, int):
                continue
            low, high = -INT - 1, INT
            if sizes.get(call) == index:
                low, high = -1, 2**64
            elif lengths.get(call) == index:
                high = 2**32
            elif call in ("sendmmsg", "recvmmsg") and index == 2:
                low, high = -1, 2**32
            elif call in unsigned:
                low, high = -1, unsigned[call]
            wrong = [(value, TypeError, NO_INTEGER) for value in ("1", 1.0, None)]
            wrong += [(value, OverflowError, TOO_LARGE) for value in (low, high)]
            rows += [
                Bad(call, f"argument {index} is {value!r}", (*args[:index], value, *args[index + 1 :]), error, message)
                for value, error, message in wrong
            ]
    return rows


READ_ONLY = b"read only memory"
GAPS = memoryview(bytearray(64))[::2]
NO_BUFFER = "with the buffer protocol or None, not"


def buffers() -> list[Bad]:
    """Every pointer of every call: no buffer at all, gaps in it, read-only where the kernel writes."""
    reads: dict[str, tuple[str, Callable[[Any], tuple[Any, ...]]]] = {
        "setsockopt": ("optval", lambda it: (FD, 1, 2, it, 4)),
        "bind": ("addr", lambda it: (FD, it, 16)),
        "connect": ("addr", lambda it: (FD, it, 16)),
        "write": ("buf", lambda it: (FD, it, 1)),
        "send": ("buf", lambda it: (FD, it, 1, 0)),
        "sendto": ("addr", lambda it: (FD, b"x", 1, 0, it, 16)),
    }
    writes: dict[str, tuple[str, Callable[[Any], tuple[Any, ...]]]] = {
        "accept": ("addr", lambda it: (FD, it, SIXTEEN)),
        "accept4": ("addr", lambda it: (FD, it, SIXTEEN, 0)),
        "socketpair": ("sv", lambda it: (1, 1, 0, it)),
        "getsockopt": ("optval", lambda it: (FD, 1, 2, it, SIXTEEN)),
        "getsockname": ("addr", lambda it: (FD, it, SIXTEEN)),
        "getpeername": ("addr", lambda it: (FD, it, SIXTEEN)),
        "read": ("buf", lambda it: (FD, it, 1)),
        "recv": ("buf", lambda it: (FD, it, 1, 0)),
        "recvfrom": ("buf", lambda it: (FD, it, 1, 0, None, None)),
        "poll": ("fds", lambda it: (it, 1, 0)),
        "inet_pton": ("dst", lambda it: (2, "127.0.0.1", it)),
        "inet_ntop": ("dst", lambda it: (2, bytes(4), it, 16)),
    }
    rows = []
    for call, (name, args) in (reads | writes).items():
        rows += [
            Bad(call, f"{name} is {value!r}", args(value), TypeError, f"{name} must be an object {NO_BUFFER} {kind}")
            for value, kind in (("text", "str"), (1, "int"), ([1], "list"))
        ]
        rows.append(Bad(call, f"{name} has gaps", args(GAPS), TypeError, f"{name} must be contiguous in memory"))
    for call, (name, args) in writes.items():
        message = f"{name} must be writable, and this bytes is read-only"
        rows.append(Bad(call, f"{name} is read-only", args(READ_ONLY), TypeError, message))
    rows += [
        Bad(
            "recvfrom", "addr is read-only", (FD, bytearray(1), 1, 0, READ_ONLY, SIXTEEN), TypeError, "addr must be wri"
        ),
        Bad(
            "inet_ntop",
            "src is text",
            (2, "127.0.0.1", bytearray(16), 16),
            TypeError,
            f"src must be an object {NO_BUFFER}",
        ),
        Bad("inet_pton", "src is an int", (2, 5, bytearray(4)), TypeError, "src must be str or bytes, not int"),
    ]
    for call, args in (
        ("accept", (FD, ADDRESS)),
        ("getsockname", (FD, ADDRESS)),
        ("getpeername", (FD, ADDRESS)),
        ("recvfrom", (FD, bytearray(1), 1, 0, ADDRESS)),
    ):
        rows += [
            Bad(call, f"addrlen is {value!r}", (*args, value), TypeError, "addrlen must be a socklen_t or None, not")
            for value in (16, c_int(16), b"\x10\0\0\0")
        ]
    return rows


def past(length: str, number: int, name: str, room: int) -> str:
    return re.escape(f"{length} is {number}, and {name} has only {room} bytes")


LENGTHS = [
    Bad("setsockopt", "optlen past optval", (FD, 1, 2, c_int(1), 5), ValueError, past("optlen", 5, "optval", 4)),
    Bad("bind", "addrlen past addr", (FD, ADDRESS, 17), ValueError, past("addrlen", 17, "addr", 16)),
    Bad("bind", "addrlen past an empty addr", (FD, b"", 1), ValueError, past("addrlen", 1, "addr", 0)),
    Bad("bind", "addrlen is the largest", (FD, ADDRESS, 2**32 - 1), ValueError, "addrlen is 4294967295, and"),
    Bad("connect", "addrlen past addr", (FD, ADDRESS, 28), ValueError, past("addrlen", 28, "addr", 16)),
    Bad(
        "accept",
        "128 on a sockaddr_in",
        (FD, ADDRESS, socklen_t(128)),
        ValueError,
        past("addrlen.value", 128, "addr", 16),
    ),
    Bad("accept4", "17 on 16", (FD, ADDRESS, socklen_t(17), 0), ValueError, past("addrlen.value", 17, "addr", 16)),
    Bad("getsockname", "1 on 0", (FD, bytearray(), socklen_t(1)), ValueError, past("addrlen.value", 1, "addr", 0)),
    Bad(
        "getpeername",
        "29 on 28",
        (FD, sockaddr_in6(), socklen_t(29)),
        ValueError,
        past("addrlen.value", 29, "addr", 28),
    ),
    Bad(
        "getsockopt", "5 on an int", (FD, 1, 2, c_int(), socklen_t(5)), ValueError, past("optlen.value", 5, "optval", 4)
    ),
    Bad("read", "count past buf", (FD, bytearray(4), 5), ValueError, past("count", 5, "buf", 4)),
    Bad("write", "count past buf", (FD, b"abc", 4), ValueError, past("count", 4, "buf", 3)),
    Bad("send", "len past buf", (FD, b"", 1, 0), ValueError, past("len", 1, "buf", 0)),
    Bad("recv", "len past buf", (FD, bytearray(4), 2**63, 0), ValueError, past("len", 2**63, "buf", 4)),
    Bad(
        "recv", "len in elements", (FD, memoryview(bytearray(8)).cast("I"), 9, 0), ValueError, past("len", 9, "buf", 8)
    ),
    Bad("sendto", "len past buf", (FD, b"abc", 4, 0, ADDRESS, 16), ValueError, past("len", 4, "buf", 3)),
    Bad("sendto", "addrlen past addr", (FD, b"abc", 3, 0, ADDRESS, 17), ValueError, past("addrlen", 17, "addr", 16)),
    Bad("recvfrom", "len past buf", (FD, bytearray(1), 2, 0, None, None), ValueError, past("len", 2, "buf", 1)),
    Bad(
        "recvfrom",
        "addrlen past addr",
        (FD, bytearray(1), 1, 0, ADDRESS, socklen_t(17)),
        ValueError,
        "addrlen.value is 17",
    ),
    Bad("socketpair", "sv holds one int", (1, 1, 0, c_int()), ValueError, "sv has only 4 bytes"),
    Bad("poll", "nfds past fds", ((pollfd * 2)(), 3, 0), ValueError, "is 24, and fds has only 16 bytes"),
    Bad("inet_pton", "dst too small", (2, "127.0.0.1", bytearray(3)), ValueError, "dst has only 3 bytes"),
    Bad("inet_pton", "dst too small for IPv6", (10, "::1", bytearray(15)), ValueError, "dst has only 15 bytes"),
    Bad("inet_pton", "dst is NULL", (2, "127.0.0.1", None), ValueError, "dst is None"),
    Bad("inet_pton", "NUL in src", (2, "127.0.0.1\0", bytearray(4)), ValueError, "src has a NUL in it"),
    Bad("inet_ntop", "src too small", (10, bytes(15), bytearray(64), 64), ValueError, "src has only 15 bytes"),
    Bad("inet_ntop", "src is NULL", (2, None, bytearray(64), 64), ValueError, "src is None"),
    Bad("inet_ntop", "dst is NULL", (2, bytes(4), None, 0), ValueError, "dst is None"),
    Bad("inet_ntop", "size past dst", (2, bytes(4), bytearray(15), 16), ValueError, past("size", 16, "dst", 15)),
    Bad("inet_ntop", "size is negative", (2, bytes(4), bytearray(16), -1), ValueError, "size is 4294967295, and"),
]

OUTSIDE = "makes the kernel use memory outside its buffer"
ADDRESSES = [
    # SO_ATTACH_FILTER takes a struct sock_fprog, which holds a pointer (socket(7))
    Bad("setsockopt", "SO_ATTACH_FILTER", (FD, 1, 26, bytearray(16), 16), ValueError, f"SO_ATTACH_FILTER {OUTSIDE}"),
    Bad("setsockopt", "in a structure", (FD, 1, 26, sockaddr_in(), 16), ValueError, f"SO_ATTACH_FILTER {OUTSIDE}"),
    Bad("setsockopt", "SO_ATTACH_REUSEPORT_CBPF", (FD, 1, 51, bytearray(16), 16), ValueError, OUTSIDE),
    # SO_GET_FILTER, the same number, counts in instructions of 8 bytes
    Bad("getsockopt", "SO_GET_FILTER", (FD, 1, 26, bytearray(16), SIXTEEN), ValueError, f"SO_GET_FILTER {OUTSIDE}"),
    # the kernel reads the buffer after the call (Documentation/networking/msg_zerocopy.rst)
    Bad("send", "MSG_ZEROCOPY", (FD, b"xyz", 3, 0x4000000), ValueError, "MSG_ZEROCOPY lets the kernel read"),
    Bad("sendmsg", "MSG_ZEROCOPY", (FD, None, 0x4000000), ValueError, "MSG_ZEROCOPY lets the kernel read"),
    Bad("sendmmsg", "MSG_ZEROCOPY", (FD, None, 0, 0x4000000), ValueError, "MSG_ZEROCOPY lets the kernel read"),
    Bad("sendto", "MSG_ZEROCOPY", (FD, b"xyz", 3, 0x4000000, None, 0), ValueError, "MSG_ZEROCOPY lets the kernel read"),
    # these follow a count or an address inside the value (ip_get_msfilter, mptcp_getsockopt_full_info)
    Bad("getsockopt", "IP_MSFILTER", (FD, 0, 41, bytearray(16), SIXTEEN), ValueError, f"IP_MSFILTER {OUTSIDE}"),
    Bad("getsockopt", "MCAST_MSFILTER", (FD, 41, 48, bytearray(16), SIXTEEN), ValueError, f"MCAST_MSFILTER {OUTSIDE}"),
    Bad(
        "getsockopt", "MPTCP_FULL_INFO", (FD, 284, 4, bytearray(16), SIXTEEN), ValueError, f"MPTCP_FULL_INFO {OUTSIDE}"
    ),
    Bad("getsockopt", "TCP_ZEROCOPY_RECEIVE", (FD, 6, 35, bytearray(64), socklen_t(64)), ValueError, OUTSIDE),
    Bad("getsockopt", "EBT_SO_GET_ENTRIES", (FD, 0, 129, bytearray(64), socklen_t(64)), ValueError, OUTSIDE),
    # for most of IPPROTO_IPV6 a negative optlen is a large one (do_ipv6_getsockopt)
    Bad(
        "getsockopt",
        "negative optlen of IPV6_V6ONLY",
        (FD, 41, 26, c_int(), socklen_t(2**32 - 1)),
        ValueError,
        "optlen.value is",
    ),
    # commands of fcntl(2) whose argument is a pointer: F_GETLK, F_SETLKW, F_OFD_SETLK, F_GETOWN_EX, F_SET_RW_HINT
    *(
        Bad(
            "fcntl",
            f"command {command} with a number",
            (FD, command, 1),
            ValueError,
            f"fcntl command {command} does not",
        )
        for command in (5, 7, 37, 16, 1036)
    ),
]

ARITY = [
    Bad(call, "no arguments", (), TypeError, "argument")
    for call in ("socket", "setsockopt", "bind", "listen", "accept", "connect", "close", "read", "poll", "htons")
] + [
    Bad("close", "two arguments", (FD, FD), TypeError, "argument"),
    Bad("bind", "four arguments", (FD, None, 0, 0), TypeError, "argument"),
]

ROWS = [*integers(), *buffers(), *LENGTHS, *ADDRESSES, *ARITY]


@pytest.mark.parametrize("bad", ROWS, ids=str)
def test_bad_argument_raises_before_any_call(bad: Bad, api: Any) -> None:
    api.socket(-1, 1, 0)
    assert api.get_errno() == api.EAFNOSUPPORT
    with pytest.raises(bad.error, match=bad.message):
        getattr(api, bad.call)(*bad.args)
    assert api.get_errno() == api.EAFNOSUPPORT


@pytest.mark.parametrize("value", [b"1", [1], 2**80, -(2**80)], ids=str)
def test_what_is_far_from_an_int(value: Any, api: Any) -> None:
    with pytest.raises((TypeError, OverflowError)):
        api.close(value)


def test_rows_have_ids_of_their_own() -> None:
    assert len({str(bad) for bad in ROWS}) == len(ROWS)


class Liar(int):
    """An int that passes for a smaller one, and is found in no table."""

    def __le__(self, other: object) -> bool:
        return True

    __ge__ = __lt__ = __gt__ = __le__

    def __hash__(self) -> int:
        return 0


class Boaster(bytes):
    def __len__(self) -> int:
        return 64


class MutableBoaster(bytearray):
    def __len__(self) -> int:
        return 64


class Large(sockaddr_in):
    """A subclass may be larger, or say so."""

    def __sizeof__(self) -> int:
        return 64


class Byte(ctypes.c_uint8):
    """As small as an object of ctypes can be."""


def disguised(obj: Any, kind: type) -> Any:
    """An object that says that it is of a larger type: ctypes has nothing against it."""
    obj.__class__ = kind
    return obj


LARGER = disguised(sockaddr_in(), sockaddr_storage)
ONE_BYTE = disguised(Byte(), socklen_t)

LIES = [
    Bad("bind", "addrlen lies", (FD, ADDRESS, Liar(64)), ValueError, past("addrlen", 64, "addr", 16)),
    Bad("connect", "addrlen lies", (FD, ADDRESS, Liar(64)), ValueError, past("addrlen", 64, "addr", 16)),
    Bad("bind", "addr boasts", (FD, Large(), 17), ValueError, past("addrlen", 17, "addr", 16)),
    Bad("setsockopt", "optlen lies", (FD, 1, 2, c_int(1), Liar(64)), ValueError, past("optlen", 64, "optval", 4)),
    Bad("setsockopt", "optname lies", (FD, 1, Liar(26), sockaddr_in(), 16), ValueError, "SO_ATTACH_FILTER"),
    Bad("write", "count lies", (FD, b"abc", Liar(64)), ValueError, past("count", 64, "buf", 3)),
    Bad("write", "buf boasts", (FD, Boaster(b"abc"), 4), ValueError, past("count", 4, "buf", 3)),
    Bad("send", "len lies", (FD, b"abc", Liar(64), 0), ValueError, past("len", 64, "buf", 3)),
    Bad("send", "buf boasts", (FD, Boaster(b"abc"), 4, 0), ValueError, past("len", 4, "buf", 3)),
    Bad("read", "count lies", (FD, bytearray(3), Liar(64)), ValueError, past("count", 64, "buf", 3)),
    Bad("recv", "len lies", (FD, bytearray(3), Liar(64), 0), ValueError, past("len", 64, "buf", 3)),
    Bad("recv", "buf boasts", (FD, MutableBoaster(3), 4, 0), ValueError, past("len", 4, "buf", 3)),
    Bad("recvfrom", "len lies", (FD, bytearray(3), Liar(64), 0, None, None), ValueError, past("len", 64, "buf", 3)),
]


@pytest.mark.parametrize("bad", LIES, ids=str)
def test_nothing_believes_what_a_subclass_says(bad: Bad, api: Any) -> None:
    with pytest.raises(bad.error, match=bad.message):
        getattr(api, bad.call)(*bad.args)


DISGUISED = [
    Bad("bind", "addr in disguise", (FD, LARGER, 17), ValueError, past("addrlen", 17, "addr", 16)),
    Bad("connect", "addr in disguise", (FD, LARGER, 17), ValueError, past("addrlen", 17, "addr", 16)),
    *(
        Bad(call, "addr in disguise", (FD, LARGER, socklen_t(17)), ValueError, past("addrlen.value", 17, "addr", 16))
        for call in ("accept", "getsockname", "getpeername")
    ),
    *(
        Bad(call, "addrlen in disguise", (FD, ADDRESS, ONE_BYTE), TypeError, "addrlen must be a socklen_t or None")
        for call in ("accept", "getsockname", "getpeername")
    ),
    Bad("setsockopt", "optval in disguise", (FD, 1, 2, LARGER, 17), ValueError, past("optlen", 17, "optval", 16)),
]


@pytest.mark.parametrize("bad", DISGUISED, ids=str)
def test_nothing_believes_the_type_of_an_object(bad: Bad, api: Any) -> None:
    """PyPy's buffer protocol does not either."""
    with pytest.raises(ValueError if PYPY else bad.error, match="shape/itemsize" if PYPY else bad.message):
        getattr(api, bad.call)(*bad.args)


# --- what only looks bad ---


class Number:
    """Whatever has __int__ passes for a C integer, as in cffi."""

    def __int__(self) -> int:
        return 1


@pytest.mark.parametrize("value", [True, Number()], ids=["bool", "__int__"])
def test_object_that_is_an_integer(value: Any, api: Any) -> None:
    assert api.htonl(value) == api.htonl(1)
    assert api.poll(None, 0, value) == 0


@pytest.mark.parametrize(
    "args",
    [
        (bytearray(16), 16),
        (memoryview(bytearray(64))[8:], 16),
        (memoryview(bytearray(24)).cast("B", (2, 3, 4)), 24),
        (sockaddr_in(), -(2**31)),
        (memoryview(b""), 0),
        (None, 2**32 - 1),
    ],
    ids=["bytearray", "slice", "three dimensions", "negative", "empty", "NULL with a length"],
)
def test_buffer_that_goes_to_the_kernel(args: tuple[Any, ...], api: Any) -> None:
    assert api.bind(FD, *args) == -1
    assert api.get_errno() == api.EBADF


def test_length_may_be_less_than_the_buffer(sockets: Any) -> None:
    writer, reader = sockets.pair()
    buffer = bytearray(b"........")
    assert sockets.api.write(writer, b"abcdef", 4) == 4
    assert sockets.api.read(reader, buffer, 8) == 4
    assert buffer == b"abcd...."


def test_pointer_commands_of_fcntl_take_null(sockets: Any) -> None:
    assert sockets.api.fcntl(sockets.file(), 5, 0) == -1  # F_GETLK
    assert sockets.api.get_errno() == sockets.api.EFAULT


def test_a_flow_label_comes_back_in_memory_that_can_be_written(api: Any) -> None:
    """The kernel writes to the value of this option, which C declares const."""
    with pytest.raises(TypeError, match="optval must be writable, and this bytes is read-only"):
        api.setsockopt(FD, 41, 32, bytes(32), 32)
    assert api.setsockopt(FD, 41, 32, bytearray(32), 32) == -1
    assert api.get_errno() == api.EBADF

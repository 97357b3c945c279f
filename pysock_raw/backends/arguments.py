"""What both backends check before any call: types, ranges, and that no length passes the end of its buffer.

Checks stand here once, so that a bad argument is the same exception with the same sentence on every side.
Anything that passes goes to the kernel, including bad descriptors, NULL, short and negative lengths.
"""

from __future__ import annotations

import sys
from _socket import AF_INET, AF_INET6, SOL_SOCKET
from typing import Any

from pysock_raw.structures import c_int, holds_address, own_size, pollfd, sizeof, socklen_t, timespec

LINUX = sys.platform == "linux"

ZEROCOPY = 0x4000000  # MSG_ZEROCOPY of linux/socket.h

# fcntl commands whose argument is an int (fcntl(2)); with any other the kernel takes it for an address.
INT_COMMANDS = """
    F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_SETFD F_GETFL F_SETFL F_GETOWN F_SETOWN F_GETSIG F_SETSIG F_GETLEASE
    F_SETLEASE F_NOTIFY F_GETPIPE_SZ F_SETPIPE_SZ F_ADD_SEALS F_GET_SEALS
"""


def int_commands(constants: dict[str, int]) -> frozenset[int]:
    """The numbers of INT_COMMANDS on one side."""
    return frozenset(constants[name] for name in INT_COMMANDS.split() if name in constants)


# Linux options that make the kernel read or write outside the buffer, as (level, optname): their value holds an
# address or a count that it follows, or their length is not in bytes. Numbers, because most have no name in
# Python: those of asm-generic/socket.h, linux/{in,tcp,mptcp,sctp,rds,if_packet,if_xdp}.h and linux/netfilter*/.
FLOW_LABELS = (41, 32)
"""IPV6_FLOWLABEL_MGR of IPPROTO_IPV6: setsockopt writes flr_label (ipv6_flowlabel_get in net/ipv6/ip6_flowlabel.c)."""
SETS_FROM_ELSEWHERE = {
    (SOL_SOCKET, 26): "SO_ATTACH_FILTER",
    (SOL_SOCKET, 51): "SO_ATTACH_REUSEPORT_CBPF",
    (0, 64): "IPT_SO_SET_REPLACE",
    (0, 96): "ARPT_SO_SET_REPLACE",
    (0, 128): "EBT_SO_SET_ENTRIES",
    (0, 129): "EBT_SO_SET_COUNTERS",
    (41, 64): "IP6T_SO_SET_REPLACE",
    (263, 22): "PACKET_FANOUT_DATA",
    (276, 2): "RDS_GET_MR",
    (276, 7): "RDS_GET_MR_FOR_DEST",
    (283, 4): "XDP_UMEM_REG",
}
GETS_TO_ELSEWHERE = {
    (SOL_SOCKET, 26): "SO_GET_FILTER",
    (0, 41): "IP_MSFILTER",
    (0, 48): "MCAST_MSFILTER",
    (41, 48): "MCAST_MSFILTER",
    (0, 129): "EBT_SO_GET_ENTRIES",
    (0, 131): "EBT_SO_GET_INIT_ENTRIES",
    (6, 35): "TCP_ZEROCOPY_RECEIVE",
    (6, 41): "TCP_AO_GET_KEYS",
    (132, 111): "SCTP_SOCKOPT_CONNECTX3",
    (284, 4): "MPTCP_FULL_INFO",
}

# Linux options whose reading begins with what is in the buffer: a request, a version, the name of a table.
READS_ITS_BUFFER = {
    (0, 64): "IPT_SO_GET_INFO",
    (0, 65): "IPT_SO_GET_ENTRIES",
    (0, 66): "IPT_SO_GET_REVISION_MATCH",
    (0, 67): "IPT_SO_GET_REVISION_TARGET",
    (41, 32): "IPV6_FLOWLABEL_MGR",
    (41, 64): "IP6T_SO_GET_INFO",
    (41, 65): "IP6T_SO_GET_ENTRIES",
    (41, 68): "IP6T_SO_GET_REVISION_MATCH",
    (41, 69): "IP6T_SO_GET_REVISION_TARGET",
    (263, 11): "PACKET_HDRLEN",
}


def integer(value: Any, low: int, high: int) -> int:
    """value as an int within a C type's range, by cffi's rules (whatever has __int__, except a float) and in
    cffi's words, so that the sides differ in nothing."""
    if type(value) is int and low <= value <= high:
        return value
    if isinstance(value, float) or not hasattr(type(value), "__int__"):
        raise TypeError("an integer is required")
    number = int(value)
    if not -(2**63) <= number < 2**64:
        raise OverflowError("int too big to convert")
    if low == 0 and number < 0:
        raise OverflowError("can't convert negative number to unsigned")
    if not low <= number <= high:
        kind = f"{(high - low).bit_length()}-bit {'unsigned ' if low == 0 else ''}int"
        raise OverflowError(f"integer {number} does not fit '{kind}'")
    return number


def to_int(value: Any) -> int:
    return integer(value, -(2**31), 2**31 - 1)


def unsigned(value: Any) -> int:
    return integer(value, 0, 2**32 - 1)


def size(value: Any) -> int:
    return integer(value, 0, 2**64 - 1 if sys.maxsize > 2**32 else 2**32 - 1)


def socklen(value: Any) -> int:
    """A socklen_t: C converts a negative int, and the kernel reads it back as one."""
    return integer(value, -(2**31), 2**32 - 1)


def memory(name: str, obj: Any, *, writable: bool = False) -> memoryview | None:
    """The bytes of a buffer, or None for NULL. TypeError for an object without the buffer protocol, one that
    is not contiguous, or a read-only one where the kernel writes."""
    if obj is None:
        return None
    try:
        view = memoryview(obj)
    except TypeError:
        raise TypeError(
            f"{name} must be an object with the buffer protocol or None, not {type(obj).__name__}"
        ) from None
    if holds_address(view):
        raise TypeError(f"{name} must be the object itself, not a {type(obj).__name__} to it")
    if not view.c_contiguous:
        raise TypeError(f"{name} must be contiguous in memory")
    if writable and view.readonly:
        raise TypeError(f"{name} must be writable, and this {type(obj).__name__} is read-only")
    # An empty view cannot be cast when it has several dimensions, and has no bytes either.
    return view.cast("B") if view.nbytes else memoryview(bytearray() if writable else b"")


def bounded(name: str, view: memoryview | None, length_name: str, length: int) -> None:
    """ValueError when length bytes pass the end of the buffer. NULL has no end: the kernel answers."""
    if view is not None and length > view.nbytes:
        raise ValueError(f"{length_name} is {length}, and {name} has only {view.nbytes} bytes")


def sized(
    name: str, obj: Any, length: Any, *, length_name: str = "len", writable: bool = False
) -> tuple[memoryview | None, int]:
    """A buffer with a size_t beside it, checked: (view or None, length)."""
    view = memory(name, obj, writable=writable)
    length = size(length)
    bounded(name, view, length_name, length)
    return view, length


def address(
    obj: Any, length: Any, *, name: str = "addr", length_name: str = "addrlen"
) -> tuple[memoryview | None, int]:
    """A buffer that the kernel reads with a socklen_t beside it, checked: (view or None, length)."""
    view = memory(name, obj)
    length = socklen(length)
    bounded(name, view, length_name, length)
    return view, length


def value_result(
    obj: Any, length: Any, *, name: str = "addr", length_name: str = "addrlen", negative: bool = LINUX
) -> tuple[memoryview | None, int]:
    """A buffer that the kernel writes with a socklen_t * beside it, checked: (view or None, length). The length
    is read once, and only that number is used, so that nobody can change it after the check. negative says that
    the kernel refuses a length that is negative as an int; elsewhere that is a length beyond the end."""
    view = memory(name, obj, writable=True)
    if length is None:
        return view, 0
    if type(length) is not socklen_t or own_size(length) != sizeof(socklen_t):
        raise TypeError(f"{length_name} must be a socklen_t or None, not {type(length).__name__}")
    number: int = length.value
    if not (negative and number >= 2**31):
        bounded(name, view, f"{length_name}.value", number)
    return view, number


def option(level: Any, optname: Any, refused: dict[tuple[int, int], str]) -> tuple[int, int]:
    """(level, optname) as ints. ValueError for an option that would lead the kernel out of the buffer."""
    level, optname = to_int(level), to_int(optname)
    name = refused.get((level, optname)) if LINUX else None
    if name:
        raise ValueError(f"{name} makes the kernel use memory outside its buffer, so it is not passed on")
    return level, optname


def option_value(level: Any, optname: Any, obj: Any, length: Any) -> tuple[int, int, memoryview | None, int]:
    """(level, optname, view, optlen) for setsockopt."""
    level, optname = option(level, optname, SETS_FROM_ELSEWHERE)
    view, length = address(obj, length, name="optval", length_name="optlen")
    if LINUX and (level, optname) == FLOW_LABELS and view is not None and view.readonly:
        raise TypeError(
            f"optval must be writable, and this {type(obj).__name__} is read-only: the label comes back in it"
        )
    return level, optname, view, length


def option_result(level: Any, optname: Any, obj: Any, length: Any) -> tuple[int, int, memoryview | None, int]:
    """(level, optname, view, optlen.value) for getsockopt. Linux refuses a negative length for SOL_SOCKET
    (sk_getsockopt), but for most of IPPROTO_IPV6 takes it for a large one and writes the whole value
    (do_ipv6_getsockopt)."""
    level, optname = option(level, optname, GETS_TO_ELSEWHERE)
    negative = LINUX and level == SOL_SOCKET
    view, number = value_result(obj, length, name="optval", length_name="optlen", negative=negative)
    return level, optname, view, number


def send_flags(flags: Any) -> int:
    """The flags of send and sendto. ValueError for MSG_ZEROCOPY: the kernel would read the buffer
    after the call has returned, when it may be another object's memory."""
    number = to_int(flags)
    if LINUX and number & ZEROCOPY:
        raise ValueError("MSG_ZEROCOPY lets the kernel read the buffer after the call, so it is not passed on")
    return number


def descriptor_pair(sv: Any) -> memoryview | None:
    """The two ints that socketpair writes."""
    view = memory("sv", sv, writable=True)
    bounded("sv", view, "the size of int[2]", 2 * sizeof(c_int))
    return view


def poll_entries(obj: Any, count: Any) -> tuple[memoryview | None, int]:
    """The array of pollfd of poll, checked: (view or None, nfds)."""
    view = memory("fds", obj, writable=True)
    count = size(count)
    bounded("fds", view, "nfds * sizeof(struct pollfd)", count * sizeof(pollfd))
    return view, count


def time(timeout: Any) -> timespec | None:
    """A copy of a timeout, which nobody else can change."""
    if timeout is None:
        return None
    if type(timeout) is not timespec:
        raise TypeError(f"timeout must be a timespec or None, not {type(timeout).__name__}")
    return timespec.from_buffer_copy(timeout)


def time_left(timeout: timespec | None, copy: timespec | None) -> None:
    if timeout is not None and copy is not None:
        timeout.tv_sec, timeout.tv_nsec = copy.tv_sec, copy.tv_nsec


def text(src: Any) -> bytes:
    """A const char *: str as UTF-8, or bytes, without NUL."""
    if not isinstance(src, (str, bytes)):
        raise TypeError(f"src must be str or bytes, not {type(src).__name__}")
    raw = src.encode() if isinstance(src, str) else src
    if b"\0" in raw:
        raise ValueError("src has a NUL in it, where C's text would end")
    return raw


def ip_address(name: str, af: int, obj: Any, *, writable: bool = False) -> memoryview:
    """The memory of an in_addr or in6_addr for inet_pton and inet_ntop. libc would write to or read from NULL
    and does not know the size, so both are a ValueError here."""
    view = memory(name, obj, writable=writable)
    needed = 4 if af == AF_INET else 16 if af == AF_INET6 else 0
    if view is None:
        raise ValueError(f"{name} is None, and libc would use it as an address")
    if view.nbytes < needed:
        raise ValueError(f"{name} has only {view.nbytes} bytes, and an address of this family has {needed}")
    return view


def text_room(dst: Any, size: Any) -> tuple[memoryview, int]:
    """The buffer that inet_ntop writes text to; libc takes a negative size for a large one."""
    view = memory("dst", dst, writable=True)
    if view is None:
        raise ValueError("dst is None, and libc would use it as an address")
    size = socklen(size) & 0xFFFFFFFF
    bounded("dst", view, "size", size)
    return view, size


def int_command(cmd: Any, arg: Any, commands: frozenset[int]) -> tuple[int, int]:
    """(cmd, arg) of fcntl. ValueError for a command that would take a number for an address."""
    cmd, arg = to_int(cmd), to_int(arg)
    if arg != 0 and cmd not in commands:
        raise ValueError(f"fcntl command {cmd} does not take an int: its argument would be used as an address")
    return cmd, arg

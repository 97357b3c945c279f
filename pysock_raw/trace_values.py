"""What a call is given and gives, as values that JSON can hold and a person can read.

number, or name of a number   3, "AF_INET", "SOCK_STREAM|SOCK_NONBLOCK"
NULL                          null
socket address                {"family": "AF_INET", "addr": "127.0.0.1", "port": 8080}
bytes                         {"bytes": "Hello\\n", "length": 6}; a long value is cut and has a digest
option                        a number, the members of its structure, or bytes
value-result length           {"in": 16, "out": 16}
buffer that was not filled    {"room": 16}
array of pollfd, int[2]       a list
msghdr, array of mmsghdr      by its members (trace_messages.py)
anything that C would reject  {"python": "its repr"}
"""

from __future__ import annotations

import ctypes
import errno as _errno
import functools
import hashlib
import struct
import sys
from typing import Any

from pysock_raw import structures
from pysock_raw.backends import load
from pysock_raw.backends.addresses import HEADER, SOCKADDR_LL, WHOLE, family_of, to_python
from pysock_raw.backends.wrapping import Inexpressible
from pysock_raw.constants import GROUPS

SHOWN = 256  # bytes of a buffer that a trace holds; a digest stands for the rest
OPTIONS = {
    "SOL_SOCKET": "SO_",
    "IPPROTO_IP": "IP_",
    "IPPROTO_IPV6": "IPV6_",
    "IPPROTO_TCP": "TCP_",
    "IPPROTO_UDP": "UDP_",
}
OPTION_STRUCTURES: dict[str, type[ctypes.Structure]] = {
    "SO_LINGER": structures.linger,
    "SO_RCVTIMEO": structures.timeval,
    "SO_SNDTIMEO": structures.timeval,
    "SO_PEERCRED": structures.ucred,
}


@functools.cache
def names(prefix: str) -> dict[int, str]:
    """Number -> name for the constants of one prefix. All sides print by the same table: the headers', or the
    standard library's where the C backend is not built."""
    try:
        constants = load("c").CONSTANTS
    except ImportError:
        constants = load("python").CONSTANTS
    return {constants[name]: name for name in reversed(GROUPS[prefix]) if name in constants}


def errno_name(number: int) -> str:
    return names("E").get(number) or _errno.errorcode.get(number, f"errno {number}")


@functools.lru_cache
def flags(prefix: str, number: int) -> int | str:
    """A combination of bits by name, e.g. "MSG_PEEK|MSG_DONTWAIT"; bits without a name in hexadecimal."""
    if number <= 0:
        return number
    found = []
    for bit, name in sorted(names(prefix).items()):
        if bit > 0 and bit & (bit - 1) == 0 and number & bit:
            found.append(name)
            number &= ~bit
    return "|".join([*found, hex(number)] if number else found)


def socket_type(number: int) -> int | str:
    """SOCK_STREAM|SOCK_CLOEXEC: a kind in the low four bits, flags above (socket(2))."""
    kind = names("SOCK_").get(number & 0xF)
    if number < 0 or kind is None:
        return number
    rest = flags("SOCK_", number & ~0xF)
    return f"{kind}|{rest}" if rest else kind


def level(number: int) -> int | str:
    return names("SOL_")[number] if number == _sol_socket() else names("IPPROTO_").get(number, number)


@functools.cache
def _sol_socket() -> int:
    return next(number for number, name in names("SOL_").items() if name == "SOL_SOCKET")


def option_name(level_name: int | str, number: int) -> int | str:
    return names(OPTIONS[level_name]).get(number, number) if level_name in OPTIONS else number


def fcntl_argument(command: int | str, number: int) -> int | str:
    if command == "F_SETFD" and number == 1:
        return "FD_CLOEXEC"
    nonblock = next(number for number, name in names("").items() if name == "O_NONBLOCK")
    if command == "F_SETFL" and number & nonblock:
        return f"O_NONBLOCK|{hex(number & ~nonblock)}" if number & ~nonblock else "O_NONBLOCK"
    return number


#: The members of the addresses that are two numbers in Python
NUMBERED = {"AF_NETLINK": ("pid", "groups"), "AF_VSOCK": ("cid", "port")}


def address(raw: bytes) -> Any:
    """A sockaddr of any length; bytes where it is none that has a form here."""
    family = family_of(raw)
    name = names("AF_").get(family, family) if family is not None else None
    try:
        if name == "AF_INET" and len(raw) >= 16:
            host, port = to_python(raw)
            return {"family": name, "addr": host, "port": port}
        if name == "AF_INET6" and len(raw) >= 24:
            host, port, flow, scope = to_python(raw)
            extra = {"flowinfo": flow} if flow else {}
            return {
                "family": name,
                "addr": host,
                "port": port,
                **extra,
                **({"scope_id": scope} if scope else {}),
            }
        if name in NUMBERED and len(raw) >= WHOLE[family]:
            return {"family": name, **dict(zip(NUMBERED[name], to_python(raw), strict=True))}
        if name == "AF_PACKET" and len(raw) >= SOCKADDR_LL.size:
            _, protocol, ifindex, hatype, pkttype, halen = SOCKADDR_LL.unpack_from(raw)
            known = {"protocol": int.from_bytes(protocol, "big"), "ifindex": ifindex, "hatype": hatype}
            hardware = raw[SOCKADDR_LL.size :].hex(":")
            return {"family": name, **known, "pkttype": pkttype, "halen": halen, "addr": hardware}
        if name == "AF_UNIX":
            path = to_python(raw) if len(raw) > HEADER else b""
            return {"family": name, "path": path.decode("utf-8", "backslashreplace")}
        if name in ("AF_INET", "AF_INET6") and len(raw) >= HEADER + 2:  # cut, but its port has a name in a comparison
            port = int.from_bytes(raw[HEADER : HEADER + 2], "big")
            return {"family": name, "port": port, **buffer(raw[HEADER + 2 :])}
    except Inexpressible:
        pass
    return {"family": name, **buffer(raw[HEADER:])} if name is not None else buffer(raw)


def buffer(raw: bytes) -> dict[str, Any]:
    shown = {"bytes": repr(raw[:SHOWN])[2:-1], "length": len(raw)}
    return shown if len(raw) <= SHOWN else {**shown, "sha256": hashlib.sha256(raw).hexdigest()}


def option(name: int | str, raw: bytes) -> Any:
    """The value of an option, by its name and length."""
    kind = OPTION_STRUCTURES.get(name) if isinstance(name, str) else None
    if kind is not None and len(raw) == ctypes.sizeof(kind):
        value = kind.from_buffer_copy(raw)
        return {field[0]: getattr(value, field[0]) for field in kind._fields_}
    if name == "TCP_INFO" and len(raw) >= 32:  # what stays the same from run to run, of struct tcp_info
        state, unacked, sacked = raw[0], *struct.unpack_from("=II", raw, 24)
        return {"tcpi_state": state, "tcpi_unacked": unacked, "tcpi_sacked": sacked, "length": len(raw)}
    return int.from_bytes(raw, sys.byteorder, signed=True) if len(raw) == 4 else buffer(raw)


def poll_entries(raw: bytes) -> list[dict[str, Any]]:
    return [
        {"fd": fd, "events": flags("POLL", events), "revents": flags("POLL", revents)}
        for fd, events, revents in struct.iter_unpack("=iHH", raw[: len(raw) // 8 * 8])
    ]

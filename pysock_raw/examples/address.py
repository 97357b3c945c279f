"""What server.py and client.py share: csrc/examples/address.h line by line.

The way from the arguments to a socket address, and the end of a program whose call failed. Arguments are
bytes, as C's `char *` are, and `printf` writes bytes, so that both languages print the same.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import NoReturn

import pysock_raw as c

ARGUMENTS = "FAMILY TYPE ADDRESS [PORT], as in: inet stream 127.0.0.1 8080, inet6 dgram ::1 8080, local stream PATH"


@dataclass
class Endpoint:
    """The domain and type for socket, the address for bind or connect."""

    domain: int = 0
    type: int = 0
    addr: c.sockaddr_storage = field(default_factory=c.sockaddr_storage)
    addrlen: c.socklen_t = field(default_factory=c.socklen_t)


def printf(format: bytes, *values: object) -> None:
    sys.stdout.buffer.write(format % values)


def fail(call: str) -> NoReturn:
    sys.stderr.write(f"{call}: {c.strerror(c.get_errno())}\n")  # perror
    sys.exit(1)


def port_number(text: bytes) -> int:
    if not re.fullmatch(b"[0-9]{1,5}", text):
        return -1
    port = int(text)
    return port if port <= 0xFFFF else -1


def inet_address(address: bytes, port: int, at: Endpoint) -> bool:
    addr = c.sockaddr_in.from_buffer(at.addr)
    addr.sin_family = c.AF_INET
    addr.sin_port = c.htons(port)
    at.domain = c.AF_INET
    at.addrlen.value = c.sizeof(addr)
    return c.inet_pton(c.AF_INET, address, addr.sin_addr) == 1


def inet6_address(address: bytes, port: int, at: Endpoint) -> bool:
    addr = c.sockaddr_in6.from_buffer(at.addr)
    addr.sin6_family = c.AF_INET6
    addr.sin6_port = c.htons(port)
    at.domain = c.AF_INET6
    at.addrlen.value = c.sizeof(addr)
    return c.inet_pton(c.AF_INET6, address, addr.sin6_addr) == 1


def local_address(path: bytes, at: Endpoint) -> bool:
    """AF_LOCAL is POSIX's name for AF_UNIX; Python's socket module has only the latter."""
    addr = c.sockaddr_un.from_buffer(at.addr)
    length = len(path)
    if length < 1 or length >= c.sockaddr_un.sun_path.size:
        return False
    addr.sun_family = c.AF_UNIX
    addr.sun_path = path
    at.domain = c.AF_UNIX
    at.addrlen.value = c.sizeof(addr)
    return True


def parse(argc: int, argv: list[bytes], at: Endpoint) -> bool:
    """Fill the endpoint from FAMILY TYPE ADDRESS [PORT]; False if that is not what the arguments are."""
    if argc < 4:
        return False

    if argv[2] == b"stream":
        at.type = c.SOCK_STREAM
    elif argv[2] == b"dgram":
        at.type = c.SOCK_DGRAM
    else:
        return False

    if argv[1] == b"local":
        return argc == 4 and local_address(argv[3], at)

    port = port_number(argv[4]) if argc == 5 else -1
    if port == -1:
        return False
    if argv[1] == b"inet":
        return inet_address(argv[3], port, at)
    if argv[1] == b"inet6":
        return inet6_address(argv[3], port, at)
    return False

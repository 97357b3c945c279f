"""What a case may need of the machine. Each need is probed once; a case that lacks one is skipped with it."""

from __future__ import annotations

import functools
import socket
import sys
from collections.abc import Callable


def _ipv6() -> str | None:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError as error:
        return f"no IPv6 on loopback ({error.strerror})"
    return None


def _linux() -> str | None:
    return None if sys.platform == "linux" else "not Linux"


def _raw() -> str | None:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()
    except OSError as error:
        return f"no raw sockets ({error.strerror}; CAP_NET_RAW)"
    return None


NEEDS: dict[str, tuple[str, Callable[[], str | None]]] = {
    "ipv6": ("IPv6 on the loopback interface", _ipv6),
    "linux": ("Linux", _linux),
    "raw": ("raw sockets (CAP_NET_RAW)", _raw),
}


@functools.cache
def lacking(need: str) -> str | None:
    """Why the machine does not have what a case needs, or None if it has."""
    return NEEDS[need][1]()

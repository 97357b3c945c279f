"""What a case may need of the machine. Each need is probed once; a case that lacks one is skipped with it."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable

from pysock_raw.conformance import machine


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


def _netns() -> str | None:
    if not shutil.which("ip"):
        return "the ip command is not installed (iproute2)"
    return _in_a_child(lambda: machine.network("link add probe0 type veth peer name probe1"), "no network namespaces")


def _mounts() -> str | None:
    return _in_a_child(lambda: machine.mount("-t", "tmpfs", "none", tempfile.gettempdir()), "no mount namespaces")


def _privileges() -> str | None:
    return None if os.geteuid() == 0 else "not root: there are no privileges to give up or to use"


def _machine_wide() -> str | None:
    if os.geteuid() != 0:
        return "not root: the limit on open files of the whole machine cannot be set"
    if not os.environ.get("PYSOCK_RAW_MACHINE_WIDE"):
        return "it sets a limit of the whole machine for a moment: PYSOCK_RAW_MACHINE_WIDE=1 allows it"
    return None


def _in_a_child(attempt: Callable[[], object], lack: str) -> str | None:
    """Try something that changes the process, in a child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            attempt()
        except BaseException as error:
            output = getattr(error, "stderr", None)
            os.write(writing, str(output.decode().strip() if output else error).encode() or b"failed")
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    reason = os.read(reading, 4096).decode()
    os.close(reading)
    return f"{lack} ({reason})" if reason else None


NEEDS: dict[str, tuple[str, Callable[[], str | None]]] = {
    "ipv6": ("IPv6 on the loopback interface", _ipv6),
    "linux": ("Linux", _linux),
    "raw": ("raw sockets (CAP_NET_RAW)", _raw),
    "netns": ("network namespaces and the ip command", _netns),
    "mounts": ("mount namespaces", _mounts),
    "root": ("privileges", _privileges),
    "machine-wide": ("limits of the whole machine", _machine_wide),
}


@functools.cache
def lacking(need: str) -> str | None:
    """Why the machine does not have what a case needs, or None if it has."""
    return NEEDS[need][1]()

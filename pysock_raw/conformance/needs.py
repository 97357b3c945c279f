"""What a case may need of the machine. Each need is probed once; a case that lacks one is skipped with it."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Callable

from pysock_raw import structures
from pysock_raw.conformance import machine
from pysock_raw.conformance.firewall import connecting_forbidden, unified_cgroups
from pysock_raw.conformance.fuse import broken_file_system
from pysock_raw.conformance.scarcity import memory_cgroups, out_of_memory

AF_ALG, AF_VSOCK, AF_XDP, IPPROTO_MPTCP = 38, 40, 44, 262  # linux/socket.h, linux/in.h; not every Python names them


def _ipv6() -> str | None:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError as error:
        return f"no IPv6 on loopback ({error.strerror})"
    return None


def _linux() -> str | None:
    return None if sys.platform == "linux" else "not Linux"


def _glibc() -> str | None:
    with contextlib.suppress(OSError, ValueError):  # musl's; where there is no such name
        if os.confstr("CS_GNU_LIBC_VERSION"):
            return None
    return "not glibc (musl's accept4 ignores flags, and its sendmsg and recvmsg copy the structure)"


def _o_path() -> str | None:
    return None if hasattr(os, "O_PATH") else "this Python has no os.O_PATH"


def _slices() -> str | None:
    array = (structures.c_int * 2)()
    return None if memoryview(array)[1:].obj is array else "a memoryview does not know what it is a slice of"


def _sockets(what: str, *kind: int, hint: str = "") -> str | None:
    """Sockets that a kernel may lack, or keep from this user."""
    try:
        socket.socket(*kind).close()
    except OSError as error:
        return f"no {what} ({error.strerror}{hint})"
    return None


def _raw() -> str | None:
    return _sockets("raw sockets", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP, hint="; CAP_NET_RAW")


def _netns() -> str | None:
    if not shutil.which("ip"):
        return "the ip command is not installed (iproute2)"
    return _in_a_child(lambda: machine.network("link add probe0 type veth peer name probe1"), "no network namespaces")


def _netns_optmem() -> str | None:
    def attempt() -> None:
        machine.network()
        machine.setting("core/optmem_max", "0")

    return _in_a_child(attempt, "net.core.optmem_max is not one of a network namespace")


def _tun() -> str | None:
    return _in_a_child(lambda: os.close(os.open("/dev/net/tun", os.O_RDWR)), "no tun devices")


def _mounts() -> str | None:
    return _in_a_child(lambda: machine.mount("-t", "tmpfs", "none", tempfile.gettempdir()), "no mount namespaces")


def _fuse() -> str | None:
    def attempt() -> None:
        with tempfile.TemporaryDirectory() as directory, broken_file_system(directory):
            pass

    return _in_a_child(attempt, "no FUSE file systems")


def _memory_cgroups() -> str | None:
    if os.geteuid() != 0:
        return "not root: memory cgroups cannot be made"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "a thread of free-threaded CPython needs pages of its own, and would wait for them"
    if not memory_cgroups():
        return "no memory controller of cgroups version 1"
    return _in_a_child(lambda: out_of_memory(lambda: None), "no memory cgroups for threads")


def _cgroup_bpf() -> str | None:
    def attempt() -> None:
        with connecting_forbidden():
            pass

    if os.geteuid() != 0:
        return "not root: BPF programs cannot be attached to control groups"
    if not unified_cgroups():
        return "no control groups of version 2"
    return _in_a_child(attempt, "no BPF programs on control groups")


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
    "glibc": ("a libc that adds nothing to the call, and has the name (glibc)", _glibc),
    "o-path": ("descriptors of O_PATH (Linux, CPython)", _o_path),
    "slices": ("slices that know what they are of (CPython)", _slices),
    "raw": ("raw sockets (CAP_NET_RAW)", _raw),
    "vsock": ("sockets of AF_VSOCK", lambda: _sockets(f"sockets of family {AF_VSOCK}", AF_VSOCK, socket.SOCK_STREAM)),
    "xdp": (
        "sockets of AF_XDP (CAP_NET_RAW)",
        lambda: _sockets(f"sockets of family {AF_XDP}", AF_XDP, socket.SOCK_RAW),
    ),
    "alg": ("sockets of AF_ALG", lambda: _sockets(f"sockets of family {AF_ALG}", AF_ALG, socket.SOCK_SEQPACKET)),
    "mptcp": ("multipath TCP", lambda: _sockets("MPTCP", socket.AF_INET6, socket.SOCK_STREAM, IPPROTO_MPTCP)),
    "netns": ("network namespaces and the ip command", _netns),
    "netns-optmem": ("optmem_max of a network namespace (Linux 6.7)", _netns_optmem),
    "tun": ("tun devices", _tun),
    "mounts": ("mount namespaces", _mounts),
    "fuse": ("FUSE in a mount namespace", _fuse),
    "memory-cgroups": ("memory cgroups for threads", _memory_cgroups),
    "cgroup-bpf": ("BPF programs on control groups", _cgroup_bpf),
    "root": ("privileges", _privileges),
    "machine-wide": ("limits of the whole machine", _machine_wide),
}


@functools.cache
def lacking(need: str) -> str | None:
    """Why the machine does not have what a case needs, or None if it has."""
    return NEEDS[need][1]()

"""A firewall of one process: a BPF program on a control group of its own that forbids to connect (bpf(2),
cgroups(7)). It needs no package, and nobody else is in the group."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
from collections.abc import Iterator

from pysock_raw.conformance.guardian import Undo, guarded

SYS_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351}.get(platform.machine())
BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28  # linux/bpf.h
BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT = 18, 10
REFUSE = struct.pack("=BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0)  # r0 = 0; exit

_libc = ctypes.CDLL(None, use_errno=True)


def unified_cgroups() -> str | None:
    """The directory of the control groups that BPF programs can be attached to (version 2)."""
    with open("/proc/self/mounts") as mounts:
        return next((line.split()[1] for line in mounts if line.split()[2] == "cgroup2"), None)


@contextlib.contextmanager
def connecting_forbidden() -> Iterator[None]:
    """For as long as the with lasts no connect of this process over IPv4 is allowed."""
    root = unified_cgroups()
    assert root is not None
    with open("/proc/self/cgroup") as groups:
        home = next(line.rstrip("\n").partition("0::")[2] for line in groups if line.startswith("0::"))
    group = f"{root}/pysock_raw.{os.getpid()}"
    with guarded(lambda: _made(group)):
        directory = os.open(group, os.O_RDONLY)
        program = _load(REFUSE)
        # The link is undone by the kernel when its descriptor is closed.
        link = _bpf(BPF_LINK_CREATE, struct.pack("=IIII", program, directory, BPF_CGROUP_INET4_CONNECT, 0))
        try:
            _enter(group)
            yield
        finally:
            _enter(f"{root}{home}")
            for file in (link, program, directory):
                os.close(file)


def _made(group: str) -> Undo:
    os.mkdir(group)

    def remove() -> None:
        while True:  # a process that was killed leaves its group a moment later
            try:
                return os.rmdir(group)
            except OSError:
                os.sched_yield()

    return remove


def _enter(group: str) -> None:
    with open(f"{group}/cgroup.procs", "w") as procs:
        procs.write("0")


def _load(instructions: bytes) -> int:
    code, licence = ctypes.create_string_buffer(instructions), ctypes.create_string_buffer(b"MIT")
    attributes = struct.pack(
        "=IIQQIIQII16sII",
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
        len(instructions) // 8,
        ctypes.addressof(code),
        ctypes.addressof(licence),
        *(0, 0, 0, 0, 0, b"", 0),
        BPF_CGROUP_INET4_CONNECT,
    )
    return _bpf(BPF_PROG_LOAD, attributes)


def _bpf(command: int, attributes: bytes) -> int:
    if SYS_BPF is None:
        raise OSError(f"the number of bpf(2) on {platform.machine()} is not known here")
    descriptor: int = _libc.syscall(SYS_BPF, command, ctypes.create_string_buffer(attributes), len(attributes))
    if descriptor == -1:
        raise OSError(ctypes.get_errno(), f"bpf: {os.strerror(ctypes.get_errno())}")
    return descriptor

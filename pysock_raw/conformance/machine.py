"""Real conditions for a case: namespaces, privileges and limits, all of its own child process alone.

Nothing here outlives the child, and nothing is changed for anybody else: a setting of the machine is set inside a
namespace. Without root, a namespace is one of a user namespace where the system allows that.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
from collections.abc import Iterator

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000  # linux/sched.h
NOBODY = 65534

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """unshare(2); without root in a user namespace of this process, where it is root."""
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        flags |= CLONE_NEWUSER
    if _libc.unshare(flags) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")
    if uid != 0:
        for file, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{file}", "w") as setting:
                setting.write(text)


def network(*commands: str) -> None:
    """A network namespace of this process alone, with the loopback interface up, then each command of ip(8):
    `network("link add v0 type veth peer name v1", "route add prohibit 203.0.113.1")`."""
    unshare(CLONE_NEWNET)
    ip("link set lo up", *commands)


def ip(*commands: str) -> None:
    """Commands of ip(8), for a network namespace that this process made before."""
    subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, check=True, capture_output=True)


def setting(name: str, value: str) -> None:
    """A sysctl below net, of this process's network namespace: `setting("ipv4/tcp_syn_retries", "1")`."""
    with open(f"/proc/sys/net/{name}", "w") as file:
        file.write(value)


def mount(*arguments: str) -> None:
    """mount(8) inside a mount namespace of this process alone."""
    own_mounts()
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def own_mounts() -> None:
    """A mount namespace of this process alone, from which nothing that is mounted reaches others."""
    global _mounts
    if not _mounts:
        unshare(CLONE_NEWNS)
        subprocess.run(["mount", "--make-rprivate", "/"], check=True, capture_output=True)
        _mounts = True


_mounts = False


def unprivileged() -> None:
    """Give up root, for good. A process that is not root has nothing to give up."""
    if os.geteuid() == 0:
        os.chmod(".", 0o777)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def descriptors(most: int) -> None:
    """Let this process open descriptors below `most` only (RLIMIT_NOFILE)."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


@contextlib.contextmanager
def descriptors_below(most: int) -> Iterator[None]:
    """The same for the time of a with: what the runner does when a case has ended takes descriptors too."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    descriptors(most)
    try:
        yield
    finally:
        descriptors(usual)

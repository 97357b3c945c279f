"""AF_UNIX paths, and descriptors that are no sockets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import case, error
from pysock_raw.conformance.fuse import broken_file_system
from pysock_raw.conformance.kinds import (
    LOCAL,
    inet,
    listener,
    local,
    must,
)
from pysock_raw.conformance.scarcity import out_of_memory


def _write_denied(c: Backend) -> bytes:
    listener(c, LOCAL)
    os.chmod("server", 0o555)
    machine.unprivileged()
    return b"server"


def _file(c: Backend) -> bytes:
    with open("file", "w"):
        return b"file"


def _left_behind(c: Backend) -> bytes:
    server, _ = listener(c, LOCAL)
    must(c, c.close(server))
    return b"server"


def _chain(c: Backend) -> bytes:
    """One symbolic link more than path_resolution(7) allows: 40."""
    listener(c, LOCAL)
    os.symlink("server", "link0")
    for number in range(40):
        os.symlink(f"link{number}", f"link{number + 1}")
    return b"link40"


def _linked(target: str) -> Callable[[Backend], bytes]:
    def path(c: Backend) -> bytes:
        os.symlink(target, "link")
        return b"link"

    return path


#: id, what is wrong with the path, errno, its source, what makes the path
PATHS: list[tuple[str, str, str, str, Callable[[Backend], bytes]]] = [
    ("write-permission-denied", "a socket file that may not be written to", "EACCES", "POSIX.1 connect; unix(7)",
     _write_denied),
    ("no-socket-at-the-path", "a path where a regular file is", "ECONNREFUSED", "connect(2)", _file),
    ("socket-left-behind", "the file of a socket that was closed", "ECONNREFUSED", "unix(7)", _left_behind),
    ("symlink-loop", "a symbolic link to itself", "ELOOP", "POSIX.1 connect", _linked("link")),
    ("too-many-symlinks", "a chain of 41 symbolic links to a listener", "ELOOP",
     "POSIX.1 connect (may); path_resolution(7)", _chain),
    ("name-too-long", "a link to a name of 300 bytes", "ENAMETOOLONG", "POSIX.1 connect; path_resolution(7)",
     _linked("x" * 300)),
    ("prefix-no-directory", "a path below a regular file", "ENOTDIR", "POSIX.1 connect",
     lambda c: _file(c) + b"/server"),
    ("dangling-symlink", "a symbolic link to nothing", "ENOENT", "POSIX.1 connect", _linked("nothing")),
]  # fmt: skip


def _path(id: str, shows: str, errno: str, source: str, path: Callable[[Backend], bytes]) -> None:
    @case(f"connect/local/{id}", f"connecting to {shows}", error(errno, source), needs=["linux"])
    def _(c: Backend, box: Box) -> None:
        c.connect(LOCAL.socket(c), *local(c, path(c)))


for _row in PATHS:
    _path(*_row)


@case(
    "connect/local/search-denied",
    "connecting to a path through a directory that may not be searched",
    error("EACCES", "POSIX.1 connect; path_resolution(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    os.mkdir("closed")
    fd = LOCAL.socket(c)
    must(c, c.bind(fd, *local(c, b"closed/server")))
    must(c, c.listen(fd, 5))
    os.chmod("closed", 0o600)
    machine.unprivileged()
    c.connect(LOCAL.socket(c), *local(c, b"closed/server"))
    with contextlib.suppress(PermissionError):  # who was not root has to be able to remove it
        os.chmod("closed", 0o700)


@case(
    "connect/local/io-error",
    "connecting to a path in a file system that cannot read its disk",
    error("EIO", "POSIX.1 connect"),
    needs=["linux", "fuse"],
)
def _(c: Backend, box: Box) -> None:
    os.mkdir("broken")
    with broken_file_system("broken"):
        c.connect(LOCAL.socket(c), *local(c, b"broken/server"))


@case(
    "connect/local/no-kernel-memory",
    "without memory for the server's end Linux says that there is no memory, and not that there are no buffers",
    error("ENOMEM", "an experiment: unix_stream_connect in net/unix/af_unix.c; POSIX.1 may ENOBUFS"),
    needs=["linux", "memory-cgroups"],
)
def _(c: Backend, box: Box) -> None:
    _, address = listener(c, LOCAL)
    ours = LOCAL.socket(c)
    out_of_memory(lambda: c.connect(ours, *address))


@case(
    "connect/local/no-such-abstract-name",
    "an abstract name that nobody has",
    error("ECONNREFUSED", "unix(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.connect(LOCAL.socket(c), *local(c, box.abstract_name))


@case(
    "connect/path-only-descriptor",
    "a descriptor opened with O_PATH is open for nothing but its path",
    error("EBADF", "open(2) O_PATH; connect(2)"),
    needs=["o-path"],
)
def _(c: Backend, box: Box) -> None:
    c.connect(box.keep(os.open(".", os.O_PATH)), *inet(c, c.INADDR_LOOPBACK, 9))

"""AF_UNIX: the path, the file and the name."""

from __future__ import annotations

import os
from collections.abc import Callable

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Outcome, case, error, success
from pysock_raw.conformance.fuse import broken_file_system
from pysock_raw.conformance.kinds import (
    LOCAL,
    LOCAL_DGRAM,
    Kind,
    answer,
    bound,
    listener,
    local,
    must,
    name_of,
    same_address,
)
from pysock_raw.conformance.scarcity import out_of_memory
from pysock_raw.trace_values import errno_name

# --- AF_UNIX: the path ---


def _links(count: int) -> None:
    """link1 to link`count`, each to the one before, and the first to a directory."""
    os.mkdir("link0")
    for number in range(count):
        os.symlink(f"link{number}", f"link{number + 1}")


def _directory(name: str, mode: int) -> None:
    os.mkdir(name)
    os.chmod(name, mode)
    machine.unprivileged()


#: id, what it shows, the answer, what makes the place for the path, the path
PATHS: list[tuple[str, str, Outcome, Callable[[], object], str]] = [
    ("no-search-permission", "a directory of the path may not be searched",
     error("EACCES", "POSIX.1 bind; bind(2)"), lambda: _directory("closed", 0o600), "closed/server"),
    ("no-write-permission", "the directory may not be written to",
     error("EACCES", "POSIX.1 bind; unix(7)"), lambda: _directory("fixed", 0o500), "fixed/server"),
    ("file-of-that-name", "a file that is no socket has the path",
     error("EADDRINUSE", "POSIX.1 bind; unix(7)"), lambda: open("server", "w").close(), "server"),
    ("directory-of-that-name", "a directory has the path",
     error("EADDRINUSE", "an experiment: unix_bind_bsd makes EEXIST EADDRINUSE"), lambda: os.mkdir("server"), "server"),
    ("dangling-link-of-that-name", "bind does not follow a symbolic link at the end of the path",
     error("EADDRINUSE", "POSIX.1 bind: if the pathname names a symbolic link"),
     lambda: os.symlink("nowhere", "server"), "server"),
    ("slash-at-the-end", "a path that ends with a slash would be a directory's",
     error("ENOENT", "an experiment: filename_create in fs/namei.c"), lambda: None, "server/"),
    ("file-in-the-path", "a part of the path is a file, not a directory",
     error("ENOTDIR", "POSIX.1 bind; bind(2)"), lambda: open("file", "w").close(), "file/server"),
    ("link-to-itself", "a symbolic link of the path leads back to itself",
     error("ELOOP", "POSIX.1 bind; bind(2)"), lambda: os.symlink("loop", "loop"), "loop/server"),
    ("40-links", "40 symbolic links are followed", success("path_resolution(7): at most 40"),
     lambda: _links(40), "link40/server"),
    ("41-links", "41 symbolic links are one too many", error("ELOOP", "POSIX.1 bind; path_resolution(7): at most 40"),
     lambda: _links(41), "link41/server"),
    ("component-of-256-bytes", "a name has at most NAME_MAX bytes, 255, here as a symbolic link has it",
     error("ENAMETOOLONG", "POSIX.1 bind; bind(2)"), lambda: os.symlink("n" * 256, "link"), "link/server"),
    ("longer-than-path-max", "symbolic links may make a path of more than PATH_MAX bytes, 4096, in the end",
     success("an experiment: link_path_walk in fs/namei.c measures names and the text of each link alone"),
     lambda: os.symlink("./" * 2047, "link"), "link/link/server"),
]  # fmt: skip


def _path(id: str, shows: str, outcome: Outcome, prepare: Callable[[], object], path: str, *needs: str) -> None:
    @case(f"bind/local/{id}", shows, outcome, needs=("linux", *needs))
    def _(c: Backend, box: Box) -> None:
        prepare()
        c.bind(LOCAL.socket(c), *local(c, path.encode()))


for _row in PATHS:
    _path(*_row)


def _file_system(*options: str) -> None:
    os.mkdir("files")
    machine.mount("-t", "tmpfs", *options, "none", "files")


_path(
    "read-only-file-system",
    "the path is on a file system that may not be written to",
    error("EROFS", "POSIX.1 bind; bind(2)"),
    lambda: _file_system("-o", "ro"),
    "files/server",
    "mounts",
)
_path("full-file-system", "the file system has no inode left for the socket",
      error("ENOSPC", "an experiment: unix_bind_bsd passes on what mknod(2) answers"),
      lambda: _file_system("-o", "nr_inodes=1"), "files/server", "mounts")  # fmt: skip


@case(
    "bind/local/input-output-error",
    "the file system fails to look the path up",
    error("EIO", "POSIX.1 bind"),
    needs=["linux", "fuse"],
)
def _(c: Backend, box: Box) -> None:
    os.mkdir("files")
    with broken_file_system("files"):
        c.bind(LOCAL.socket(c), *local(c, b"files/server"))


@case(
    "bind/local/no-kernel-memory",
    "the kernel has no memory for the name of the new file",
    error("ENOMEM", "bind(2); cgroups(7)"),
    needs=["linux", "memory-cgroups"],
)
def _(c: Backend, box: Box) -> None:
    fd, address = LOCAL.socket(c), local(c, b"server")
    out_of_memory(lambda: c.bind(fd, *address))


@case(
    "bind/local/null",
    "NULL as address is EFAULT on Linux, for AF_UNIX too",
    error("EFAULT", "bind(2)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    c.bind(LOCAL.socket(c), None, 16)


@case(
    "bind/local/empty-path",
    "an empty path with its NUL is no missing file: it is the abstract name of one NUL",
    success("unix(7); an experiment: unix_bind", observed=[3, []]),
    needs=["netns"],
)
def _(c: Backend, box: Box) -> list[object]:
    machine.network()  # the name would be everybody's
    fd = LOCAL.socket(c)
    c.bind(fd, *local(c, b"\0"))
    return [name_of(c, fd, LOCAL)[1], os.listdir()]


@case(
    "bind/local/failed-bind-leaves-no-file",
    "a bind that fails because the socket has a name removes the file that it had made",
    error("EINVAL", "an experiment: unix_bind_bsd unlinks it again", observed=["first"]),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> list[str]:
    fd, _ = bound(c, LOCAL, "first")
    c.bind(fd, *local(c, b"second"))
    return os.listdir()


# --- AF_UNIX: the file and the name ---


@case(
    "bind/local/path-cannot-be-opened",
    "the file of a socket is for connect, not for open",
    success("open(2) ENXIO: the file is a UNIX domain socket", observed="ENXIO"),
)
def _(c: Backend, box: Box) -> str | None:
    bound(c, LOCAL)
    try:
        os.close(os.open("server", os.O_RDWR))
    except OSError as error:
        return errno_name(error.errno or 0)
    return None


def _moved(id: str, shows: str, move: Callable[[], object], connects: list[object]) -> None:
    @case(f"bind/local/{id}", shows, success("unix(7); path_resolution(7)", observed=connects), needs=["linux"])
    def _(c: Backend, box: Box) -> list[object]:
        listener(c, LOCAL)
        move()
        return [answer(c, c.connect(LOCAL.socket(c), *local(c, path))) for path in (b"server", b"other")]


_moved("hard-link", "a hard link to the file is another path to the socket", lambda: os.link("server", "other"), [0, 0])
_moved("renamed", "a renamed file still leads to the socket", lambda: os.rename("server", "other"), ["ENOENT", 0])
_moved("symbolic-link", "connect follows a symbolic link to the file", lambda: os.symlink("server", "other"), [0, 0])
_moved("unlinked", "without its file the socket still listens, and nobody finds it",
       lambda: os.unlink("server"), ["ENOENT", "ENOENT"])  # fmt: skip


@case(
    "bind/local/file-outlives-the-socket",
    "the file stays when the socket is closed: connect is refused there, and bind only after unlink",
    success("unix(7) NOTES", observed=["ECONNREFUSED", "EADDRINUSE", 0]),
)
def _(c: Backend, box: Box) -> list[object]:
    fd, address = listener(c, LOCAL)
    must(c, c.close(fd))
    seen = [answer(c, c.connect(LOCAL.socket(c), *address)), answer(c, c.bind(LOCAL.socket(c), *address))]
    os.unlink("server")
    return [*seen, c.bind(LOCAL.socket(c), *address)]


@case(
    "bind/local/abstract-name-of-the-closed",
    "an abstract name is free as soon as its socket is closed",
    success("unix(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    fd, address = LOCAL.socket(c), local(c, box.abstract_name)
    must(c, c.bind(fd, *address))
    must(c, c.close(fd))
    c.bind(LOCAL.socket(c), *address)


@case(
    "bind/local/abstract-name-in-use",
    "an abstract name that another socket has",
    error("EADDRINUSE", "bind(2); unix(7)"),
    needs=["linux"],
)
def _(c: Backend, box: Box) -> None:
    address = local(c, box.abstract_name)
    must(c, c.bind(LOCAL.socket(c), *address))
    c.bind(LOCAL.socket(c), *address)


@case(
    "bind/local/namespaces",
    "an abstract name belongs to a network namespace, where the name can be had again; a path belongs to none",
    error("EADDRINUSE", "unix(7); network_namespaces(7)", observed=["ECONNREFUSED", 0, 0]),
    needs=["netns"],
)
def _(c: Backend, box: Box) -> list[object]:
    abstract, path = local(c, box.abstract_name), local(c, b"server")
    for address in (abstract, path):
        fd = LOCAL.socket(c)
        must(c, c.bind(fd, *address))
        must(c, c.listen(fd, 1))
    machine.network()
    reached = [answer(c, c.connect(LOCAL.socket(c), *address)) for address in (abstract, path)]
    again = c.bind(LOCAL.socket(c), *abstract)
    c.bind(LOCAL.socket(c), *path)
    return [*reached, again]


def _autobind(kind: Kind) -> None:
    @case(
        f"bind/{kind.name}/autobind-again",
        "with nothing but a family, a socket that has got its abstract name keeps it: NUL and five hexadecimal digits",
        success("unix(7) Autobind feature; an experiment: unix_autobind", observed=[True, True]),
        needs=["linux"],
    )
    def _(c: Backend, box: Box) -> list[bool]:
        fd, family = kind.socket(c), c.sockaddr_un(sun_family=c.AF_UNIX)
        must(c, c.bind(fd, family, 2))
        first = name_of(c, fd, kind)
        c.bind(fd, family, 2)
        name = bytes(first[0])[2 : first[1]]
        return [
            name[:1] == b"\0" and len(name) == 6 and set(name[1:]) <= set(b"0123456789abcdef"),
            same_address(first, name_of(c, fd, kind)),
        ]


_autobind(LOCAL)
_autobind(LOCAL_DGRAM)

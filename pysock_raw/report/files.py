"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def whole(path: Path) -> Iterator[IO[str]]:
    """A text to write, which takes the place of a file when it is complete; until then, and if that fails, the file
    stays as it was. OSError says what went wrong."""
    path = Path(os.path.realpath(path))  # what a link points to is replaced, not the link
    if path.exists() and not path.is_file():  # a device or a pipe is written to, not replaced
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        return
    handle, name = _new(path.parent)
    try:
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
            file.flush()
            os.fchmod(handle, _mode(path))
            name = name or _named(handle, path.parent)
        os.replace(name, path)
    except BaseException:
        if name:
            os.unlink(name)
        raise


def _new(directory: Path) -> tuple[int, str | None]:
    """A file without a name, of which nothing is left if this process is killed; with one where the system, or the
    file system, knows no such files (open(2), O_TMPFILE)."""
    with contextlib.suppress(AttributeError, OSError):
        return os.open(directory, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600), None
    return tempfile.mkstemp(dir=directory, prefix=".pysock_raw.")


def _named(handle: int, directory: Path) -> str:
    """A name for a file that has none, beside the one that it will replace."""
    name = str(directory / f".pysock_raw.{secrets.token_hex(8)}")
    os.link(f"/proc/self/fd/{handle}", name, src_dir_fd=handle)  # with src_dir_fd Python follows the link
    return name


def _mode(path: Path) -> int:
    """That of the file which is replaced, or that of a new one."""
    if path.exists():
        return path.stat().st_mode & 0o7777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask

"""The digest of the sources that the C backend is compiled from.

The build puts it into the extension and the C backend compares it with the sources that lie beside the
package, so that an extension older than its sources is an error and never evidence.
csrc/build_ffi.py runs this file on its own, so it imports nothing of the package.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import Any

SOURCES = ("csrc/pysock_raw.h", "csrc/pysock_raw.c", "csrc/build_ffi.py", "pysock_raw/constants.py")


class StaleExtension(ImportError):
    """The compiled C backend was built from other sources than those beside the package."""


def _sha256() -> Any:
    """From where it is cheapest to import, as random.py does it: hashlib loads OpenSSL."""
    for module in ("_sha2", "_sha256"):  # from 3.12 on, and before
        with suppress(ImportError):
            return import_module(module).sha256()
    return import_module("hashlib").sha256()


def digest(root: str | os.PathLike[str]) -> str | None:
    """SHA-256 over the names and contents of SOURCES under root, or None where csrc/ is not there (an
    installed wheel, whose extension was built together with it)."""
    if not os.path.exists(os.path.join(root, SOURCES[0])):
        return None
    state = _sha256()
    for source in SOURCES:
        with open(os.path.join(root, source), "rb") as file:
            state.update(source.encode() + b"\0" + file.read() + b"\0")
    return str(state.hexdigest())

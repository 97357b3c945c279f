"""The digest of the sources that the C backend is compiled from.

The build puts it into the extension and the C backend compares it with the sources that lie beside the
package, so that an extension older than its sources is an error and never evidence.
csrc/build_ffi.py runs this file on its own, so it imports nothing of the package.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

SOURCES = ("csrc/pysock_raw.h", "csrc/pysock_raw.c", "csrc/build_ffi.py", "pysock_raw/constants.py")


class StaleExtension(ImportError):
    """The compiled C backend was built from other sources than those beside the package."""


def digest(root: Path) -> str | None:
    """SHA-256 over the names and contents of SOURCES under root, or None where csrc/ is not there (an
    installed wheel, whose extension was built together with it)."""
    if not (root / SOURCES[0]).exists():
        return None
    state = hashlib.sha256()
    for source in SOURCES:
        state.update(source.encode() + b"\0" + (root / source).read_bytes() + b"\0")
    return state.hexdigest()

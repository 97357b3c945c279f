"""What a comparison ran on."""

from __future__ import annotations

import os
import platform
from typing import Any

import pysock_raw
from pysock_raw.backends import load


def environment() -> dict[str, Any]:
    """Versions and machine, as they stand in every report. `c_backend` has the compiler and the digest of the
    sources that it was built from, or the reason why it is missing."""
    try:
        c = load("c")
        backend = {"compiler": c.compiler, "digest": c.digest, "missing": None}
    except ImportError as error:
        backend = {"compiler": None, "digest": None, "missing": str(error)}
    return {
        "pysock_raw": pysock_raw.__version__,
        "c_backend": backend,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "root": os.geteuid() == 0,
    }

"""Running a program so that the pysock_raw that it imports is a given api."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from pysock_raw import selected
from pysock_raw.backends.contract import Backend


def run_script(script: Path, arguments: Sequence[str], api: Backend) -> None:
    """Run a script as __main__ in this process, which is given up to it. Python programs that it starts use the
    same backend, unrecorded."""
    os.environ["PYSOCK_RAW_BACKEND"] = api.name
    selected.api, selected.backend_reason = api, f"pysock-raw runs this program on {api.name}"
    for module in ("pysock_raw", "pysock_raw.checked"):
        sys.modules.pop(module, None)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")

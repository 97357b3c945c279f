"""pysock-raw, or python -m pysock_raw, as a process: its exit status, and its end where the package does not load."""

from __future__ import annotations

import os
import sys

from pysock_raw.trace_text import printable

EXPLAINED, TROUBLE, USAGE, ENVIRONMENT = range(4)


def end_if_this_is_it(status: int, text: str) -> None:
    """Importing the package is about to fail. If this process is the command, which cannot catch that because none of
    its own modules has run, end it with one sentence."""
    if _is_this_process():
        print(f"pysock-raw: {printable(text)}", file=sys.stderr)
        sys.exit(status)


def _is_this_process() -> bool:
    """By what started Python: the name of the script, or the module after -m."""
    first = sys.argv[0] if getattr(sys, "argv", None) else ""  # an embedded Python has none
    if first == "-m":  # until the module is found
        started = getattr(sys, "orig_argv", [])
        return "".join(started[: len(started) - len(sys.argv) + 1]).endswith("-mpysock_raw")
    return os.path.basename(first) == "pysock-raw"

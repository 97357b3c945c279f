"""Running a program so that the pysock_raw that it imports is a given api."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from pysock_raw import selected
from pysock_raw.backends.contract import Backend
from pysock_raw.trace import Record


def at_the_end(handler: Callable[[int, Any], object] | signal.Handlers) -> None:
    """What the signals do that end a program, those that are not ignored, as nohup(1) has SIGHUP."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def run_script(script: Path, arguments: Sequence[str], api: Backend) -> None:
    """Run a script as __main__ in this process, which is given up to it. Python programs that it starts use the
    same backend, unrecorded."""
    os.environ["PYSOCK_RAW_BACKEND"] = api.name
    selected.api, selected.backend_reason = api, f"pysock-raw runs this program on {api.name}"
    for module in ("pysock_raw", "pysock_raw.checked"):
        sys.modules.pop(module, None)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.parent))
    at_the_end(signal.SIG_DFL)
    runpy.run_path(str(script), run_name="__main__")


def run_as_program(script: Path, arguments: Sequence[str], api: Backend) -> NoReturn:
    """Run a script as `python SCRIPT` does: its end is the end of this process, and what it does not catch is its own,
    with a traceback that begins in it."""
    try:
        run_script(script, arguments, api)
    except SystemExit:
        raise
    except BaseException as error:
        error.__traceback__ = _from_main(error.__traceback__)  # which the usual hook shows, whatever it is given
        sys.excepthook(type(error), error, error.__traceback__)
        raise SystemExit(128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1) from None
    raise SystemExit(0)


def _from_main(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames above the script's first; None, as Python has it, of one that does not compile."""
    while trace and trace.tb_frame.f_globals.get("__name__") != "__main__":
        trace = trace.tb_next
    return trace


def record_script(script: Path, arguments: Sequence[str], side: str) -> tuple[list[Record], int]:
    """Run a script, and the Python programs that it starts, in processes of their own: their records in the order
    in which the calls ended, and the script's exit status. An interrupt ends the script and not the recording."""
    with tempfile.TemporaryDirectory(prefix="pysock_raw.") as directory:
        trace = os.path.join(directory, "trace.jsonl")
        command = [sys.executable, "-m", "pysock_raw", "trace", "--side", side, "--format", "jsonl", "-o", trace]
        with subprocess.Popen(
            [*command, str(script), "--", *arguments], stdout=2, env={**os.environ, "PYSOCK_RAW_TRACE": trace}
        ) as child:
            try:
                status = child.wait()
            except KeyboardInterrupt:
                status = child.wait()
            finally:
                child.terminate()
        with open(trace) as file:
            return [json.loads(text) for text in file], status if status >= 0 else 128 - status

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
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from pysock_raw import selected
from pysock_raw.backends.contract import Backend
from pysock_raw.trace import Record

KINDS: dict[str, Any] = {
    "call": str,
    "args": list,
    "result": int | None,
    "errno": str | None,
    "raised": str | None,
    "emulated": bool,
    "pid": int,
    "thread": int,
    "actor": str,
    "where": str,
    "time": list,
}
"""What the keys of a record hold."""


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


@dataclass
class Recording:
    """What a script, and the Python programs that it started, did: records in the order in which the calls ended."""

    records: list[Record] = field(default_factory=list)
    strange: int = 0
    """Lines of the trace that are no records: the programs can write to it."""
    status: int = 0
    """The script's exit status."""

    def add(self, text: str) -> None:
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            record = None
        if _is_record(record):
            self.records.append(record)
        else:
            self.strange += 1


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict) or not value.keys() >= KINDS.keys():
        return False
    kinds_are_right = all(isinstance(value[key], kind) for key, kind in KINDS.items())
    return kinds_are_right and len(value["time"]) == 2 and all(isinstance(time, int) for time in value["time"])


def record_script(script: Path, arguments: Sequence[str], side: str) -> Recording:
    """Run a script, and the Python programs that it starts, in processes of their own. An interrupt ends the script and
    not the recording."""
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
        recording = Recording(status=status if status >= 0 else 128 - status)
        with open(trace, encoding="utf-8", errors="replace") as file:
            for text in file:
                recording.add(text)
        return recording

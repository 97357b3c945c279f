"""A lesson for a person at a terminal: a column for each lane, time runs down. Each step is a sentence, the call in C,
the same in Python, the result, and what the kernel says then, in the column of the socket that it is about.

Piped, the text is plain and the same from run to run: ports and processes have names. At a terminal they are the real
ones, and the steps come at reading speed.
"""

from __future__ import annotations

import errno
import io
import os
import re
import select
import sys
import time
from collections.abc import Callable, Iterable
from typing import IO, Any

from rich.box import Box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from pysock_raw.conformance.naming import AUTOBOUND
from pysock_raw.lessons.in_python import in_python
from pysock_raw.lessons.kernel import Address, Word
from pysock_raw.lessons.lesson import Played
from pysock_raw.lessons.stage import LANES, Step
from pysock_raw.trace import Record
from pysock_raw.trace_text import ending, line, printable

PIPED_WIDTH = 120

TWO_LANES = Box("    \n  │ \n    \n  │ \n    \n    \n  │ \n    \n")

#: Seconds that people take for a step, for each word of its sentence, and for each fact about it.
STEP, WORD, FACT = 0.8, 0.25, 0.5

SIDES = {"c": "in C", "python": "on the fallback in Python", "stdlib": "with Python's own sockets"}

Pause = Callable[[float], object]


def render(played: Played, file: IO[str], pause: Pause = lambda seconds: None) -> None:
    """`pause` is called after each step with the seconds that it takes to read it."""
    if not file.isatty():
        plain = io.StringIO()
        _render(played, Console(file=plain, width=PIPED_WIDTH), _Names(played), pause)
        file.writelines(f"{text.rstrip()}\n" for text in plain.getvalue().splitlines())
    else:
        _render(played, Console(file=file, highlight=False), None, pause)


def _render(played: Played, out: Console, names: _Names | None, pause: Pause) -> None:
    heads = {lane: f"{lane.upper()}, process {pid}" for lane, pid in played.processes.items()}
    out.print(Text.assemble((played.lesson.title, "bold"), f", {SIDES[played.side]}"))
    out.print(Text(played.lesson.shows, "italic"))
    out.print()
    out.print(_lanes(Text(heads[lane] if not names else lane.upper(), "bold reverse") for lane in played.processes))
    chapter = None
    for step in played.steps:
        if step.chapter != chapter:
            out.print()
            out.rule(Text(step.chapter or "", "bold cyan"), align="left", style="cyan")
            chapter = step.chapter
        out.print(_lanes(_cell(names.step(step) if names else step, lane, played.side) for lane in LANES))
        pause(STEP + WORD * len(step.says.split()) + FACT * len(step.kernel))
    if played.ended is None:
        other = "stdlib" if played.side == "c" else "c"
        out.print(Text(f"\nThe same {SIDES[other]}: pysock-raw demo {played.lesson.name} --side {other}", "dim"))


def reading(seconds: float) -> None:
    """Leave time to read; Enter goes on at once."""
    if not sys.stdin.isatty():
        time.sleep(seconds)
    elif select.select([sys.stdin], [], [], seconds)[0]:
        sys.stdin.readline()


def _lanes(cells: Iterable[Any]) -> Table:
    table = Table(box=TWO_LANES, show_header=False, show_edge=False, expand=True, padding=(0, 1), pad_edge=False)
    for _ in LANES:
        table.add_column(ratio=1, overflow="fold")
    table.add_row(*cells)
    table.add_row(*("" for _ in LANES))
    return table


def _cell(step: Step, lane: str, side: str) -> Group:
    words = [_word(word) for word in step.kernel if word["lane"] == lane]
    facts = Table.grid(padding=(0, 1))
    facts.add_column(style="dim", no_wrap=True, min_width=7)
    facts.add_column(overflow="fold")
    if lane == step.lane:
        call = line(step.call).removesuffix(f" = {ending(step.call)}")
        facts.add_row(" C", Text(call, "cyan"))
        facts.add_row(" Python", Text(printable(in_python(step.call)), "cyan"))
        facts.add_row(" result", _result(step.call, side))
    for label, word in zip([" kernel", *[""] * len(words)], words, strict=False):
        facts.add_row(label, word)
    sentence = [Text(step.says, "bold")] if lane == step.lane else []
    return Group(*sentence, facts)


def _result(call: Record, side: str) -> Text:
    if call["raised"] is not None:
        return Text(printable(call["raised"]), "bold red")
    if call["result"] is None:
        return Text("not yet: the call waits", "magenta")
    if call["errno"] is None:
        return Text(ending(call), "green")
    number = getattr(errno, call["errno"])
    if side != "stdlib":
        return Text(f"{ending(call)}: {os.strerror(number)}", "bold red")
    return Text(f"{type(OSError(number, '')).__name__} {call['errno']}: {os.strerror(number)}", "bold red")


def _word(word: Word) -> Text:
    """What the kernel says, in words: the state first, then whose it is."""
    if "process" in word:
        return Text({"S": "the process sleeps (S)"}.get(word["process"], f"the process: {word['process']}"), "yellow")
    if "program" in word:
        held = ", ".join(map(str, word["sockets"])) or "none"
        return Text(f"program {word['program']} has sockets: {held}", "yellow")
    whose = f"fd {word['fd']}{', closed' if word['closed'] else ''}"
    if word["state"] is None:
        said = "nothing is left" if word["closed"] else "not in /proc/net"
        return Text(f"{whose}: {said}", "yellow")
    said = f"{word['state']} ({word['code']}){_waiting(word)}"
    return Text.assemble((f"{whose}: {said}", "yellow"), (f" · {printable(_place(word))}", "dim"))


def _place(word: Word) -> str:
    """Where the kernel says so, and the addresses."""
    addresses = [_address(word[key]) for key in ("local", "peer") if word.get(key)]
    return " ".join([word["table"] or "by TCP_INFO", " → ".join(addresses)])


def _waiting(word: Word) -> str:
    if "queue" in word:
        return f", queue {word['queue']}" + (f", backlog {word['limit']}" if "limit" in word else "")
    if not word.get("unread"):
        return ""
    if word["state"] == "CLOSE_WAIT":
        return f", {word['unread']} unread (the end counts as one)"
    return f", {word['unread']} bytes unread"


def _address(address: Address) -> str:
    if "path" in address:
        return str(address["path"]).replace("\0", "@", 1)
    host = f"[{address['addr']}]" if ":" in address["addr"] else address["addr"]
    return f"{host}:{address['port']}"


class _Names:
    """Names for what differs from run to run, given in the order in which they come."""

    OWN_PATH = re.compile(r"^(\w+)\.\d+$")  # Stage.path

    def __init__(self, played: Played) -> None:
        self._processes = {pid: lane for lane, pid in played.processes.items()}
        self._given: dict[Any, str] = {}

    def step(self, step: Step) -> Step:
        call = {**step.call, "args": [self._value(None, arg) for arg in step.call["args"]]}
        if call["call"] in ("kill", "posix_spawnp", "waitpid"):
            call["args"][0] = self._process(call["args"][0])
            call["result"] = self._process(call["result"]) if call["result"] else call["result"]
        kernel = [{key: self._value(key, value) for key, value in word.items()} for word in step.kernel]
        return Step(step.lane, step.says, call, kernel, step.chapter)

    def _process(self, pid: Any) -> Any:
        if isinstance(pid, list):
            return [self._process(item) for item in pid]
        return self._processes.setdefault(pid, "pid")

    def _value(self, key: str | None, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._value(key, member) for key, member in value.items()}
        if key == "program":
            return self._process(value)
        if (key == "port" and value) or (key == "path" and AUTOBOUND.fullmatch(value)):
            kind = "port" if key == "port" else "name"
            known = sum(name.startswith(kind) for name in self._given.values())
            return self._given.setdefault(value, f"{kind}{known + 1}")
        return self.OWN_PATH.sub(r"\1", value) if key in ("path", "bytes") else value

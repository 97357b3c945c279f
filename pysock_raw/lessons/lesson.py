"""A lesson: a small program over `api` and a stage that tells what happens, step by step.

    @lesson("half-close", "Half of a connection closes", "what shutdown sends, and that the other direction goes on")
    def program(c: Backend, stage: Stage) -> None: ...

It is played at once and shown afterwards: the kernel's timers do not wait for readers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Unarranged
from pysock_raw.conformance.needs import lacking
from pysock_raw.conformance.runner import DEADLINE
from pysock_raw.lessons.actor import Ended
from pysock_raw.lessons.in_python import in_python
from pysock_raw.lessons.stage import Stage, Step, set_up

Program = Callable[[Backend, Stage], None]


@dataclass(frozen=True)
class Lesson:
    name: str
    title: str
    shows: str
    """What somebody who watches it will see."""
    program: Program
    needs: tuple[str, ...]


@dataclass
class Played:
    """What happened in a lesson on one side."""

    lesson: Lesson
    side: str
    steps: list[Step] = field(default_factory=list)
    processes: dict[str, int] = field(default_factory=dict)
    ended: str | None = None
    """Why it ended before its time."""

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "lesson": self.lesson.name,
            "title": self.lesson.title,
            "side": self.side,
            "processes": self.processes,
            "ended": self.ended,
            "steps": [vars(step) | {"python": in_python(step.call)} for step in self.steps],
        }


_lessons: dict[str, Lesson] = {}

#: The modules of programs/, in the order in which one would take their lessons.
MODULES = (
    "stages",
    "backlog",
    "accept_order",
    "addresses",
    "half_close",
    "nonblocking_connect",
    "signals",
    "inheritance",
    "dual_stack",
)


def lesson(name: str, title: str, shows: str, needs: Iterable[str] = ()) -> Callable[[Program], Program]:
    def register(program: Program) -> Program:
        _lessons[name] = Lesson(name, title, shows, program, ("linux", *needs))
        return program

    return register


def lessons() -> dict[str, Lesson]:
    """All lessons by name."""
    for module in MODULES:
        importlib.import_module(f"pysock_raw.lessons.programs.{module}")
    return dict(_lessons)


def lacks(lesson: Lesson) -> str | None:
    """Why this machine cannot run a lesson, or None if it can."""
    return next((reason for need in lesson.needs if (reason := lacking(need))), None)


def play(lesson: Lesson, api: Backend, *, deadline: float = DEADLINE) -> Played:
    """Run a lesson. It ends, also if a call of it does not; its processes and files are gone then."""
    played = Played(lesson, api.name)
    try:
        with set_up(api, deadline) as stage:
            played.steps = stage.steps
            played.processes = {"server": stage.server.pid, "client": stage.client.pid}
            lesson.program(api, stage)
    except (Ended, Unarranged, OSError) as error:
        played.ended = str(error)
    return played

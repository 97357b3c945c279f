"""Looking for differences that nobody has thought of: random programs (programs.py) on every side, until one differs
and nothing explains it.

Workers share the programs, each in a network namespace of its own: there a program may send wherever it likes, and
nobody else takes its ports. A program runs on one side after the other, in a forked child each time.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from types import CodeType
from typing import Any, cast

from hypothesis import HealthCheck, Phase, given, seed as seeded, settings
from hypothesis.errors import FlakyFailure

from pysock_raw.backends import SIDES, load
from pysock_raw.backends.contract import Backend
from pysock_raw.conformance import machine
from pysock_raw.conformance.child import Recording
from pysock_raw.conformance.compare import WAITING, Result, Script
from pysock_raw.conformance.differences import CATALOGUE, Difference
from pysock_raw.conformance.programs import Step, programs as random_programs, script
from pysock_raw.conformance.runner import STOPPED, Job, Run, run
from pysock_raw.conformance.verdicts import ACCEPTABLE
from pysock_raw.constants import GROUPS
from pysock_raw.trace import OURS, Record, Recorded, out_of_the_way
from pysock_raw.trace_values import names

BATCH = 200  # programs that Hypothesis draws in one go
ATTEMPTS = 150  # at a shorter program
DEADLINE = 2.0  # seconds for one program on one side, which usually takes some milliseconds
PATIENCE = 30.0  # seconds for a batch on one side
TIMES = 3  # a program has to differ each time


@dataclass
class Found:
    """What a search found."""

    programs: int = 0
    calls: int = 0
    """Calls of C in them."""
    verdicts: dict[str, Counter[str]] = field(default_factory=dict)
    """side -> how many programs got each verdict."""
    differences: Counter[str] = field(default_factory=Counter)
    uncompared: int = 0
    unsteady: list[str] = field(default_factory=list)
    """Programs that differed once, and then not again."""
    unexplained: str | None = None
    """The shortest program that differs and that nothing explains."""
    seconds: float = 0.0

    def add(self, other: Found) -> None:
        self.programs += other.programs
        self.calls += other.calls
        for side, counts in other.verdicts.items():
            self.verdicts.setdefault(side, Counter()).update(counts)
        self.differences.update(other.differences)
        self.uncompared += other.uncompared
        self.unsteady += other.unsteady
        self.unexplained = self.unexplained or other.unexplained

    def count(self, result: Result) -> None:
        self.programs += 1
        self.calls += len(result.runs[result.reference].trace)
        for side, comparison in result.comparisons.items():
            self.verdicts.setdefault(side, Counter())[comparison.verdict] += 1
            self.uncompared += comparison.uncompared
        self.differences.update(result.differences)


class Unexplained(AssertionError):
    """A program that differs; for Hypothesis, which then looks for a shorter one."""


def search(
    programs: int,
    seed: int,
    *,
    jobs: int | None = None,
    differences: Sequence[Difference] = CATALOGUE,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Found:
    """Try so many programs, the same ones for the same seed, and stop at the first that nothing explains."""
    started, found = time.monotonic(), Found()
    for prefix in GROUPS:
        names(prefix)  # once here instead of once in each child
    apis = {side: load(side) for side in SIDES}
    batches = [(f"{seed}:{begin}", min(BATCH, programs - begin)) for begin in range(0, programs, BATCH)]
    workers = jobs or WAITING * (os.cpu_count() or 1)
    context = multiprocessing.get_context("fork")
    enough = context.Event()
    with (
        tempfile.TemporaryDirectory(prefix="pysock_raw.", ignore_cleanup_errors=True) as root,
        context.Pool(workers, _begin, (root, enough, apis, differences)) as pool,
    ):
        os.chmod(root, 0o711)  # a program may give up its privileges
        for batch in pool.imap_unordered(_batch, batches):  # to the end, so that no worker is stopped at its work
            found.add(batch)
            progress(found.programs, programs)
    found.seconds = time.monotonic() - started
    return found


def _begin(root: str, enough: Event, *work: Any) -> None:
    """A worker's life begins: what it was given comes with the fork, and it has a network of its own. What it leaves
    behind, if it is ended, is in the directory of all."""
    global _enough, _work
    _enough, _work = enough, work
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a pool ends its workers so
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which is for the command
    tempfile.tempdir = root
    machine.network()


_enough: Event
"""Set when a program is found, and nobody needs more."""
_work: tuple[dict[str, Backend], Sequence[Difference]]


def _batch(batch: tuple[str, int]) -> Found:
    """Draw programs and try them all in one child for each side; what looks wrong there is tried alone."""
    found, drawn, differing = Found(), list[str](), set[str]()
    if _enough.is_set():
        return found
    _draw(*batch, lambda steps: drawn.append(script(steps)))
    for text, result in zip(drawn, _judged(drawn), strict=True):
        found.count(result)
        if wrong(result):
            differing.add(text) if _differs(text) else found.unsteady.append(text)
    if differing and not _enough.is_set():
        _enough.set()
        found.unexplained = _shortest(batch, differing)
    return found


def _draw(seed: str, count: int, tried: Callable[[list[Step]], object], *more: Phase) -> None:
    """Have Hypothesis draw programs."""

    @seeded(seed)
    @settings(
        max_examples=count,
        phases=(Phase.generate, *more),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(random_programs)
    def draw(steps: list[Step]) -> None:
        tried(steps)

    draw()


def _shortest(batch: tuple[str, int], differing: set[str]) -> str:
    """Draw the same programs again, and let Hypothesis shrink the first that differs."""
    shortest, left = list[Step](), ATTEMPTS

    def tried(steps: list[Step]) -> None:
        nonlocal shortest, left
        known = steps == shortest if shortest else script(steps) in differing
        if shortest and not known and left:
            left -= 1
            known = _differs(script(steps))
        if known:
            shortest = steps
            raise Unexplained

    with contextlib.suppress(Unexplained, FlakyFailure):
        _draw(*batch, tried, Phase.shrink)
    return script(_needed(shortest))


def _needed(steps: list[Step]) -> list[Step]:
    """The steps without which a program does not differ: Hypothesis may have come to the end of its attempts."""
    for index in reversed(range(len(steps))):
        fewer = steps[:index] + steps[index + 1 :]
        if _differs(script(fewer)):
            steps = fewer
    return steps


def _differs(text: str) -> bool:
    """Whether a program differs each time, in a child of its own."""
    return all(wrong(*_judged([text])) for _ in range(TIMES))


def wrong(result: Result) -> bool:
    """Whether something is unexplained, or the program did not end by itself on C."""
    ended = result.runs[result.reference].ended or ""
    return ended.startswith(STOPPED) or any(
        comparison.verdict not in ACCEPTABLE[side] for side, comparison in result.comparisons.items()
    )


def _judged(texts: list[str]) -> list[Result]:
    """Programs on every side, one side after the other."""
    apis, differences = _work
    codes = [compile(text, "found.py", "exec") for text in texts]
    results = [Result(Script("found.py"), next(iter(apis))) for _ in texts]
    for side, api in apis.items():
        for result, ran in zip(results, _runs(codes, api), strict=True):
            result.runs[side] = ran
    for result in results:
        result.judge(differences)
    return results


def _runs(codes: list[CodeType], api: Backend) -> list[Run]:
    """Run programs in one child, or, if that does not come to its end, each in a child of its own."""
    if len(codes) > 1:
        ((_, together),) = run([Job("together", lambda sinks: [_performed(code, api) for code in codes])], 1, PATIENCE)
        if together.ended is None:
            return [Run(**performed) for performed in together.observed]
    return [ran for _, ran in run([Job("alone", _program(code, api)) for code in codes], 1, DEADLINE)]


def _program(code: CodeType, api: Backend) -> Recording:
    return lambda sinks: _execute(code, cast(Backend, Recorded(api, sinks.ended, sinks.begun)))


def _execute(code: CodeType, api: Backend) -> None:
    sys.modules["pysock_raw"] = cast(Any, api)
    exec(code, {"__name__": "__main__"})


def _performed(code: CodeType, api: Backend) -> dict[str, Any]:
    """Run a program in this process, which is then as it was before; the members of its `Run`."""
    os.chdir(tempfile.mkdtemp(dir="."))
    standard = [out_of_the_way(os.dup(file)) for file in range(3)]
    trace: list[Record] = []
    ended = None
    try:
        _execute(code, cast(Backend, Recorded(api, trace.append)))
    except Exception as error:
        ended = f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        socket.setdefaulttimeout(None)
        for file, kept in enumerate(standard):
            os.dup2(kept, file)
        os.closerange(3, OURS)
        for kept in standard:
            os.close(kept)
        os.chdir("..")
    return {"trace": trace, "ended": ended}

"""Cases, or a script, on several sides, judged: the `Report` that every format is made from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from pysock_raw.backends import load
from pysock_raw.backends.contract import Backend
from pysock_raw.conformance.box import Box
from pysock_raw.conformance.case import Case
from pysock_raw.conformance.child import Recording, Sinks
from pysock_raw.conformance.differences import CATALOGUE, Difference
from pysock_raw.conformance.needs import lacking
from pysock_raw.conformance.runner import DEADLINE, STOPPED, Job, Run, run
from pysock_raw.conformance.syscalls import Marked
from pysock_raw.conformance.verdicts import ACCEPTABLE, VERDICTS, Comparison, compare
from pysock_raw.constants import GROUPS
from pysock_raw.script import run_script
from pysock_raw.trace import Recorded
from pysock_raw.trace_values import names

WAITING = 4  # runs at a time for each CPU: most of a run is waiting for the kernel


@dataclass
class Result:
    """One case on all sides."""

    case: Case
    reference: str
    skipped: str | None = None
    runs: dict[str, Run] = field(default_factory=dict)
    comparisons: dict[str, Comparison] = field(default_factory=dict)

    def outcome(self, side: str) -> dict[str, Any]:
        """The answer of the last call that the case is about, and what the program observed."""
        run = self.runs[side]
        calls = [call for call in run.trace if call["call"] == self.case.call and call["pid"] == run.trace[0]["pid"]]
        last = calls[-1] if calls else {"result": None, "errno": None, "raised": None}
        raised = last["raised"] or (run.ended if last["result"] is None or self.case.call is None else None)
        return {**{key: last[key] for key in ("result", "errno")}, "raised": raised, "observed": run.observed}

    @property
    def nonconforming(self) -> str | None:
        """Why the outcome on C is not an allowed one, or None. A script allows any outcome that is one, and may leave
        open what it likes."""
        run = self.runs.get(self.reference)
        if self.skipped or run is None:
            return None
        if run.ended and run.ended.startswith(STOPPED):
            return f"it ended with {run.ended}"
        if self.reference != "c":
            return None  # only C can tell what the kernel does
        if run.ended and (self.case.call is not None or not run.ended.startswith("SystemExit")):
            return f"it ended with {run.ended}"
        if self.case.call is None:
            return None
        if run.leaked:
            return f"it leaked or lost the descriptors {run.leaked}"
        if not any(allowed.matches(self.outcome("c")) for allowed in self.case.allowed):
            return "its outcome is not among the allowed ones"
        return None

    @property
    def differences(self) -> list[str]:
        return list(dict.fromkeys(id for found in self.comparisons.values() for id in found.differences))

    def judge(self, differences: Sequence[Difference]) -> None:
        for side in self.runs:
            if side != self.reference:
                self.comparisons[side] = compare(side, self.runs[self.reference], self.runs[side], differences)


@dataclass
class Report:
    sides: list[str]
    results: list[Result]
    seconds: float = 0.0
    script: Path | None = None
    """The one that was compared, as it was given."""

    @property
    def ran(self) -> list[Result]:
        return [result for result in self.results if not result.skipped]

    @property
    def nonconforming(self) -> list[Result]:
        return [result for result in self.results if result.nonconforming]

    def count(self, side: str) -> dict[str, int]:
        """How many cases got each verdict on one side."""
        verdicts = [result.comparisons[side].verdict for result in self.ran if side in result.comparisons]
        return {verdict: verdicts.count(verdict) for verdict in VERDICTS}

    @property
    def unexplained(self) -> list[tuple[Result, str]]:
        return [
            (result, side)
            for result in self.ran
            for side, found in result.comparisons.items()
            if found.verdict not in ACCEPTABLE[side]
        ]

    @property
    def status(self) -> int:
        return 1 if self.nonconforming or self.unexplained else 0


def compare_cases(
    cases: Sequence[Case],
    sides: Sequence[str],
    *,
    jobs: int | None = None,
    deadline: float = DEADLINE,
    differences: Sequence[Difference] = CATALOGUE,
    progress: Callable[[int, int], None] | None = None,
    instead: Mapping[str, Backend] = MappingProxyType({}),
    syscalls: bool = False,
) -> Report:
    """Run every case on every side and judge it. The first side is the reference. With `syscalls` each run is under
    strace. ImportError if a side cannot be loaded: a comparison without it would be none. `instead` has, for the ids of
    some cases, an api in place of the stdlib."""
    started = time.monotonic()
    apis = {side: _api(side, syscalls) for side in sides}

    def api(case: Case, side: str) -> Backend:
        return instead.get(case.id, apis[side]) if side == "stdlib" else apis[side]

    for prefix in GROUPS:
        names(prefix)  # once here instead of once in each child
    results = [Result(case, sides[0], _lack(case)) for case in cases]
    ready = sorted((result for result in results if not result.skipped), key=lambda result: not result.case.slow)
    together = [result for result in ready if "machine-wide" not in result.case.needs]
    alone = [result for result in ready if result not in together]
    count, done = len(ready) * len(sides), 0
    for some, workers in ((together, jobs or WAITING * (os.cpu_count() or 1)), (alone, 1)):
        work = [
            Job((result, side), _program(result.case, api(result.case, side)), syscalls=syscalls)
            for result in some
            for side in sides
        ]
        for (result, side), ran in run(work, workers, deadline):
            result.runs[side] = ran
            done += 1
            if progress:
                progress(done, count)
    for result in results:
        result.runs = {side: result.runs[side] for side in sides if side in result.runs}
        result.judge(differences)
    return Report(list(sides), results, time.monotonic() - started)


def _lack(case: Case) -> str | None:
    return next((lack for need in case.needs if (lack := lacking(need))), None)


def _api(side: str, syscalls: bool) -> Backend:
    api = load(side)
    return cast(Backend, Marked(api)) if syscalls else api


def _program(case: Case, api: Backend) -> Recording:
    def program(sinks: Sinks) -> Any:
        with Box() as box:
            return case.program(cast(Backend, Recorded(api, sinks.ended, sinks.begun)), box)

    return program


def compare_script(
    script: Path,
    sides: Sequence[str],
    *,
    deadline: float = DEADLINE,
    differences: Sequence[Difference] = CATALOGUE,
    syscalls: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Run a script, with this process's rights, once on each side, one after the other, and judge it."""
    started = time.monotonic()
    apis = {side: _api(side, syscalls) for side in sides}
    result = Result(Script(script.name), sides[0])
    jobs = [Job(side, _script_program(script, apis[side]), own_directory=False, syscalls=syscalls) for side in sides]
    for side, ran in run(jobs, 1, deadline):
        result.runs[side] = ran
        if progress:
            progress(len(result.runs), len(jobs))
    result.judge(differences)
    report = Report(list(sides), [result], time.monotonic() - started, script)
    if report.unexplained:
        ((_, again),) = run(jobs[:1], 1, deadline)
        _varies(report, again)
    return report


def _varies(report: Report, again: Run) -> None:
    """Say of a program that does something else each time, as threads do that race for a connection, that no
    comparison of its runs can tell much. It stays unexplained."""
    (result,) = report.results
    if compare(result.reference, result.runs[result.reference], again, ()).verdict != "same":
        for _, side in report.unexplained:
            result.comparisons[side].remarks.append(
                f"the program varies from run to run: a second one on {result.reference} differs from the first too"
            )


class Script(Case):
    """A script as a case: it is about no call, and allows any outcome that is the same on all sides."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"the calls of {name}", (), lambda c, box: None)

    @property
    def call(self) -> None:
        return None


def _script_program(script: Path, api: Backend) -> Recording:
    return lambda sinks: run_script(script, [], cast(Backend, Recorded(api, sinks.ended, sinks.begun)))

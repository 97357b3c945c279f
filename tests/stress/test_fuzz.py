"""Random calls with random arguments (fuzzer.py): no crash, no hang, no leak, and no answer that C cannot give.

The children have a network of their own and no privileges. csrc/pysock_raw.c parses nothing: each function is one call
of libc. What reads structures and control messages is Python, so that is where atheris watches the coverage.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from child import in_a_child
from conftest import FULL
from fuzzer import Fuzzer
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from pysock_raw.conformance import machine
from pysock_raw.conformance.needs import lacking

CALLS = 10_000_000 if FULL else 100_000
OF_A_CHILD = 500_000
GUIDED = 200_000 if FULL else 5000
GROWTH = 4 * 2**20
"""Bytes that a child may need more after nine tenths of its calls than after one tenth: its pools differ in size."""


@pytest.fixture(autouse=True)
def with_a_network_of_its_own() -> None:
    if lack := lacking("netns"):
        pytest.skip(lack)


def alone() -> None:
    machine.network()
    machine.unprivileged()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def drawn_by_hypothesis(api: Any, programs: int) -> int:
    """Short sequences of calls, which Hypothesis shrinks if one goes wrong."""
    source = st.randoms(use_true_random=False)
    source.validate()  # imports what it needs, which may be out of reach without privileges
    alone()
    made: Counter[str] = Counter()

    @settings(
        max_examples=programs,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(source, st.integers(1, 40))
    def sequence(draw: random.Random, calls: int) -> None:
        fuzzer = Fuzzer(api, draw)
        try:
            for _ in range(calls):
                fuzzer.call()
            fuzzer.check_descriptors()
        finally:
            fuzzer.close()
        made.update(fuzzer.made)

    sequence()
    return made.total()


def drawn_at_random(api: Any, seed: int, calls: int) -> dict[str, int]:
    """Many calls in one process, which is no larger at the end."""
    alone()
    fuzzer = Fuzzer(api, random.Random(seed))
    before = 0
    for number in range(calls):
        if number % 1000 == 0:
            fuzzer.check_descriptors()
        if number == calls // 10:
            before = resident()
        fuzzer.call()
    grown = resident() - before
    assert grown < GROWTH, f"{grown} bytes more after {calls} calls (seed {seed})"
    fuzzer.close()
    return fuzzer.made


def test_no_call_does_what_it_may_not(api: Any) -> None:
    """The short run that is part of the usual tests."""
    assert in_a_child(drawn_by_hypothesis, api, 300) > 1000
    made = in_a_child(drawn_at_random, api, 1, 10_000)
    assert min(made.values()) > 2000  # each kind of end is reached


class Broken:
    """A backend with one call that does what it may not."""

    name = "python"

    def __init__(self, api: Any, call: str, does: Callable[..., Any]) -> None:
        self.api, self.broken = api, {call: does}

    def __getattr__(self, name: str) -> Any:
        return self.broken.get(name) or getattr(self.api, name)


def writes_beside(fd: Any, view: Any, *rest: Any) -> int:
    if isinstance(view, memoryview) and isinstance(view.obj, bytearray):
        view.obj[-1] = 0
    return 0


WRONGS: dict[str, tuple[str, Callable[..., Any], str]] = {
    "writes beside its buffer": ("getsockname", writes_beside, "wrote beside the memory"),
    "leaks a descriptor": ("listen", lambda *args: os.dup(1) and 0, "no call handed them out"),
    "has no such result": ("shutdown", lambda *args: -2, "returned -2"),
    "fails without errno": ("get_errno", lambda: 0, "failed with errno 0"),
    "raises anything": ("bind", lambda *args: [][1], "IndexError"),
}


@pytest.mark.parametrize(("call", "does", "message"), WRONGS.values(), ids=WRONGS)
def test_a_wrong_call_is_noticed(call: str, does: Callable[..., Any], message: str, python_api: Any) -> None:
    with pytest.raises(AssertionError, match=message):
        in_a_child(drawn_at_random, Broken(python_api, call, does), 1, 2000)


@pytest.mark.stress
def test_sequences_that_hypothesis_draws(api: Any, figure: Any) -> None:
    calls = in_a_child(drawn_by_hypothesis, api, 20_000 if FULL else 1000)
    figure(f"fuzz, {api.name}: {calls:,} calls drawn by Hypothesis: no crash, hang or leak")


@pytest.mark.stress
@pytest.mark.timeout(3600)
def test_calls_drawn_at_random(api: Any, figure: Any) -> None:
    started, made = time.monotonic(), Counter[str]()
    for seed in range(max(CALLS // OF_A_CHILD, 1)):
        made.update(in_a_child(drawn_at_random, api, seed, min(CALLS, OF_A_CHILD)))
    rate = made.total() / (time.monotonic() - started)
    ends = ", ".join(f"{count:,} {end}" for end, count in made.items())
    figure(f"fuzz, {api.name}: {made.total():,} calls at random ({ends}), {rate:,.0f} a second: no crash, hang or leak")


@pytest.mark.stress
@pytest.mark.timeout(3600)
def test_calls_chosen_by_coverage(api: Any, figure: Any, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed: pip install 'pysock_raw[stress]'")
    command = [
        sys.executable,
        Path(__file__).parent / "guided.py",
        api.name,
        f"-runs={GUIDED}",
        "-seed=1",
        "-timeout=60",
    ]
    ran = subprocess.run([*command, "-max_len=4096"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    assert f"Done {GUIDED} runs" in ran.stderr
    figure(f"fuzz, {api.name}: {GUIDED:,} sequences of 20 calls chosen by coverage (atheris): no crash, hang or leak")

"""The search: its programs, what it finds, and that it finds it again."""

import pytest

from pysock_raw.conformance.compare import compare_script
from pysock_raw.conformance.differences import CATALOGUE
from pysock_raw.conformance.needs import lacking
from pysock_raw.conformance.programs import PRELUDE, Made, Step, script
from pysock_raw.conformance.search import search


@pytest.fixture(autouse=True)
def with_a_network_of_its_own(with_c):
    if lack := lacking("netns"):
        pytest.skip(lack)


def test_a_short_run_finds_nothing_unexplained():
    found = search(600, seed=1)
    assert (found.programs, found.unexplained) == (600, None)
    assert found.calls > 5000
    assert found.uncompared < found.calls / 10
    assert set(found.verdicts) == {"python", "stdlib"}


def test_the_same_seed_draws_the_same_programs():
    first, second = (search(100, seed=2) for _ in range(2))
    assert (first.programs, first.calls) == (second.programs, second.calls)
    assert search(100, seed=3).calls != first.calls


def test_what_nothing_explains_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the program leaves files
    rest = [entry for entry in CATALOGUE if entry.id != "listen-negative-descriptor"]
    found = search(5000, seed=1, jobs=2, differences=rest)
    steps = [line for line in found.unexplained.removeprefix(PRELUDE).splitlines() if line.startswith("with")]
    assert len(steps) <= 2  # what makes the descriptor, if any does, and the call
    assert steps[-1].startswith("with going_on: c.listen(")
    program = tmp_path / "found.py"
    program.write_text(found.unexplained)
    assert compare_script(program, ["c", "python", "stdlib"], differences=rest).status == 1
    assert compare_script(program, ["c", "python", "stdlib"]).status == 0


def test_a_step_names_what_earlier_steps_made():
    make = Step("ends(c.socket(c.AF_INET, c.SOCK_STREAM, 0))", makes=("fd",))
    use = Step("c.listen({}, {})", (Made("fd", 1), "5"))
    assert script([use, make, make, use, use]).splitlines()[-7:] == [
        "fd1 = fd2 = -1",
        "",
        "with going_on: c.listen(999, 5)",
        "with going_on: fd1 = ends(c.socket(c.AF_INET, c.SOCK_STREAM, 0))",
        "with going_on: fd2 = ends(c.socket(c.AF_INET, c.SOCK_STREAM, 0))",
        "with going_on: c.listen(fd1, 5)",
        "with going_on: c.listen(fd1, 5)",
    ]


CONNECTED = Step("connected(inet(c.INADDR_LOOPBACK, 0), c.SOCK_STREAM)", makes=("fd",) * 3)
#: the call that Python alone refuses, and its difference
REFUSED = {
    "bind": (Step("c.bind({}, None, 0)", (Made("fd", 1),)), "bind-null-address"),
    "accept": (Step("ends(c.accept({}, None, None))", ("-1",), makes=("fd",)), "accept-negative-descriptor"),
    "recv": (Step("c.recv({0}, None, 1, 0)", (Made("fd", 1), "True"), (), "signalled({0}, {1})"), "recv-null-buffer"),
    "connected": (Step("connected(cut(inet(0, 0), 8), c.SOCK_STREAM)", (), ("fd",) * 3), "bind-short-address"),
}


@pytest.mark.parametrize(("step", "difference"), REFUSED.values(), ids=REFUSED)
def test_a_program_goes_on_after_what_python_alone_refuses(step, difference, tmp_path):
    found = tmp_path / "found.py"
    found.write_text(script([CONNECTED, step, Step("c.listen({}, -1)", (Made("fd", 9),))]))
    (result,) = compare_script(found, ["c", "stdlib"]).results
    comparison = result.comparisons["stdlib"]
    assert difference in comparison.differences
    assert comparison.pairs[-1].call == "listen"
    assert comparison.pairs[-1].c["where"] == f"found.py:{len(found.read_text().splitlines())}"
    assert (result.nonconforming, result.runs["stdlib"].ended, comparison.uncompared) == (None, None, 0)

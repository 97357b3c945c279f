"""The search: its programs, what it finds, and that it finds it again."""

import pytest

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
    assert set(found.verdicts) == {"python", "stdlib"}


def test_the_same_seed_draws_the_same_programs():
    first, second = (search(100, seed=2) for _ in range(2))
    assert (first.programs, first.calls) == (second.programs, second.calls)
    assert search(100, seed=3).calls != first.calls


def test_what_nothing_explains_is_found():
    rest = [entry for entry in CATALOGUE if entry.id != "listen-negative-descriptor"]
    found = search(5000, seed=1, differences=rest)
    program = found.unexplained.removeprefix(PRELUDE).split()
    assert any(word.startswith("c.listen(") for word in program)


def test_a_step_names_what_earlier_steps_made():
    make = Step("ends(c.socket(c.AF_INET, c.SOCK_STREAM, 0))", makes=("fd",))
    use = Step("c.listen({}, {})", (Made("fd", 1), "5"))
    assert script([use, make, make, use, use]).splitlines()[-5:] == [
        "c.listen(999, 5)",
        "fd1 = ends(c.socket(c.AF_INET, c.SOCK_STREAM, 0))",
        "fd2 = ends(c.socket(c.AF_INET, c.SOCK_STREAM, 0))",
        "c.listen(fd1, 5)",
        "c.listen(fd1, 5)",
    ]

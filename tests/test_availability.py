"""pysock-raw constants: what the headers have, what Python has, and since when."""

import json
import platform
import sys

import pytest

from pysock_raw.availability import LATEST, rows, since
from pysock_raw.cli import main
from pysock_raw.constants import NAMES

pytestmark = pytest.mark.usefixtures("with_c")
HERE = sys.version_info[:2]
# Only in a Python that was built with the headers of BlueZ.
BLUETOOTH = {"AF_BLUETOOTH", "SOL_BLUETOOTH"}


def version(text):
    return tuple(map(int, text.split(".")))


@pytest.fixture
def constants(capsys):
    def constants(*arguments):
        assert main(["constants", *arguments]) == 0
        return capsys.readouterr().out

    return constants


def test_every_version_is_of_a_name_and_later_than_3_10():
    assert set(since()) <= set(NAMES)
    assert all((3, 10) < version(text) <= version(LATEST) for text in since().values() if text)


@pytest.mark.skipif(platform.python_implementation() != "CPython", reason="the versions are those of CPython")
class TestThisPython:
    @pytest.mark.skipif(version(LATEST) < HERE, reason=f"the table knows versions up to {LATEST}")
    def test_it_has_no_name_before_its_version(self):
        assert [
            row.name for row in rows() if row.python is not None and (not row.since or version(row.since) > HERE)
        ] == []

    def test_it_has_every_name_of_its_version_that_the_headers_have(self):
        due = [row for row in rows() if row.since and version(row.since) <= HERE and row.headers is not None]
        assert [row.name for row in due if row.python is None and row.name not in BLUETOOTH] == []


def test_a_name_with_its_values_its_module_and_its_version(constants):
    found = {row["name"]: row for row in json.loads(constants("--format", "json"))}
    assert list(found) == list(NAMES)
    poll = {"name": "POLLIN", "headers": 1, "python": 1, "module": "select", "since": "3.10"}
    assert found["POLLIN"] == poll
    local = {"name": "AF_LOCAL", "headers": 1, "python": None, "module": None, "since": None}
    assert found["AF_LOCAL"] == local
    assert (found["IP_PKTINFO"]["since"], found["O_NONBLOCK"]["module"]) == ("3.12", "os")


def test_text_has_a_line_for_each_name(constants):
    lines = constants().splitlines()
    assert len(lines) == 1 + len(NAMES)
    assert "AF_UNIX                                     1            1  socket  3.10 or earlier" in lines
    assert "AF_LOCAL                                    1      missing          not up to 3.15" in lines


@pytest.mark.parametrize(("side", "key"), [("stdlib", "python"), ("c", "headers")])
def test_only_what_a_side_lacks(side, key, constants):
    everything = json.loads(constants("--format", "json"))
    found = json.loads(constants("--missing-in", side, "--format", "json"))
    assert found == [row for row in everything if row[key] is None]
    assert ("AF_LOCAL" in [row["name"] for row in found]) is (side == "stdlib")

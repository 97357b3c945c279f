"""What a case changes for others is undone on every path: here a file stands for the machine's setting."""

import mmap
import os
import signal
import time

import pytest

from pysock_raw.conformance import guardian
from pysock_raw.conformance.box import Unarranged
from pysock_raw.conformance.guardian import guarded
from pysock_raw.conformance.needs import lacking
from pysock_raw.conformance.runner import Job, run
from pysock_raw.conformance.scarcity import out_of_memory


@pytest.fixture
def setting(tmp_path):
    file = tmp_path / "setting"
    file.write_text("usual")
    return file


@pytest.fixture
def lowered(setting):
    def change():
        setting.write_text("lowered")
        return lambda: setting.write_text("usual")

    return change


def wait_for(setting, text):
    deadline = time.monotonic() + 10
    while setting.read_text() != text:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def in_a_group_of_its_own(work):
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            work()
        finally:
            os._exit(0)
    return pid


def test_it_is_undone_at_the_end(setting, lowered):
    with guarded(lowered):
        assert setting.read_text() == "lowered"
    assert setting.read_text() == "usual"


def test_it_is_undone_after_an_exception(setting, lowered):
    with pytest.raises(ZeroDivisionError), guarded(lowered):
        raise ZeroDivisionError
    assert setting.read_text() == "usual"


def test_it_is_undone_when_the_whole_process_group_is_killed(setting, lowered):
    def work():
        with guarded(lowered):
            os.killpg(0, signal.SIGKILL)

    pid = in_a_group_of_its_own(work)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    wait_for(setting, "usual")


def test_it_is_undone_in_time_though_the_process_hangs(setting, lowered, monkeypatch):
    monkeypatch.setattr(guardian, "PATIENCE", 0.05)

    def work():
        with guarded(lowered):
            signal.pause()

    pid = in_a_group_of_its_own(work)
    wait_for(setting, "lowered")
    wait_for(setting, "usual")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_change_that_cannot_be_made_says_why():
    def change():
        raise PermissionError("not allowed to")

    with pytest.raises(Unarranged, match="not allowed to"), guarded(change):
        pass


def test_who_waits_for_memory_of_its_own_goes_on():
    """The kernel lets a thread wait that touches new memory in a full cgroup, if nobody is to be killed for it."""
    if lack := lacking("memory-cgroups"):
        pytest.skip(lack)

    memory = mmap.mmap(-1, 64 * mmap.PAGESIZE)
    text = bytes(len(memory))

    def touch():
        memory[:] = text

    ((_, ran),) = run([Job("touch", lambda sinks: out_of_memory(touch))], 1)
    assert ran.ended is None
    memory.close()


def test_no_descriptor_stays_open(lowered):
    before = len(os.listdir("/proc/self/fd"))
    with guarded(lowered):
        pass
    assert len(os.listdir("/proc/self/fd")) == before

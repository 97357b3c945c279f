"""The runner: whatever a program does to its process ends in a run, and nothing of the program stays."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from pysock_raw.conformance import runner
from pysock_raw.conformance.runner import Job
from pysock_raw.trace import Recorded


def run_alone(program, deadline=10.0):
    ((_, run),) = runner.run([Job("only", program)], 1, deadline)
    return run


def test_a_program_that_returns():
    run = run_alone(lambda sinks: {"seen": 1})
    assert (run.ended, run.observed, run.leaked) == (None, {"seen": 1}, [])


def test_a_hang_ends_at_its_deadline():
    started = time.monotonic()
    run = run_alone(lambda sinks: signal.pause(), deadline=0.2)
    assert run.ended == "deadline: still running after 0.2 s"
    assert time.monotonic() - started < 5


def test_a_crash_names_its_signal():
    assert run_alone(lambda sinks: os.kill(os.getpid(), signal.SIGSEGV)).ended == "killed by SIGSEGV"


def test_leaving_without_a_word():
    assert run_alone(lambda sinks: os._exit(0)).ended == "the program ended its process without a word"


def test_an_exception_is_its_text():
    def program(sinks):
        raise RuntimeError("no\x1b[31m")

    run = run_alone(program)
    assert run.ended == "RuntimeError: no\x1b[31m"
    assert "Traceback" in run.printed


def test_a_leaked_descriptor():
    run = run_alone(lambda sinks: os.open(os.devnull, os.O_RDONLY) and None)
    assert (run.ended, run.leaked) == (None, [3])


def test_a_descriptor_that_a_call_handed_out_is_no_leak(api):
    def program(sinks):
        c = Recorded(api, sinks.ended, sinks.begun)
        c.socket(c.AF_INET, c.SOCK_STREAM, 0)

    assert run_alone(program).leaked == []


def test_a_call_that_never_returned_is_in_the_trace(api):
    def program(sinks):
        c = Recorded(api, sinks.ended, sinks.begun)
        fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
        c.listen(fd, 1)
        c.accept(fd, None, None)

    trace = run_alone(program, deadline=0.5).trace
    assert [(call["call"], call["result"]) for call in trace] == [("socket", 3), ("listen", 0), ("accept", None)]


@pytest.fixture
def fifo(tmp_path):
    """The path of a FIFO that this test reads; `gone()` waits until no process can write to it any more."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def gone():
        """What was written meanwhile."""
        os.set_blocking(reading, True)
        written = b""
        while some := os.read(reading, 4096):
            written += some
        return written

    yield path, gone
    os.close(reading)


def stay(path, say):
    """Open the FIFO, say so, and stay."""
    writing = os.open(path, os.O_WRONLY)
    os.write(writing, b"here")
    os.write(say, b"!")
    signal.pause()


def test_processes_left_behind_are_gone(fifo):
    def program(sinks):
        ready, go = os.pipe()
        if os.fork() == 0:
            stay(fifo[0], go)
        os.read(ready, 1)

    assert (run_alone(program).ended, fifo[1]()) == (None, b"here")


@pytest.mark.skipif(sys.platform != "linux", reason="orphans come to the keeper on Linux alone")
def test_a_daemon_is_gone_with_the_program_that_started_it(fifo):
    def program(sinks):
        ready, go = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                stay(fifo[0], go)
            os._exit(0)
        os.wait()
        os.read(ready, 1)

    assert (run_alone(program).ended, fifo[1]()) == (None, b"here")


@pytest.mark.skipif(sys.platform != "linux", reason="who is killed can tell nobody elsewhere")
def test_a_program_ends_when_its_runner_is_killed(fifo, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"import os, signal\nos.write(os.open({str(fifo[0])!r}, os.O_WRONLY), b'here')\nsignal.pause()\n")
    command = [sys.executable, "-m", "pysock_raw", "compare", "--sides", "python", str(script)]
    comparing = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)})
    with open(fifo[0], "rb") as opened:
        assert opened.read(4) == b"here"
    comparing.kill()
    comparing.wait()
    assert fifo[1]() == b""


def test_of_two_processes_that_come_to_the_end_the_first_one_counts():
    def program(sinks):
        if os.fork() == 0:
            raise SystemExit(3)
        return os.waitstatus_to_exitcode(os.wait()[1])

    run = run_alone(program)
    assert (run.ended, run.observed) == (None, 3)


def test_a_forked_process_that_raises_has_the_status_that_python_gives_it():
    def program(sinks):
        if os.fork() == 0:
            raise RuntimeError("no")
        return os.waitstatus_to_exitcode(os.wait()[1])

    run = run_alone(program)
    assert (run.ended, run.observed) == (None, 1)
    assert "RuntimeError: no" in run.printed


def test_threads_and_exit_functions_come_to_their_end_as_in_python(api):
    def program(sinks):
        c = Recorded(api, sinks.ended, sinks.begun)
        begin = threading.Event()

        def last():
            begin.wait()
            c.listen(c.socket(c.AF_INET, c.SOCK_STREAM, 0), 1)

        threading.Thread(target=last).start()
        atexit.register(lambda: c.listen(-1, 1))
        begin.set()

    run = run_alone(program)
    assert [(call["call"], call["args"][0]) for call in run.trace][1:] == [("listen", 3), ("listen", -1)]


def test_exit_functions_of_the_runner_are_none_of_the_program():
    made = []
    atexit.register(made.append, 1)
    try:
        assert run_alone(lambda sinks: atexit._ncallbacks()).observed == 0
    finally:
        atexit.unregister(made.append)


def test_a_keeper_has_one_program_after_the_other_and_nothing_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    programs = [lambda sinks: os.getppid(), lambda sinks: os.kill(os.getppid(), signal.SIGKILL)] * 2
    found = dict(runner.run([Job(number, program) for number, program in enumerate(programs)], 1))
    assert [found[number].ended for number in (0, 2)] == [None, None]
    assert found[0].observed != found[2].observed
    assert os.listdir(tmp_path) == []


def test_children_of_whoever_runs_programs_are_neither_killed_nor_waited_for():
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as own:
        run = run_alone(lambda sinks: os.kill(os.getppid(), signal.SIGKILL))
        assert run.ended == "the program ended the process that waits for its end"
        assert own.poll() is None
    assert own.returncode == 0


WITH_LITTLE_ROOM = [
    "unshare",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    'mount -t tmpfs -o size=$0 none "$1" && shift && "$@"',
]


@pytest.fixture
def comparing(tmp_path):
    """Compare a script with this text, where the directory for temporary files has this size: status and output."""
    directory = tmp_path / "small"
    directory.mkdir()
    if shutil.which("unshare") is None or subprocess.run([*WITH_LITTLE_ROOM, "4k", directory, "true"]).returncode:
        pytest.skip("no file system can be mounted here")

    def compare(text, size):
        script = tmp_path / "script.py"
        script.write_text(text)
        command = [sys.executable, "-m", "pysock_raw", "compare", "--sides", "python,stdlib", str(script)]
        environment = {**os.environ, "TMPDIR": str(directory)}
        ran = subprocess.run(
            [*WITH_LITTLE_ROOM, size, directory, *command], env=environment, capture_output=True, text=True
        )
        return ran.returncode, ran.stdout, ran.stderr.replace(str(directory), "DIRECTORY")

    return compare


NO_ROOM = (
    "pysock-raw: compare cannot go on: no room for the records of a program in DIRECTORY"
    " (TMPDIR can name another directory): No space left on device"
)


TOO_MUCH = {
    "from the beginning": ("import pysock_raw as c; c.close(-1)", "4k"),
    "of its records": ("import pysock_raw as c\nfor _ in range(1000): c.close(-1)", "128k"),
    "of what it prints": ("import os\nwhile True: os.write(1, bytes(4096))", "128k"),
}


@pytest.mark.parametrize(("text", "size"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_for_the_directory_for_temporary_files_is_no_verdict(text, size, comparing):
    status, out, err = comparing(text, size)
    assert (status, out, err.partition(" (runner.py")[0]) == (3, "", NO_ROOM)


def test_an_interrupted_run_leaves_nobody(fifo):
    path, gone = fifo
    jobs = [Job(1, lambda sinks: stay(path, 1)), Job(2, lambda sinks: None)]
    running = runner.run(jobs, 2)
    assert next(running)[0] == 2
    with open(path, "rb") as opened:
        assert opened.read(4) == b"here"
    running.close()
    assert gone() == b""

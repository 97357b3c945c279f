"""Programs that attack who runs them: each gets a verdict that is not `same`, and the run goes on."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pysock_raw.conformance import child, runner
from pysock_raw.conformance.case import Case, descriptor
from pysock_raw.conformance.compare import compare_cases, compare_script
from pysock_raw.conformance.machine import CLONE_NEWNS, CLONE_NEWUSER
from pysock_raw.conformance.syscalls import unavailable
from pysock_raw.report import html, json, junit, text

BEFORE = """
import contextlib, ctypes, faulthandler, json, os, resource, shutil, signal, sys, threading, time
def descriptors_of_the_runner():
    return [fd for fd in map(int, os.listdir("/proc/self/fd")) if fd >= 200]
def grandparent():
    with open(f"/proc/{os.getppid()}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])
def leave_processes_behind():
    for _ in range(5):
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid()
            signal.pause()
fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
"""

KILLED = "killed by {}"
WORDLESS = "the program ended its process without a word"
FOREIGN = "the program wrote to the file of its records"
GONE = "ZeroDivisionError.*|FileNotFoundError.*"  # a script's directory is that of all sides
DEADLINE = r"deadline: still running after \d s"

ATTACKS = {
    "hangs": ("signal.pause()", DEADLINE),
    "hangs in a call": ("c.listen(fd, 1); c.accept(fd, None, None)", DEADLINE),
    "hangs in a thread": ("threading.Thread(target=signal.sigwait, args=[{signal.SIGUSR1}]).start()", DEADLINE),
    "hangs at exit": ("import atexit; atexit.register(signal.pause)", DEADLINE),
    "ignores SIGTERM": ("signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()", DEADLINE),
    "stops": ("os.kill(os.getpid(), signal.SIGSTOP)", DEADLINE),
    "leaves its process group, and hangs": ("os.setpgid(0, os.getpgid(os.getppid())); signal.pause()", DEADLINE),
    "segfaults": ("ctypes.string_at(0)", KILLED.format("SIGSEGV")),
    "aborts": ("os.abort()", KILLED.format("SIGABRT")),
    "is terminated": ("os.kill(os.getpid(), signal.SIGTERM)", KILLED.format("SIGTERM")),
    "dies of a real-time signal": ("os.kill(os.getpid(), 40)", KILLED.format("signal 40")),
    "leaves": ("os._exit(0)", WORDLESS),
    "leaves through another name": ("getattr(os, '_exit')(7)", WORDLESS),
    "runs another program": ("os.execvp('true', ['true'])", WORDLESS),
    "raises": ("raise RuntimeError('no')", "RuntimeError: no"),
    "raises what has no text": (
        "class Wordless(Exception):\n    def __str__(self): raise ValueError\nraise Wordless",
        r"Wordless: \(no text: str\(\) of it raised ValueError\)",
    ),
    "raises a megabyte": ("raise RuntimeError('x' * 10**6)", "RuntimeError: x{4082}"),
    "recurses without end": ("def f(): f()\nf()", "RecursionError: .*"),
    "kills its parent": ("os.kill(os.getppid(), signal.SIGKILL); signal.pause()", ".* process that waits for its end"),
    "forks, then kills its parent": (
        "leave_processes_behind(); os.kill(os.getppid(), signal.SIGKILL); signal.pause()",
        ".* process that waits for its end",
    ),
    "forks, then kills its grandparent": (
        "leave_processes_behind(); os.kill(grandparent(), signal.SIGKILL); 1 / 0",
        "ZeroDivisionError.*",
    ),
    "forks, stops its grandparent, then kills its parent": (
        "leave_processes_behind(); os.kill(grandparent(), signal.SIGSTOP)\n"
        "os.kill(os.getppid(), signal.SIGKILL); signal.pause()",
        f"{DEADLINE}|.* process that waits for its end",  # who may have been slow, and woken
    ),
    "terminates its parent": ("os.kill(os.getppid(), signal.SIGTERM); signal.pause()", ".* process that waits .*"),
    "stops its parent": ("os.kill(os.getppid(), signal.SIGSTOP); signal.pause()", DEADLINE),
    "closes all descriptors": ("os.closerange(0, 4096)", WORDLESS),
    "closes its record and has its number": (
        "for file in descriptors_of_the_runner(): os.dup2(os.open('/dev/null', os.O_WRONLY), file)",
        WORDLESS,
    ),
    "empties its record": (
        "for file in descriptors_of_the_runner(): os.ftruncate(file, 0)",
        "the program made 1 calls, of which 0 are in its record",
    ),
    "writes garbage into its record": (
        r"for file in descriptors_of_the_runner(): os.write(file, b'\0\xff{[\n[]\n5\n{}\n' + b'[' * 10**5 + b'\n')",
        FOREIGN,
    ),
    "writes into its record without a newline": (
        "for file in descriptors_of_the_runner(): os.write(file, b'garbage')",
        FOREIGN,
    ),
    "says that it has ended": (
        "for file in descriptors_of_the_runner(): os.write(file, b'{\"end\": [null, 1, []]}\\n')\nos._exit(0)",
        FOREIGN,
    ),
    "prints without end": ("while True: os.write(1, bytes(10**6))", ".*File too large|limit: .* 2 MiB"),
    "makes calls without end": ("while True: c.listen(fd, 1)", "limit: .*"),
    "fills memory": ("keep = []\nwhile True: keep.append(bytearray(2**24))", "MemoryError: .*"),
    "has no room for files": ("resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))", WORDLESS),
    "has no time": (
        "resource.setrlimit(resource.RLIMIT_CPU, (0, 1))\nwhile True: pass",
        r"killed by SIG(XCPU|KILL)",
    ),
    "has no descriptors": ("resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0)); os._exit(1)", WORDLESS),
    "replaces what ends it": ("os._exit = lambda status: None; os.write = None; json.dumps = None; 1 / 0", "ZeroDiv.*"),
    "replaces the clock": ("time.monotonic_ns = time.monotonic = None; 1 / 0", "ZeroDivisionError.*"),
    "replaces its standard files": ("sys.stdout = sys.stderr = object(); 1 / 0", "ZeroDivisionError.*"),
    "removes its standard files": ("sys.stdout = sys.stderr = None; raise RuntimeError('no')", "RuntimeError: no"),
    "deletes its directory": ("shutil.rmtree(os.getcwd()); 1 / 0", GONE),
    "deletes the directory above": ("shutil.rmtree(os.path.dirname(os.getcwd())); 1 / 0", GONE),
    "hears its every step": ("sys.addaudithook(lambda event, args: 1 / 0)", WORDLESS),
}

PRIVILEGED = {
    "changes its root": (
        "os.makedirs('root', exist_ok=True); os.chroot('root'); os.chdir('/'); 1 / 0",
        "ZeroDivisionError.*",
    ),
    "drops its privileges": ("os.setgid(65534); os.setuid(65534); 1 / 0", "ZeroDivisionError.*"),
    "unshares": (f"ctypes.CDLL(None).unshare({CLONE_NEWNS | CLONE_NEWUSER}); 1 / 0", "ZeroDivisionError.*"),
}

if os.geteuid() == 0:
    ATTACKS |= PRIVILEGED


@pytest.fixture
def small(monkeypatch):
    """Limits that are reached soon."""
    monkeypatch.setattr(child, "LARGEST_FILE", 2 * 2**20)
    monkeypatch.setattr(runner, "LARGEST_FILE", 2 * 2**20)
    monkeypatch.setattr(child, "LARGEST_MEMORY", 2**28)
    monkeypatch.setattr(runner, "MOST_CALLS", 200)


def patience(name):
    """The deadline of an attack: soon where it is what ends it."""
    ends = ATTACKS[name][1]
    return 1.0 if ends.startswith(DEADLINE) else 5.0 if ends == "limit: .*" else 30.0


def written(path: Path, name: str) -> Path:
    path.write_text(f"import pysock_raw as c\n{BEFORE}{ATTACKS[name][0]}\n")
    return path


def as_case(name: str) -> Case:
    code = compile(BEFORE + ATTACKS[name][0], name, "exec")
    return Case(f"socket/{name}", name, (descriptor("a test"),), lambda c, box: exec(code, {"c": c}))


def rendered(report):
    """Every report of it, as one text."""
    file = io.StringIO()
    for form in (text, json, junit, html):
        form.render(report, file)
    return file.getvalue()


def left_in(directory: Path) -> list[str]:
    """The processes that are in a directory or below, besides this one (proc(5))."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it is gone, or somebody else's
            if Path(process, "cwd").readlink().is_relative_to(directory) and process.name != str(os.getpid()):
                found.append(Path(process, "stat").read_text())
    return found


def ends(result, name):
    """How its runs ended, each with what it printed where that is not as expected."""
    expected = re.compile(ATTACKS[name][1])
    return [
        (side, run.ended, run.printed)
        for side, run in result.runs.items()
        if run.ended is None or not expected.fullmatch(run.ended)
    ]


@pytest.mark.usefixtures("small", "with_c")  # which alone tells that what fails alike on all sides is trouble
@pytest.mark.parametrize("name", ATTACKS)
def test_a_script(name, tmp_path, monkeypatch, sides):
    (tmp_path / "above" / "own").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "above" / "own")
    report = compare_script(written(tmp_path / "attack.py", name), sides, deadline=patience(name))
    (result,) = report.results
    assert ends(result, name) == []
    assert (report.status, bool(result.nonconforming or report.unexplained)) == (1, True)
    assert "attack.py" in rendered(report)
    assert left_in(tmp_path) == []


@pytest.mark.usefixtures("small", "with_c")  # which alone tells that what fails alike on all sides is trouble
@pytest.mark.parametrize("hanging", [False, True])
@pytest.mark.parametrize("syscalls", [False, True])
def test_all_of_them_as_cases_of_one_run(hanging, syscalls, sides):
    if syscalls and (why := unavailable()):
        pytest.skip(why)
    names = [name for name in ATTACKS if (patience(name) < 30) == hanging]
    well = Case(
        "socket/well", "the one that is well", (descriptor("a test"),), lambda c, box: c.socket(2, 1, 0) and None
    )
    report = compare_cases([*map(as_case, names), well], sides, deadline=3.0 if hanging else 60.0, syscalls=syscalls)
    *attacked, last = report.results
    assert [found for result in attacked for found in ends(result, result.case.shows)] == []
    assert [result.case.id for result in attacked if not result.nonconforming] == []
    assert last.nonconforming is None
    assert {found.verdict for found in last.comparisons.values()} == {"same"}
    assert report.status == 1
    assert "socket/well" in rendered(report)


def test_who_removes_the_directory_of_the_run_does_not_end_it(sides):
    def gone(c, box):
        shutil.rmtree(Path.cwd().parent.parent)

    def well(c, box):
        c.socket(2, 1, 0)

    cases = [Case(f"socket/{does.__name__}", "", (descriptor("a test"),), does) for does in (gone, well)]
    _, after = compare_cases(cases, sides, jobs=1).results
    assert after.nonconforming is None
    assert {found.verdict for found in after.comparisons.values()} == {"same"}


@pytest.mark.skipif(sys.platform != "linux", reason="orphans stay where there are no subreapers")
def test_who_kills_the_guard_does_not_free_what_the_next_one_leaves(tmp_path, monkeypatch, sides):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names = ["forks, then kills its grandparent", "forks, then kills its parent"]
    report = compare_cases([as_case(name) for name in names], sides, jobs=1)
    assert [found for result in report.results for found in ends(result, result.case.shows)] == []
    assert left_in(tmp_path) == []


TRACED = {
    "leaves": 0,
    "raises": 1,
    "segfaults": -11,
    "kills itself": -9,
    "closes all descriptors": 0,
    "replaces what ends it": 1,
    "replaces the clock": 1,
    "removes its standard files": 1,
}
ATTACKS["kills itself"] = ("os.kill(os.getpid(), signal.SIGKILL)", KILLED.format("SIGKILL"))


@pytest.mark.parametrize(("name", "status"), TRACED.items(), ids=TRACED)
def test_a_trace_has_what_was_before_the_attack(name, status, tmp_path, api):
    script, trace = written(tmp_path / "attack.py", name), tmp_path / "trace.txt"
    command = [sys.executable, "-m", "pysock_raw", "trace", "--side", api.name, "-o", str(trace), str(script)]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    assert (ran.returncode, trace.read_text()) == (status, "socket(AF_INET, SOCK_STREAM, 0) = 3\n")

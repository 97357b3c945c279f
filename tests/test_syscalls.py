"""compare --syscalls: what strace saw goes to the calls that made it, and changes nothing else."""

import json
import os
import shutil

import pytest
from schemas import invalid

from pysock_raw.cli import main
from pysock_raw.conformance.case import Case, chosen, descriptor
from pysock_raw.conformance.compare import compare_cases, compare_script
from pysock_raw.conformance.syscalls import between_marks, unavailable

LINES = """\
read(9, "before", 6) = 6
access("/pysock_raw/call begins", F_OK) = -1 ENOENT (No such file or directory)
mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f00
bind(3, NULL, 16) = -1 EFAULT (Bad address)
access("/pysock_raw/call ends", F_OK) = -1 ENOENT (No such file or directory)
access("/pysock_raw/call begins", F_OK) = -1 EACCES (Permission denied)
access("/pysock_raw/call ends", F_OK) = -1 EACCES (Permission denied)
access("/pysock_raw/call begins", F_OK) = -1 ENOENT (No such file or directory)
accept(3, NULL, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
--- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---
access("/pysock_raw/call begins", F_OK) = -1 ENOENT (No such file or directory)
listen(3, 5) = 0
access("/pysock_raw/call ends", F_OK) = -1 ENOENT (No such file or directory)
accept(3, NULL, NULL <unfinished ...>) = ?
+++ killed by SIGKILL +++
"""


def test_system_calls_go_to_the_call_around_them():
    assert between_marks(LINES.splitlines()) == [
        ["bind(3, NULL, 16) = -1 EFAULT"],
        [],
        ["listen(3, 5) = 0"],
        [
            "accept(3, NULL, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
            "accept(3, NULL, NULL <unfinished ...>) = ?",
        ],
    ]


@pytest.fixture(scope="module")
def strace():
    why = unavailable()
    if why:
        pytest.skip(why)


def made(run):
    """(call, names of its system calls) of a run."""
    return [(call["call"], [text.partition("(")[0] for text in call["syscalls"]]) for call in run.trace]


@pytest.mark.usefixtures("strace")
class TestStrace:
    def test_one_system_call_in_c_and_more_in_python(self, with_c, sides):
        (result,) = compare_cases(chosen(["socket/no-close-on-exec"], None), sides, syscalls=True).results
        first = {side: run.trace[0]["syscalls"] for side, run in result.runs.items()}
        assert first["c"] == ["socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3"]
        cloexec = "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3"
        assert first["python"] == [cloexec, "ioctl(3, FIONCLEX) = 0"]
        assert first["stdlib"] == [cloexec]

    def test_verdicts_stay_what_they_are(self, sides):
        cases = chosen(["socket/no-close-on-exec", "listen/local/negative-backlog", "bind/null"], None)
        plain, traced = (compare_cases(cases, sides, syscalls=syscalls) for syscalls in (False, True))
        for one, other in zip(plain.results, traced.results, strict=True):
            assert {side: found.verdict for side, found in one.comparisons.items()} == {
                side: found.verdict for side, found in other.comparisons.items()
            }
            assert one.nonconforming == other.nonconforming

    def test_threads_and_processes_of_a_script(self, with_c, tmp_path):
        script = tmp_path / "script.py"
        script.write_text("""
import os, threading
import pysock_raw as c
fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
thread = threading.Thread(target=lambda: c.listen(fd, 1))
thread.start()
thread.join()
if os.fork() == 0:
    c.shutdown(fd, c.SHUT_RD)
    os._exit(0)
os.wait()
c.close(fd)
""")
        (result,) = compare_script(script, ["c"], syscalls=True).results
        assert made(result.runs["c"]) == [(name, [name]) for name in ("socket", "listen", "shutdown", "close")]

    def test_a_call_that_never_returned(self, with_c):
        def program(c, box):
            fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            c.listen(fd, 1)
            c.accept(fd, None, None)

        case = Case("accept/test", "a test's own case", (descriptor("a test"),), program)
        (result,) = compare_cases([case], ["c"], deadline=1.0, syscalls=True).results
        assert result.runs["c"].ended == "deadline: still running after 1 s"
        assert made(result.runs["c"])[-1] == ("accept", ["accept"])

    def test_a_refused_call_made_none(self, sides):
        (result,) = compare_cases(chosen(["listen/negative-descriptor"], None), sides, syscalls=True).results
        assert made(result.runs["stdlib"])[-1] == ("listen", [])

    def test_text_and_json_show_them(self, with_c, capsys):
        assert main(["compare", "socket/no-close-on-exec", "--syscalls", "--format", "json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert invalid("compare.json", document) == []
        (case,) = document["cases"]
        assert case["sides"]["stdlib"]["trace"][0]["syscalls"][0].endswith("= 3")
        assert main(["compare", "socket/no-close-on-exec", "--syscalls"]) == 0
        assert "ioctl(3, FIONCLEX) = 0" in capsys.readouterr().out


def complaint(capsys, monkeypatch, path):
    monkeypatch.setenv("PATH", str(path))
    status = main(["compare", "bind/tcp/in-use", "--sides", "python", "--format", "json", "--syscalls"])
    printed = capsys.readouterr()
    assert (status, printed.out, printed.err.count("\n")) == (3, "", 1)
    return printed.err


def test_without_strace_one_line_says_how_to_get_it(capsys, monkeypatch, tmp_path):
    error = complaint(capsys, monkeypatch, tmp_path)
    assert "--syscalls: strace is not installed (apt-get install strace" in error


def test_strace_that_may_not_trace_says_so(capsys, monkeypatch, tmp_path):
    fake = tmp_path / "strace"
    fake.write_text(f"#!{shutil.which('sh')}\necho 'strace: attach: Operation not permitted' >&2\nexit 1\n")
    os.chmod(fake, 0o755)
    error = complaint(capsys, monkeypatch, tmp_path)
    assert "strace may not trace processes here (strace: attach: Operation not permitted)" in error

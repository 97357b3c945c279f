"""The command line as its users meet it: main() with arguments, what it prints, and its exit status."""

import functools
import json
import os
import re
import select
import signal
import subprocess
import sys

import pytest
from rich.console import Console

from pysock_raw.cli import main
from pysock_raw.conformance import differences
from pysock_raw.conformance.compare import compare_cases

SCRIPT = """
import pysock_raw as c
fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
print("close-on-exec is", c.fcntl(fd, c.F_GETFD, 0))
"""

SUMMARY = {"same", "emulated", "inexpressible", "differs", "refused", "unexplained"}


@pytest.fixture
def run(capsys):
    """main(*arguments): (status, stdout, stderr)."""

    def run(*arguments):
        try:
            status = main(arguments)
        except SystemExit as end:
            status = end.code
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def with_c(sides):
    if "c" not in sides:
        pytest.skip("the C backend is not built")


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return str(path)


def test_compare_json_has_the_keys_of_schema_1(run, with_c):
    status, out, _ = run("compare", "bind/tcp/in-use", "--format", "json")
    report = json.loads(out)
    assert (status, report["schema"]) == (0, 1)
    assert report["summary"]["cases"] == 1
    assert set(report["summary"]["python"]) == set(report["summary"]["stdlib"]) == SUMMARY
    (case,) = report["cases"]
    assert (case["id"], case["call"], case["needs"], case["skipped"]) == ("bind/tcp/in-use", "bind", [], None)
    assert case["allowed"] == [{"result": -1, "errno": "EADDRINUSE", "source": "POSIX.1 bind"}]
    assert case["verdicts"] == {"python": "same", "stdlib": "same"}
    assert case["differences"] == []
    outcome = case["sides"]["c"]["outcome"]
    assert (outcome["result"], outcome["errno"], outcome["raised"]) == (-1, "EADDRINUSE", None)
    call = case["sides"]["stdlib"]["trace"][0]
    assert (call["call"], call["args"], call["errno"], call["emulated"]) == (
        "socket", ["AF_INET", "SOCK_STREAM", 0], None, False
    )  # fmt: skip


def test_compare_text_shows_the_difference_and_why(run, with_c):
    status, out, _ = run("compare", "listen/local/negative-backlog")
    assert status == 0
    assert "listen-negative-backlog   listen(-1): C asks for the longest queue, Python for the shortest" in out
    assert "then observed clients that fit: 5" in out
    assert "then observed clients that fit: 1" in out
    assert "C in Python sock.listen(backlog if backlog >= 0 else 2**31 - 1)" in out
    assert "1 case · 0 unexplained · 0 nonconforming · 0 skipped" in out
    assert "\x1b" not in out  # piped: plain


def test_compare_ends_with_1_and_names_the_call_when_an_entry_is_missing(run, with_c, monkeypatch):
    rest = [entry for entry in differences.CATALOGUE if entry.id != "socket-close-on-exec"]
    monkeypatch.setitem(compare_cases.__kwdefaults__, "differences", rest)
    status, out, _ = run("compare", "socket/no-close-on-exec")
    assert status == 1
    assert "unexplained   socket/no-close-on-exec" in out
    assert "fcntl(fd1, F_GETFD, 0) = 1" in out


def test_compare_a_script(run, with_c, script):
    status, out, _ = run("compare", script, "--format", "json")
    report = json.loads(out)
    (case,) = report["cases"]
    assert (status, case["id"], case["call"]) == (0, "script.py", None)
    assert case["verdicts"] == {"python": "same", "stdlib": "differs"}
    assert case["differences"] == ["socket-close-on-exec"]
    assert case["sides"]["stdlib"]["printed"] == "close-on-exec is 1\n"
    assert case["sides"]["c"]["trace"][1]["where"] == "script.py:4"


FORGED = "x\n\nx.py · 0 unexplained · 0 nonconforming · 0 skipped · 0.1 s\ny.py"


@pytest.mark.parametrize("code", ["1 / 0", "import pysock_raw as c; c.fcntl(c.socket(1, 1, 0), c.F_GETFD, 0)"])
def test_a_name_of_several_lines_is_one_line_in_the_report(code, run, with_c, tmp_path):
    (tmp_path / FORGED).write_text(code)
    _, out, _ = run("compare", str(tmp_path / FORGED))
    assert [text for text in out.splitlines() if text.lstrip().startswith(("x.py", "y.py"))] == []
    assert sum(r"x\n\nx.py · 0 unexplained" in text for text in out.splitlines()) >= 2  # the heading, the last line
    assert "pysock-raw compare SCRIPT.py -o report.html" in out  # what cannot be shown cannot be typed
    _, out, _ = run("compare", str(tmp_path / FORGED), "--format", "json")
    assert json.loads(out)["cases"][0]["id"] == FORGED


NAMES = {
    "of/ok.py": "of/ok.py",
    "a b$(touch pwned).py": "'a b$(touch pwned).py'",
    "it's [bold].py": """'it'"'"'s [bold].py'""",
    "./-dash.py": "./-dash.py",
    f"{'long ' * 40}.py": f"'{'long ' * 40}.py'",
}


@pytest.mark.parametrize(("name", "word"), NAMES.items(), ids=range(len(NAMES)))
@pytest.mark.parametrize("columns", [None, 40])
def test_the_next_command_names_the_script_as_it_was_given(columns, name, word, run, with_c, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("import pysock_raw")
    if columns:
        terminal = functools.partial(Console, force_terminal=True, color_system=None, width=columns)
        monkeypatch.setattr("pysock_raw.report.terminal.Console", terminal)
    _, out, _ = run("compare", "--sides", "c,python", name)
    assert f"next  pysock-raw compare {word} -o report.html" in out


def test_a_script_may_leave_open_what_it_likes(run, with_c, tmp_path):
    path = tmp_path / "script.py"
    path.write_text("import os, pysock_raw as c\nc.socket(c.AF_INET, c.SOCK_STREAM, 0)\nos.pipe()\n")
    status, out, _ = run("compare", str(path))
    assert (status, "0 unexplained · 0 nonconforming" in out) == (0, True)


def test_a_script_that_fails_alike_everywhere_is_the_same(run, with_c, tmp_path):
    (tmp_path / "fails.py").write_text("import pysock_raw\nraise SystemExit('no')\n")
    status, out, _ = run("compare", str(tmp_path / "fails.py"), "--format", "json")
    (case,) = json.loads(out)["cases"]
    assert (status, case["verdicts"]["stdlib"]) == (0, "same")
    assert case["sides"]["c"]["outcome"]["raised"] == "SystemExit: no"


def test_compare_writes_a_file_whole(run, with_c, tmp_path):
    status, out, _ = run("compare", "bind/tcp/twice", "--format", "json", "-o", str(tmp_path / "report.json"))
    assert (status, out) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text())["summary"]["cases"] == 1
    assert os.listdir(tmp_path) == ["report.json"]


def test_compare_lists_cases_without_running_them(run):
    status, out, _ = run("compare", "--list", "--call", "listen")
    assert status == 0
    assert "listen/local/negative-backlog\tlisten(-1): C asks for the longest queue, Python for the shortest\n" in out
    assert all(text.startswith("listen/") for text in out.splitlines())


def test_fewer_sides(run, with_c):
    status, out, _ = run("compare", "socket/no-close-on-exec", "--sides", "c,python", "--format", "json")
    (case,) = json.loads(out)["cases"]
    assert (status, list(case["sides"]), case["verdicts"]) == (0, ["c", "python"], {"python": "same"})


WRONG = {
    "no-command": ([], "pysock-raw: the following arguments are required: COMMAND"),
    "no-such-command": (["compar"], "invalid choice: 'compar'"),
    "figures-as-xml": (
        ["bench", "-o", "bench.xml"],
        "bench writes text, json, svg, html, and bench.xml names none of them: choose with --format",
    ),
    "no-such-suffix": (
        ["compare", "-o", "report.pdf"],
        "compare writes text, json, junit, html, and report.pdf names none of them: choose with --format",
    ),
    "no-such-case": (["compare", "bind/nothing"], "no case is named 'bind/nothing'"),
    "no-such-call": (["compare", "--call", "sendfile"], "invalid choice: 'sendfile'"),
    "no-such-script": (["compare", "nowhere.py"], "there is no script nowhere.py"),
    "script-and-case": (["compare", "a.py", "bind/*"], "compare takes cases or one script"),
    "no-such-side": (["compare", "--sides", "c,java"], "there is no side 'java'"),
    "side-twice": (["compare", "--sides", "c,c"], "a side is named twice"),
    "no-such-format": (["compare", "--format", "pdf"], "invalid choice: 'pdf'"),
    "jobs-of-0": (["compare", "--jobs", "0"], "0 is not above 0"),
    "no-such-difference": (["explain", "nothing"], "there is no difference 'nothing'"),
    "trace-of-nothing": (["trace", "nowhere.py"], "there is no script nowhere.py"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_one_line_and_status_2(arguments, message, run):
    status, out, err = run(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


ENVIRONMENTS = {
    "no-such-backend": ({"PYSOCK_RAW_BACKEND": "zzz"}, 2, "PYSOCK_RAW_BACKEND=zzz: there is no backend 'zzz': choose"),
    "escape": (
        {"PYSOCK_RAW_BACKEND": "\x1b[2J"},
        2,
        r"PYSOCK_RAW_BACKEND=\x1b[2J: there is no backend '\x1b[2J': choose",
    ),
    "no-place-for-a-trace": (
        {"PYSOCK_RAW_BACKEND": "python", "PYSOCK_RAW_TRACE": "/nowhere/x"},
        3,
        "PYSOCK_RAW_TRACE=/nowhere/x cannot be written: No such file or directory",
    ),
}
STARTS = {
    "script": [sys.executable, "pysock-raw"],
    "module": [sys.executable, "-m", "pysock_raw"],
    "module-with-options": [sys.executable, "-X", "utf8", "-mpysock_raw"],
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize(("environment", "status", "message"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_an_environment_that_asks_for_what_there_is_not_is_one_line(start, environment, status, message, tmp_path):
    (tmp_path / "pysock-raw").write_text("from pysock_raw.cli import main\nraise SystemExit(main())\n")  # as pip does
    environment = {**os.environ, **environment}
    ran = subprocess.run([*start, "info"], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (status, "", 1)
    assert ran.stderr.startswith(f"pysock-raw: {message}")


@pytest.mark.parametrize("start", [["-c", "import pysock_raw"], ["-m", "pysock_raw.examples.client"]], ids=" ".join)
def test_an_import_stays_an_import_error(start):
    environment = {**os.environ, "PYSOCK_RAW_BACKEND": "zzz"}
    ran = subprocess.run([sys.executable, *start], env=environment, capture_output=True, text=True)
    assert (ran.returncode, "ImportError: there is no backend 'zzz'" in ran.stderr) == (1, True)


def test_a_file_that_cannot_be_written_is_status_3(run, sides):
    status, _, err = run("compare", "bind/tcp/twice", "--sides", "python", "--format", "json", "-o", "/nowhere/report")
    assert (status, err) == (3, "pysock-raw: cannot write /nowhere/report: No such file or directory\n")


def test_explain_lists_the_catalogue_by_call(run):
    status, out, _ = run("explain")
    assert status == 0
    *lines, last = out.splitlines()
    assert [text.split()[0] for text in lines if text.startswith("  ")] == [entry.id for entry in differences.CATALOGUE]
    assert [text for text in lines if text and not text.startswith(" ")][:2] == ["socket", "setsockopt"]
    assert last.startswith(f"{len(differences.CATALOGUE)} differences")


def test_explain_runs_the_evidence_and_the_recipe(run, with_c):
    status, out, _ = run("explain", "socket-domain-minus-one")
    assert status == 0
    assert "> c        socket(-1, SOCK_STREAM, 0) = -1 EAFNOSUPPORT\n" in out
    assert "  stdlib   socket(-1, SOCK_STREAM, 0) = fd1\n" in out
    assert "the recipe   in place of socket on the stdlib side: same\n" in out


def test_explain_tells_the_exception_that_ended_a_side(run, with_c):
    _, out, _ = run("explain", "setsockopt-names-of-udp-options")
    ended = "ended with Lacking: the stdlib side has no UDP_CORK: socket, select, fcntl, os and errno lack it"
    assert f"  stdlib   {ended}\n" in out
    assert "no such call" not in out


def test_trace_prints_the_calls_of_a_script(api, script):
    ran = subprocess.run(
        [sys.executable, "-m", "pysock_raw", "trace", "--side", api.name, script], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (0, "close-on-exec is 0\n")
    assert ran.stderr == "socket(AF_INET, SOCK_STREAM, 0) = 3\nfcntl(3, F_GETFD, 0) = 0\n"


ENDS = {
    "exception": ("def f():\n    open('/nowhere/x')\nf()", 1),
    "refused": (
        "from pysock_raw import checked as c\n"
        "fd = c.socket(c.AF_UNIX, c.SOCK_STREAM, 0)\n"
        "c.connect(fd, c.sockaddr_un(sun_family=c.AF_UNIX, sun_path=b'/nowhere/x'), 20)",
        1,
    ),
    "broken-pipe": ("raise BrokenPipeError('of its own')", 1),
    "syntax": ("def f(:", 1),
    "status": ("raise SystemExit(7)", 7),
    "text": ("raise SystemExit('said')", 1),
    "no-text": ("print('\\ud800')", 1),
    "closed-stdout": ("import sys; sys.stdout.close()", 0),
    "hook": ("import sys; sys.excepthook = lambda *error: print(error[0], error[2].tb_lineno)\n1 / 0", 1),
    "signals": ("import signal; print(*map(signal.getsignal, (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)))", 0),
}


@pytest.mark.parametrize(("code", "status"), ENDS.values(), ids=ENDS)
def test_a_traced_script_ends_as_without_us(code, status, api, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(code)
    trace = ["-m", "pysock_raw", "trace", "--side", api.name, "-o", str(tmp_path / "trace.txt")]
    environment = {**os.environ, "PYSOCK_RAW_BACKEND": api.name}
    alone, traced = (
        subprocess.run([sys.executable, *command, script], capture_output=True, text=True, env=environment)
        for command in ([], trace)
    )
    assert alone.returncode == status
    assert (traced.returncode, traced.stdout, traced.stderr) == (alone.returncode, alone.stdout, alone.stderr)


def heeding():
    """For a child of ours: heed what the background of a shell, or nohup, ignores."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)])
def test_a_signal_ends_a_traced_script(number, status, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"import os\nos.kill(os.getpid(), {number})\n")
    command = [sys.executable, "-m", "pysock_raw", "trace", "--side", "python", script]
    assert subprocess.run(command, capture_output=True, preexec_fn=heeding).returncode == status


MEETS = """
import pysock_raw as c
c.socket(c.AF_UNIX, c.SOCK_STREAM, 0)
print("here", file=open("here", "w"))
open("go").close()
"""
COMPARE, PICTURE = ["compare", "--sides", "python"], ["trace", "--svg", "--side", "python"]


@pytest.fixture
def meeting(tmp_path):
    """Starts a command with a script, and returns when that runs: (the process, the directory of temporary files).
    The script ends when somebody opens `go` to write."""
    (tmp_path / "script.py").write_text(MEETS)
    (tmp_path / "temporary").mkdir()
    for name in ("here", "go"):
        os.mkfifo(tmp_path / name)
    here = os.open(tmp_path / "here", os.O_RDONLY | os.O_NONBLOCK)
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}

    def meeting(*command):
        ran = subprocess.Popen(
            [*command, "script.py"], env=environment, cwd=tmp_path, stdout=-1, stderr=-1, preexec_fn=heeding
        )
        assert select.select([here], [], [], 60)[0]
        return ran, tmp_path / "temporary"

    yield meeting
    os.close(here)


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (COMPARE, signal.SIGINT),
        (COMPARE, signal.SIGTERM),
        (COMPARE, signal.SIGHUP),
        (PICTURE, signal.SIGTERM),
        (PICTURE, signal.SIGHUP),
    ],
)
def test_a_signal_leaves_nothing_behind(command, number, meeting):
    ran, temporary = meeting(sys.executable, "-m", "pysock_raw", *command)
    assert os.listdir(temporary) != []
    ran.send_signal(number)
    ran.communicate(timeout=60)
    assert (ran.returncode, os.listdir(temporary)) == (128 + number, [])


@pytest.mark.parametrize("command", [COMPARE, PICTURE], ids=" ".join)
def test_under_nohup_a_closed_terminal_is_nothing(command, meeting):
    ran, temporary = meeting("nohup", sys.executable, "-m", "pysock_raw", *command)
    ran.send_signal(signal.SIGHUP)
    go = os.open(temporary.parent / "go", os.O_RDWR)
    ran.communicate(timeout=60)
    os.close(go)
    assert (ran.returncode, os.listdir(temporary)) == (0, [])


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
@pytest.mark.parametrize("command", [["explain"], ["info"], ["constants"], ["demo", "--list"]], ids=" ".join)
def test_stdout_that_takes_nothing_is_status_3(command, with_c):
    with open("/dev/full", "w") as full:
        ran = subprocess.run([sys.executable, "-m", "pysock_raw", *command], stdout=full, stderr=-1, text=True)
    assert (ran.returncode, ran.stderr) == (3, "pysock-raw: cannot write: No space left on device\n")


def test_a_reader_that_has_left_is_status_3_without_a_word():
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as pipe:
        ran = subprocess.run([sys.executable, "-m", "pysock_raw", "explain"], stdout=pipe, stderr=-1, text=True)
    assert (ran.returncode, ran.stderr) == (3, "")


def refuse(error):
    def refuse(*args, **kwargs):
        raise error

    return refuse


REFUSED = {
    "no process more": (BlockingIOError(11, "Resource temporarily unavailable"), "Resource temporarily unavailable"),
    "a pipe of ours": (BrokenPipeError(32, "Broken pipe"), "Broken pipe"),
    "a name": (OSError(24, "Too many\x1b[2J open files", "a\nb"), r"Too many\x1b[2J open files: a\nb"),
    "no errno": (OSError("an odd one"), "an odd one"),
}


@pytest.mark.parametrize(("error", "told"), REFUSED.values(), ids=REFUSED)
def test_what_the_system_refuses_is_named_and_status_3(error, told, run, monkeypatch):
    monkeypatch.setattr("pysock_raw.conformance.compare.compare_cases", refuse(error))
    status, out, err = run("compare", "bind/tcp/twice", "--sides", "python")
    assert (status, out) == (3, "")
    assert re.fullmatch(rf"pysock-raw: compare cannot go on: {re.escape(told)} \(test_cli.py:\d+, refuse\)\n", err)


def test_constants_name_what_python_lacks(run, with_c):
    status, out, _ = run("constants", "--format", "json")
    values = {row["name"]: (row["headers"], row["python"]) for row in json.loads(out)}
    assert status == 0
    assert values["AF_INET"] == (2, 2)
    assert values["AF_LOCAL"] == (1, None)


def test_info_names_the_backend_and_the_reason(run):
    status, out, _ = run("info")
    assert status == 0
    assert out.startswith("backend ")


def test_help_has_examples(run):
    status, out, _ = run("--help")
    assert status == 0
    assert "pysock-raw compare --format json | jq .summary" in out


def test_help_says_with_whose_rights_a_script_runs(run):
    status, out, _ = run("compare", "--help")
    assert (status, "with your own rights" in out) == (0, True)


@pytest.mark.parametrize(
    ("shell", "said"),
    [
        ("exec {} >&-", "stdout is closed"),
        ("ulimit -n 150; exec {}", "compare cannot go on: a limit of 150 open files has no room for a program"),
    ],
)
def test_a_shell_that_leaves_no_room(shell, said):
    command = shell.format(f"{sys.executable} -m pysock_raw compare bind/tcp/twice --sides python --format json")
    ran = subprocess.run(["sh", "-c", command], stderr=-1, text=True, stdout=subprocess.DEVNULL)
    assert ran.returncode == 3
    assert ran.stderr.startswith(f"pysock-raw: {said}")
    assert len(ran.stderr.splitlines()) == 1

"""The reports: what stands in them, that nothing of a script writes markup or control characters, and that a file
appears whole or not at all."""

import contextlib
import copy
import io
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from html import unescape

import pytest
from schemas import invalid

from pysock_raw.cli import main
from pysock_raw.conformance.case import Case, chosen, descriptor, error
from pysock_raw.conformance.compare import compare_cases, compare_script
from pysock_raw.report import aligned, html, junit, text
from pysock_raw.report.json import to_json, write
from pysock_raw.report.terminal import print_to

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.fixture(scope="module")
def markup(markup_script, sides):
    return compare_script(markup_script, sides)


def case(program, *allowed, id="socket/test", **options):
    return Case(id, "a <b>test</b>'s own \x1b[31mcase [red]", allowed, program, **options)


def close_on_exec(c, box):
    c.fcntl(c.socket(c.AF_INET, c.SOCK_STREAM, 0), c.F_GETFD, 0)


def unexplained(c, box):
    """Another call on the stdlib than elsewhere, after equal ones."""
    fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
    c.listen(fd, 1 if c.name == "stdlib" else 2)


@pytest.fixture(scope="module")
def all_kinds(sides):
    """Cases of every kind, compared: same, different, skipped, nonconforming, unexplained, with processes."""
    own = [
        case(close_on_exec, descriptor("a test")),
        case(lambda c, box: c.socket(999, 1, 0) and None, error("EINVAL", "a <b>test</b>"), id="socket/nonconforming"),
        case(unexplained, descriptor("a test"), id="socket/unexplained"),
    ]
    real = chosen(["socket/no-close-on-exec", "bind/null", "accept/tcp/by-a-forked-child", "bind/tcp/in-use"], None)
    report = compare_cases([*own, *real], sides)
    (skipped,) = (result for result in report.results if result.case.id == "bind/tcp/in-use")
    skipped.skipped, skipped.runs, skipped.comparisons = "no <b>luck\x1b", {}, {}
    return report


def page(document):
    file = io.StringIO()
    html.page(document, file)
    return file.getvalue()


def printed(document):
    file = io.StringIO()
    print_to(file, lambda out: text.show(document, out))
    return file.getvalue()


class TestJson:
    def test_the_documents_are_valid(self, all_kinds, markup):
        for report in (all_kinds, markup):
            file = io.StringIO()
            write(to_json(report), file)
            assert invalid("compare.json", json.loads(file.getvalue())) == []

    @pytest.mark.parametrize(
        "breakage",
        [
            lambda document: document["cases"][0].pop("verdicts"),
            lambda document: document["cases"][0]["verdicts"].update(stdlib="different"),
            lambda document: document["cases"][0]["sides"]["stdlib"]["trace"][0].pop("named"),
            lambda document: document["cases"][0]["sides"]["stdlib"]["trace"][0].pop("errno"),
            lambda document: document["cases"][0]["sides"]["stdlib"]["trace"][0].update(errno="13"),
            lambda document: document["cases"][0]["sides"]["stdlib"]["trace"][0].update(time=[1]),
            lambda document: document["cases"][0]["sides"]["stdlib"]["trace"][0].update(actor=1),
            lambda document: document["cases"][0]["sides"]["stdlib"]["trace"][0].update(syscalls="socket() = 3"),
            lambda document: document.update(schema=2),
        ],
    )
    def test_the_schema_is_no_formality(self, all_kinds, breakage):
        document = to_json(all_kinds)
        breakage(document)
        assert len(invalid("compare.json", document)) >= 1

    def test_a_line_for_each_case(self, all_kinds):
        file = io.StringIO()
        write(to_json(all_kinds), file)
        lines = [line for line in file.getvalue().splitlines() if line.startswith('{"id": ')]
        assert len(lines) == len(all_kinds.results)

    def test_a_call_says_beside_which_it_was_judged(self, all_kinds, with_c):
        result = to_json(all_kinds)["cases"][0]
        calls = result["sides"]["stdlib"]["trace"]
        assert [(call["call"], call["beside"], call["verdict"], call["difference"]) for call in calls] == [
            ("socket", 0, "same", None),
            ("fcntl", 1, "differs", "socket-close-on-exec"),
        ]
        assert calls[1]["named"] == {"args": ["fd1", "F_GETFD", 0], "result": 1}
        assert calls[1]["args"] == [calls[0]["result"], "F_GETFD", 0]

    def test_a_trace_as_json_lines_is_valid(self, markup_script, tmp_path):
        trace = ["trace", "--side", "python", "--format", "jsonl", "-o", str(tmp_path / "t"), str(markup_script)]
        subprocess.run([sys.executable, "-m", "pysock_raw", *trace], capture_output=True)
        lines = [json.loads(line) for line in (tmp_path / "t").read_text().splitlines()]
        assert [line["call"] for line in lines] == ["socket", "connect", "fcntl"]
        assert [error for line in lines for error in invalid("trace.json", line)] == []


class TestPage:
    def test_nothing_of_a_script_is_markup(self, markup):
        written = page(to_json(markup))
        assert CONTROL.search(written) is None
        assert {"<u>", "<b>&", "<i>", "<script>alert"}.isdisjoint(re.findall("<u>|<b>&|<i>|<script>alert", written))
        assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m &amp; \\u202e" in written
        assert 'id="case-%3Cu%3E%2520%20%5Bbold%5D.py"' in written

    def test_nothing_of_a_case_is_markup(self, all_kinds):
        written = page(to_json(all_kinds))
        assert CONTROL.search(written) is None
        assert "<b>test" not in written
        assert "<b>luck" not in written
        assert "a &lt;b&gt;test&lt;/b&gt;&#39;s own \\x1b[31mcase [red]" in written

    def test_it_needs_nothing_else(self, all_kinds):
        written = page(to_json(all_kinds))
        assert re.findall(r"<link|<img|<iframe|@import|url\(|\bsrc=", written) == []
        assert "default-src 'none'" in written

    def test_it_is_made_from_a_file_as_from_a_run(self, all_kinds):
        assert page(json.loads(json.dumps(to_json(all_kinds)))) == page(to_json(all_kinds))

    def test_a_script_has_a_picture_of_its_stages_before_the_calls(self, markup, all_kinds):
        written = page(to_json(markup))
        assert 0 < written.index("<svg ") < written.index('id="cases"')
        assert "&lt;u&gt;%20 [bold].py" in written[written.index("<svg ") : written.index("</svg>")]
        assert "<svg" not in page(to_json(all_kinds))

    def test_1400_cases_stay_below_3_megabytes(self, sides):
        document = to_json(compare_cases(chosen(["listen/*", "socketpair/*", "accept4/*"], None), sides))
        whole, empty = len(page(document)), len(page(document | {"cases": [], "differences": {}}))
        assert empty + (whole - empty) / len(document["cases"]) * 1400 < 3_000_000


class TestAligned:
    def test_sides_share_a_cell_where_they_agree_and_what_differs_is_marked(self, all_kinds, with_c):
        first, second = aligned.rows(to_json(all_kinds)["cases"][0])
        assert [(cell.span, cell.verdict) for cell in first.cells] == [(3, None)]
        assert [(cell.span, cell.verdict, cell.difference) for cell in second.cells] == [
            (2, None, None),
            (1, "differs", "socket-close-on-exec"),
        ]
        assert second.cells[1].parts[-2:] == ((") = ", False), ("1", True))
        assert [part for part, marked in second.cells[1].parts if marked] == ["1"]

    def test_a_long_trace_is_folded_and_counted(self, tmp_path, sides):
        script = tmp_path / "long.py"
        script.write_text(
            "import pysock_raw as c\n"
            "fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)\n"
            "for i in range(1000):\n"
            "    c.listen(fd, i)\n"
            "    if i % 100 == 0: c.fcntl(fd, c.F_GETFD, 0)\n"
            "c.close(fd)\n"
        )
        document = to_json(compare_script(script, sides))
        rows = aligned.rows(document["cases"][0])
        folds = [row for row in rows if isinstance(row, aligned.Fold)]
        assert len(rows) < 60
        assert len(rows) - len(folds) + sum(sum(fold.kinds.values()) for fold in folds) == 1012
        assert {row.times for row in rows if row not in folds} == {1}
        assert all(len(run["trace"]) == 1012 for run in document["cases"][0]["sides"].values())
        assert "more calls:" in page(document)

    def test_a_call_that_is_repeated_stands_once(self, sides):
        def program(c, box):
            fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            for _ in range(100):
                c.listen(fd, 1)

        document = to_json(compare_cases([case(program, descriptor("a test"))], sides))
        assert [(row.call, row.times) for row in aligned.rows(document["cases"][0])] == [("socket", 1), ("listen", 100)]
        assert "listen(fd1, 1) = 0 <b>100 times</b>" in page(document)

    def test_calls_after_the_programs_parted_have_no_counterpart(self, sides):
        def program(c, box):
            fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            if c.fcntl(fd, c.F_GETFD, 0):
                c.shutdown(fd, 2)
            else:
                c.listen(fd, 1)

        report = compare_cases([case(program, descriptor("a test"))], sides)
        rows = aligned.rows(to_json(report)["cases"][0])
        if "c" in sides:
            assert [[cell.span if cell.parts else 0 for cell in row.cells] for row in rows] == [
                [3], [2, 1], [2, 0], [0, 0, 1],
            ]  # fmt: skip

    def test_system_calls_are_shown_of_20_cases_and_of_no_more(self, all_kinds):
        document = to_json(all_kinds)
        (first, *_) = document["cases"]
        first["sides"]["stdlib"]["trace"][0]["syscalls"] = ["socket(<b>) = 3"]
        for side in first["sides"].values():
            side["trace"][0].setdefault("syscalls", [])
        first["sides"]["stdlib"]["trace"][1]["syscalls"] = []
        assert page(document).count("<summary>system calls</summary>") == 1
        assert "<dd>socket(&lt;b&gt;) = 3</dd>" in page(document)
        document["cases"] += [first | {"id": f"socket/{number}"} for number in range(20)]
        assert "<summary>system calls</summary>" not in page(document)
        assert "The system calls of 21 cases are in --format json" in page(document)


class TestText:
    def test_of_many_differences_there_is_a_list_with_the_commands_for_the_rest(self, all_kinds, with_c):
        document = to_json(all_kinds)
        (first, *_) = document["cases"]
        for number in range(130):
            call = ("bind", "listen", "connect")[number % 3]
            document["differences"][f"entry-{number}"] = {
                **document["differences"]["socket-close-on-exec"], "evidence": f"{call}/{number}", "title": "a title",
            }  # fmt: skip
            other = copy.deepcopy(first) | {"id": f"{call}/{number}", "call": call}
            other["sides"]["stdlib"]["trace"][1]["difference"] = f"entry-{number}"
            document["cases"].append(other)
        shown = printed(document)
        assert len(shown.splitlines()) < 60
        assert re.search(r"^ +1  entry-\d+ +a title$", shown, re.M)
        assert re.search(r"and 42 more +pysock-raw compare --call bind$", shown, re.M)
        assert "pysock-raw explain " in shown.splitlines()[-4]

    def test_what_comes_from_a_script_stays_text(self, markup):
        shown = printed(to_json(markup))
        assert CONTROL.search(shown) is None
        assert "<u>%20 [bold].py, run on" in shown
        assert "ended with SystemExit: <i>\\x1b[0m</i>" in shown

    def test_the_end_says_what_to_type_next(self, all_kinds):
        assert "pysock-raw compare -o report.html" in printed(to_json(all_kinds))


class TestJunit:
    def test_a_suite_for_each_side_and_a_failure_for_each_surprise(self, all_kinds, with_c):
        root = ET.fromstring(ET.tostring(junit.suites(to_json(all_kinds))))
        assert [tuple(suite.get(key) for key in ("name", "tests", "skipped", "failures")) for suite in root] == [
            ("c", "7", "1", "1"),
            ("python", "7", "1", "0"),
            ("stdlib", "7", "1", "1"),
        ]  # fmt: skip
        failures = [(test.get("name"), test.find("failure").get("type")) for test in root.iterfind(".//failure/..")]
        assert failures == [("socket/nonconforming", "nonconforming"), ("socket/unexplained", "unexplained")]
        (said,) = root.findall("testsuite[@name='stdlib']/testcase[@name='bind/null']/system-out")
        assert said.text == "refused: bind-null-address"

    def test_control_characters_of_a_script_are_no_xml(self, markup, tmp_path):
        with open(tmp_path / "report.xml", "w") as file:
            junit.render(markup, file)
        assert [suite.get("name") for suite in ET.parse(tmp_path / "report.xml").getroot()] == markup.sides
        assert CONTROL.search((tmp_path / "report.xml").read_text()) is None


BRIEFLY = ("compare", "bind/tcp/twice", "--sides", "python")
STARTS = {"report.html": "<!doctype html>", "report.json": "{\n", "report.xml": "<?xml ", "report.txt": "pysock_raw 0"}


ENDS = """
import pysock_raw as c
fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
if c.backend == "stdlib": raise KeyError("only-stdlib")
c.listen(fd, 1)
"""
REMARKS = """
import pysock_raw as c
c.socket(c.AF_INET, c.SOCK_STREAM, 0)
if c.backend == "stdlib": raise KeyError("only-stdlib")
if c.backend == "python": raise ValueError("only-python")
"""


class TestSides:
    """What stands in a report about a side is what this side did."""

    @pytest.fixture
    def document(self, tmp_path, with_c, sides):
        def compared(text):
            (tmp_path / "script.py").write_text(text)
            return to_json(compare_script(tmp_path / "script.py", sides))

        return compared

    def failures(self, document):
        root = junit.suites(document)
        return {suite.get("name"): [failure.text for failure in suite.iter("failure")] for suite in root}

    def test_a_program_that_ended_before_a_call_did_not_make_it(self, document):
        found = document(ENDS)
        (script,) = found["cases"]
        run = script["sides"]["stdlib"]
        assert invalid("compare.json", found) == []
        assert [call["call"] for call in script["sides"]["c"]["trace"]] == ["socket", "listen"]
        assert [call["call"] for call in run["trace"]] == ["socket"]
        assert run["ended_before"] == {"beside": 1, "verdict": "unexplained", "difference": None}
        assert script["sides"]["c"]["ended_before"] is None
        ended = "ended before it made this call: KeyError: 'only-stdlib'"
        called = "listen(fd1, 1) = 0"
        assert re.findall(r"^  (c|stdlib) +(listen.*|ended before.*)$", printed(found), re.M) == [
            ("c", f"{called}   at script.py:5"),
            ("stdlib", ended),
        ]
        assert self.failures(found) == {"c": [], "python": [], "stdlib": [f"c: {called}\nstdlib: {ended}"]}
        assert ended in unescape(page(found))

    def test_what_a_side_lacks_is_said_where_it_ended(self, with_c, sides):
        found = to_json(compare_cases(chosen(["socket/local/name-of-the-family"], None), sides))
        (case,) = found["cases"]
        run = case["sides"]["stdlib"]
        assert (run["trace"], run["ended_before"]["difference"]) == ([], "socket-names-of-families")
        assert "ended before it made this call: Lacking: the stdlib side has no AF_LOCAL" in printed(found)

    def test_remarks_stand_under_their_side(self, document):
        found = document(REMARKS)
        remarks = {
            "c": [],
            "python": ["python ended with ValueError: only-python, C with no error"],
            "stdlib": ["stdlib ended with KeyError: 'only-stdlib', C with no error"],
        }
        (script,) = found["cases"]
        assert {side: run["remarks"] for side, run in script["sides"].items()} == remarks
        assert script["remarks"] == [*remarks["python"], *remarks["stdlib"]]
        assert self.failures(found) == remarks
        assert re.findall(r"^  (\w+) +(\w+ ended with .*, C with no error)$", printed(found), re.M) == [
            (side, remark) for side, about in remarks.items() for remark in about
        ]

    def test_a_suite_names_the_differences_of_its_side(self, with_c, sides):
        found = to_json(compare_cases(chosen(["bind/null"], None), sides))
        said = {suite.get("name"): [text.text for text in suite.iter("system-out")] for suite in junit.suites(found)}
        assert said["python"] == ["emulated: see the report in JSON"]
        assert said["stdlib"] == [f"refused: {', '.join(found['differences'])}"]


class TestFiles:
    @pytest.mark.parametrize(("name", "start"), STARTS.items())
    def test_the_suffix_chooses_the_format(self, name, start, tmp_path):
        assert main(["compare", "bind/tcp/twice", "--sides", "python", "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_text().startswith(start)
        assert os.listdir(tmp_path) == [name]

    def test_the_format_that_is_given_wins(self, tmp_path):
        arguments = ["--sides", "python", "--format", "json", "-o", str(tmp_path / "report.html")]
        assert main(["compare", "bind/tcp/twice", *arguments]) == 0
        assert json.loads((tmp_path / "report.html").read_text())["schema"] == 1

    def test_a_call_alone_is_all_of_its_cases(self, capsys):
        assert main(["compare", "--list", "listen", "socket/no-close-on-exec"]) == 0
        ids = [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()]
        assert {id.partition("/")[0] for id in ids} == {"listen", "socket"}
        assert len(ids) > 20

    def test_html_names_the_extra_that_it_lacks(self, monkeypatch, capsys):
        monkeypatch.setitem(sys.modules, "jinja2", None)
        monkeypatch.delitem(sys.modules, "pysock_raw.report.html", raising=False)
        assert main(["compare", "bind/tcp/twice", "--format", "html"]) == 3
        assert "html needs jinja2: pip install 'pysock_raw[cli]'" in capsys.readouterr().err

    def test_text_is_plain_without_rich(self, monkeypatch, capsys):
        monkeypatch.setitem(sys.modules, "rich", None)
        assert main(["compare", "bind/tcp/twice", "listen/negative-descriptor", "--sides", "python,stdlib"]) == 0
        _, bind, listen, difference, end, more = capsys.readouterr().out.splitlines()
        assert bind == "bind            1 case   stdlib: 1 same"
        assert listen == "listen          1 case   stdlib: 1 refused"
        assert difference.startswith("listen-negative-descriptor   listen on a negative descriptor: ")
        assert difference.endswith(" (1 case)")
        assert end.startswith("2 cases · 0 unexplained · 0 nonconforming · 0 skipped · ")
        assert "pip install 'pysock_raw[cli]'" in more
        monkeypatch.setitem(sys.modules, "rich.console", None)
        monkeypatch.delitem(sys.modules, "pysock_raw.report.text", raising=False)
        assert main(["compare", "bind/tcp/twice", "--sides", "python", "--syscalls"]) == 3
        assert "text needs rich" in capsys.readouterr().err

    def test_a_full_disk_leaves_the_old_report_and_says_so(self, tmp_path):
        """On a file system of 16 KiB, in a mount namespace of its own."""
        if os.geteuid() != 0 or not shutil.which("unshare"):
            pytest.skip("only root can mount a file system that is full")
        script = f"""
            mount -t tmpfs -o size=16k none {tmp_path} && echo old > {tmp_path}/report.json || exit 77
            {sys.executable} -m pysock_raw compare listen --sides python -o {tmp_path}/report.json
            echo $? $(cat {tmp_path}/report.json) $(ls -A {tmp_path})
        """
        ran = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True)
        if ran.returncode == 77:
            pytest.skip(f"no file system can be mounted here: {ran.stderr}")
        assert ran.stdout == "3 old report.json\n"
        assert ran.stderr == f"pysock-raw: cannot write {tmp_path}/report.json: No space left on device\n"

    def test_a_full_disk_behind_stdout_is_one_sentence(self):
        command = [sys.executable, "-m", "pysock_raw", "compare", "bind/tcp/twice", "--sides", "python", "--format"]
        with open("/dev/full", "w") as full:
            ran = subprocess.run([*command, "json"], stdout=full, stderr=subprocess.PIPE, text=True)
        assert (ran.returncode, ran.stderr) == (3, "pysock-raw: cannot write: No space left on device\n")

    def test_an_error_while_writing_leaves_nothing_behind(self, tmp_path):
        from pysock_raw.report.files import whole

        (tmp_path / "report").write_text("old")
        os.chmod(tmp_path / "report", 0o640)
        with contextlib.suppress(RuntimeError), whole(tmp_path / "report") as file:
            file.write("new")
            raise RuntimeError
        assert ((tmp_path / "report").read_text(), os.listdir(tmp_path)) == ("old", ["report"])
        with whole(tmp_path / "report") as file:
            file.write("new")
        assert ((tmp_path / "report").read_text(), os.stat(tmp_path / "report").st_mode & 0o777) == ("new", 0o640)

    def test_a_process_that_is_killed_while_writing_leaves_the_old_report_and_nothing_else(self, tmp_path):
        from pysock_raw.report.files import whole

        try:
            os.close(os.open(tmp_path, os.O_TMPFILE | os.O_WRONLY))
        except (AttributeError, OSError):
            pytest.skip("this Python, or this file system, knows no files without a name")
        (tmp_path / "report").write_text("old")
        pid = os.fork()
        if pid == 0:
            with whole(tmp_path / "report") as file:
                file.write("new" * 100_000)
                os.kill(os.getpid(), signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        assert ((tmp_path / "report").read_text(), os.listdir(tmp_path)) == ("old", ["report"])

    def test_where_no_file_is_without_a_name_the_report_is_whole_too(self, tmp_path, monkeypatch):
        from pysock_raw.report.files import whole

        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
        with contextlib.suppress(RuntimeError), whole(tmp_path / "report") as file:
            raise RuntimeError
        assert os.listdir(tmp_path) == []
        with whole(tmp_path / "report") as file:
            file.write("new")
        assert ((tmp_path / "report").read_text(), os.listdir(tmp_path)) == ("new", ["report"])

    def test_what_a_link_points_to_is_replaced(self, tmp_path):
        (tmp_path / "there").mkdir()
        (tmp_path / "report.json").symlink_to("there/report")
        assert main([*BRIEFLY, "-o", str(tmp_path / "report.json")]) == 0
        assert json.loads((tmp_path / "there" / "report").read_text())["schema"] == 1
        assert (tmp_path / "report.json").is_symlink()

    def test_a_reader_of_a_pipe_gets_the_report(self, tmp_path):
        os.mkfifo(tmp_path / "report.json")
        with subprocess.Popen(["cat", tmp_path / "report.json"], stdout=subprocess.PIPE) as reader:
            assert main([*BRIEFLY, "-o", str(tmp_path / "report.json")]) == 0
            assert json.loads(reader.stdout.read())["schema"] == 1

    @pytest.mark.parametrize(
        ("name", "why"),
        [("directory", "Is a directory"), ("directory/none/report", "No such file or directory"),
         ("file/report", "Not a directory"), ("x" * 300, "File name too long"),
         ("socket", "No such device or address")],
    )  # fmt: skip
    def test_what_cannot_be_written_is_one_sentence(self, name, why, tmp_path, capsys):
        (tmp_path / "directory").mkdir()
        (tmp_path / "file").touch()
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(tmp_path / "socket"))
        assert main([*BRIEFLY, "--format", "json", "-o", str(tmp_path / name)]) == 3
        assert capsys.readouterr().err == f"pysock-raw: cannot write {tmp_path / name}: {why}\n"
        assert sorted(os.listdir(tmp_path)) == ["directory", "file", "socket"]


def on_a_terminal(arguments, **environment):
    """What the command prints to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    ran = subprocess.Popen(
        [sys.executable, "-m", "pysock_raw", *arguments], stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", **environment},
    )  # fmt: skip
    os.close(theirs)
    found = b""
    try:
        while chunk := os.read(ours, 65536):
            found += chunk
    except OSError:  # EIO: the command has ended
        pass
    os.close(ours)
    assert ran.wait() == 0
    return found.decode()


COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|38;[\d;]+)m")


class TestTerminal:
    arguments = ("compare", "socket/no-close-on-exec", "bind/tcp/twice", "--sides", "python,stdlib")

    def test_there_is_colour_and_progress(self):
        shown = on_a_terminal(self.arguments)
        assert COLOUR.search(shown)
        assert "comparing" in shown

    def test_no_color_is_honoured(self):
        assert COLOUR.search(on_a_terminal(self.arguments, NO_COLOR="1")) is None

"""Nothing that came from a script, a file, a path or an environment can write to a terminal, be markup, or break a
format: every text of a document, one after the other in every report, is EVIL."""

import copy
import io
import json
import os
import pty
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from schemas import invalid

from pysock_raw.cli import main
from pysock_raw.conformance.case import chosen
from pysock_raw.conformance.compare import compare_cases, compare_script
from pysock_raw.report import html, junit, text
from pysock_raw.report.diff import diff
from pysock_raw.report.json import to_json, write
from pysock_raw.report.stages import svg
from pysock_raw.report.terminal import print_to

EVIL = (
    "\x1b[31m\x9b31m\x1b]8;;http://x\x07link\x1b]8;;\x07\r\x08\x00\x7f\x85\u202e\u2066\u200f\u2028\ufeff\ufffe\ud800"
    " [red]rich[/] [link=http://x]rich[/link] [/nothing] {{ 7 * 191 }} {% raw %}"
    " </script></style></svg>]]><script>alert(1)</script><img src=x onerror=alert(1)>&amp;&#27;'\"`"
)
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\ud800-\udfff]")
MARKUP = re.compile("<script>alert|<img|</style></svg>|http://x\x07|1337")

ARGUMENT = os.fsdecode(
    EVIL.replace("\ud800", "").replace("\0", "").encode() + b"\xff"
)  # a shell hands over any bytes but 0
FIXED = {"call", "errno", "verdict", "difference", "differences", "evidence", "needs", "family", "result"}
"""What our own code says, or where a schema lets only some words stand."""


def poisoned(value, key=""):
    """A document with EVIL at the end of every text that is not fixed."""
    if key == "verdicts" or (key == "sides" and isinstance(value, list)):
        return value
    if isinstance(value, dict):
        return {name: poisoned(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [poisoned(item, key) for item in value]
    return value + EVIL if isinstance(value, str) and key not in FIXED else value


@pytest.fixture(scope="module")
def plain(markup_script, sides):
    """Documents of cases and of a script, with something of every kind in them."""
    cases = ["socket/no-close-on-exec", "bind/null", "accept/tcp/by-a-forked-child", "bind/local/*", "sendmsg/*"]
    found = to_json(compare_cases(chosen(cases, None), sides))
    first, second, third, *_ = found["cases"]
    first["nonconforming"] = "it is none"
    second["skipped"] = "it lacks"
    third["sides"][sides[-1]]["remarks"] = third["remarks"] = ["it is unexplained"]
    third["verdicts"] = dict.fromkeys(third["verdicts"], "unexplained")
    for call in third["sides"][sides[-1]]["trace"][:1]:
        call.update(verdict="unexplained", beside=0)
    return {"cases": found, "script": to_json(compare_script(markup_script, sides))}


@pytest.fixture(scope="module")
def evil(plain):
    return {name: poisoned(document) for name, document in plain.items()}


@pytest.fixture(params=["cases", "script"])
def document(request, evil):
    return copy.deepcopy(evil[request.param])


def harmless(written):
    assert "[red]rich[/] [link=http://x]rich[/link] [/nothing]" in written  # it was shown, and as text
    assert CONTROL.findall(written) == []
    return written


def shown(show, document):
    file = io.StringIO()
    print_to(file, lambda out: show(document, out))
    return file.getvalue()


def page(show, document):
    file = io.StringIO()
    show(document, file)
    return file.getvalue()


def test_text(document):
    harmless(shown(text.show, document))


def test_text_at_a_terminal_has_no_control_sequence_but_ours(document):
    from rich.console import Console

    file = io.StringIO()
    text.show(document, Console(file=file, force_terminal=True, width=100, color_system="standard"))
    assert CONTROL.findall(re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())) == []
    assert "\x1b[31mrich" not in file.getvalue()


def test_html(document):
    written = harmless(page(html.page, document))
    assert MARKUP.findall(written) == []
    assert written.count("<script") == 1


def test_xml(document):
    written = harmless(ET.tostring(junit.suites(document), encoding="unicode"))
    ET.fromstring(written)
    assert MARKUP.findall(written) == []


def test_json(document):
    written = page(write, document)
    assert CONTROL.findall(written) == []
    assert json.loads(written) == json.loads(json.dumps(document))
    assert invalid("compare.json", json.loads(written)) == []


def test_the_picture(evil):
    (about,) = evil["script"]["cases"]
    for run in about["sides"].values():
        written = harmless(svg(run["trace"]))
        ET.fromstring(written)
        assert MARKUP.findall(written) == []


def test_what_changed(plain, evil):
    for name in plain:
        changes = diff(plain[name] | {"file": "a"}, evil[name] | {"file": EVIL})
        harmless(shown(text.show_diff, changes))
        written = harmless(page(html.render_diff, changes))
        assert MARKUP.findall(written) == []


ARGUMENTS = {
    "script": ["compare", ARGUMENT + ".py"],
    "script-of-trace": ["trace", ARGUMENT],
    "case": ["compare", ARGUMENT],
    "side": ["compare", "--sides", ARGUMENT],
    "call": ["compare", "--call", ARGUMENT],
    "format": ["compare", "--format", ARGUMENT],
    "number": ["compare", "--jobs", ARGUMENT],
    "output": ["compare", "-o", f"report.{ARGUMENT}"],
    "output-that-cannot-be-written": ["compare", "bind/tcp/twice", "--format", "json", "-o", f"/none/{ARGUMENT}"],
    "command": [ARGUMENT],
    "difference": ["explain", ARGUMENT],
    "lesson": ["demo", ARGUMENT],
    "report": ["diff", ARGUMENT, "b.json"],
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
def test_what_an_error_says(arguments, capsys):
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr()
    assert (status in (2, 3), said.out, said.err.count("\n")) == (True, "", 1)
    assert CONTROL.findall(said.err) == []


@pytest.mark.parametrize("variable", ["PYSOCK_RAW_BACKEND", "PYSOCK_RAW_TRACE"])
def test_what_an_import_says_of_the_environment(variable):
    ran = subprocess.run(
        [sys.executable, "-c", "import pysock_raw"],
        env={**os.environ, variable: f"{ARGUMENT}/none"},
        capture_output=True,
    )
    last = ran.stderr.decode().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert CONTROL.findall(last) == []


NAMES = """
import pysock_raw as c
evil = {evil!r}
fd = c.socket(c.AF_UNIX, c.SOCK_DGRAM, 0)
for path in (evil[:100], b"\\0" + evil[:100]):
    c.connect(fd, c.sockaddr_un(sun_family=c.AF_UNIX, sun_path=path), c.sizeof(c.sockaddr_un))
c.setsockopt(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, evil[:15], 15)
c.send(fd, evil, len(evil), 0)
c.bind(fd, {text!r}, 3)
"""


@pytest.fixture
def named(tmp_path):
    """A script that gives the kernel names of every kind, and has one."""
    script = tmp_path / (CONTROL.sub("", EVIL).replace("/", "") + "\x1b[31m\u202e.py")
    script.write_text(
        NAMES.format(evil=EVIL.encode("utf-8", "surrogatepass"), text=EVIL.encode("utf-8", "replace").decode())
    )
    return script


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_a_trace_of_names(form, named, api):
    trace = ["trace", "--side", api.name, "--format", form, str(named)]
    ran = subprocess.run([sys.executable, "-m", "pysock_raw", *trace], capture_output=True)
    calls = ran.stderr.decode().split("Traceback")[0]
    assert calls.count("\n") >= 5
    assert CONTROL.findall(calls) == []


def test_a_comparison_of_names_at_a_terminal(named):
    """All that comes out of the command, whoever wrote it: only the colours and the cursor of rich."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pysock_raw", "compare", "--sides", "python,stdlib", str(named)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        found = b""
        try:
            while some := os.read(ours, 65536):
                found += some
        except OSError:  # EIO: the command has ended
            os.close(ours)
    left = re.sub(r"\x1b\[\??[\d;]*[A-Za-z]|\r\n|\r", "", found.decode())
    assert "[red]rich" in left
    assert CONTROL.findall(left) == []
    assert not re.search(r"\x1b\[31m\x9b", found.decode())

"""Lessons, by what the kernel reported on each side; and how they are told, by what a terminal and a pipe get."""

import ast
import errno
import functools
import io
import json
import os
import select
import signal
import socket

import pytest
from conftest import SIDES, open_files

from pysock_raw.backends import load
from pysock_raw.cli import main
from pysock_raw.lessons import lesson as catalogue
from pysock_raw.lessons.in_python import in_python
from pysock_raw.lessons.kernel import tables
from pysock_raw.lessons.lesson import Lesson, lacks, lessons, play
from pysock_raw.report import lesson as report
from pysock_raw.trace_values import buffer

NAMES = (
    "stages",
    "backlog",
    "accept-order",
    "address-in-use",
    "time-wait",
    "half-close",
    "nonblocking-connect",
    "signals",
    "inheritance",
    "dual-stack",
)
EVERY_SIDE = [*dict.fromkeys((*SIDES, "stdlib"))]


@pytest.fixture(params=EVERY_SIDE)
def side(request):
    return request.param


@functools.cache
def played(name, side):
    """The lesson on this side, as its JSON."""
    found = lessons()[name]
    if lacks(found):
        pytest.skip(lacks(found))
    lesson = play(found, load(side))
    assert lesson.ended is None
    return json.loads(json.dumps(lesson.to_json()))


def steps(name, side, call=None, lane=None, chapter=None):
    """The steps of a lesson: of one call, of one lane, of the chapter that begins so."""
    return [
        step
        for step in played(name, side)["steps"]
        if call in (None, step["call"]["call"])
        and lane in (None, step["lane"])
        and (chapter is None or step["chapter"].startswith(chapter))
    ]


def answers(found):
    """What calls returned: errno's name, or the result."""
    return [step["call"]["errno"] or step["call"]["result"] for step in found]


def words(found, key, lane=None):
    """One fact, each time that the kernel reported it."""
    return [word[key] for step in found for word in step["kernel"] if key in word and lane in (None, word["lane"])]


def states(found, lane, fd):
    """The states of one socket, each as often as it changed."""
    seen = [word["state"] for step in found for word in step["kernel"] if (word["lane"], word.get("fd")) == (lane, fd)]
    return [state for at, state in enumerate(seen) if at == 0 or state != seen[at - 1]]


# --- every lesson ---


def test_the_lessons():
    assert tuple(lessons()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_ends_with_nothing_left(name, side):
    for pid in played(name, side)["processes"].values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("name", NAMES)
def test_each_call_has_its_line_of_python(name, side):
    for step in played(name, side)["steps"]:
        ast.parse(step["python"])


@pytest.mark.parametrize("name", NAMES)
def test_each_step_of_a_call_has_a_word_of_the_kernel(name, side):
    silent = {step["call"]["call"] for step in played(name, side)["steps"] if not step["kernel"]}
    assert silent <= {"sigaction", "kill", "unlink", "waitpid"}


# --- stages ---

STREAM = ["socket", "bind", "listen", "accept", "accept", "recv", "send", "close", "close"]
DATAGRAM = ["socket", "bind", "recvfrom", "recvfrom", "sendto", "close"]


def with_option(calls):
    return ["socket", "setsockopt", *calls[1:]]


def test_stages_are_the_documents_stages_for_every_family_and_type(side):
    if lacks(lessons()["dual-stack"]):
        pytest.skip("no IPv6 on loopback")
    found = {
        chapter: [step["call"]["call"] for step in steps("stages", side, lane="server", chapter=chapter)]
        for chapter in dict.fromkeys(step["chapter"] for step in steps("stages", side))
    }
    assert found == {
        "AF_INET, SOCK_STREAM": with_option(STREAM),
        "AF_INET, SOCK_DGRAM": with_option(DATAGRAM),
        "AF_INET6, SOCK_STREAM": with_option(STREAM),
        "AF_INET6, SOCK_DGRAM": with_option(DATAGRAM),
        "AF_UNIX, SOCK_STREAM": [*STREAM, "unlink"],
        "AF_UNIX, SOCK_DGRAM": [*DATAGRAM, "unlink"],
    }


def test_stages_of_a_tcp_server_and_client(side):
    found = steps("stages", side, chapter="AF_INET, SOCK_STREAM")
    assert states(found, "server", 3) == ["CLOSE", "LISTEN", None]
    assert states(found, "server", 4) == ["ESTABLISHED", "CLOSE_WAIT", None]
    assert states(found, "client", 3) == ["CLOSE", "ESTABLISHED", "FIN_WAIT2", "TIME_WAIT"]
    assert set(words(found, "limit")) == {3}


def test_stages_of_a_udp_server_and_client(side):
    found = steps("stages", side, chapter="AF_INET, SOCK_DGRAM")
    assert states(found, "server", 3) == [None, "unconnected", None]
    assert states(found, "client", 3) == [None, "connected", None]
    (server,) = {word["local"]["port"] for step in found for word in step["kernel"] if word.get("code") == "07"}
    (peer,) = {word["peer"]["port"] for step in found for word in step["kernel"] if word.get("code") == "01"}
    assert peer == server


def test_stages_of_a_local_server_and_client(side):
    found = steps("stages", side, chapter="AF_UNIX, SOCK_STREAM")
    assert states(found, "server", 3) == ["unconnected", "LISTEN", None]
    assert states(found, "client", 3) == ["unconnected", "connected", None]


def test_stages_wait_where_nobody_has_come_yet(side):
    waiting = [step for step in steps("stages", side, lane="server") if step["call"]["result"] is None]
    assert {step["call"]["call"] for step in waiting} == {"accept", "recvfrom"}
    assert set(words(waiting, "process")) == {"S"}


# --- the queue ---


def test_backlog_of_2_holds_3_connections_and_accept_makes_room(side):
    tcp = steps("backlog", side, chapter="TCP")
    assert words(tcp, "queue") == [0, 1, 2, 3, 2]
    assert answers(tcp) == [0, 0, 0, 0, "EINPROGRESS", 0, 4]
    assert states(tcp, "client", 6) == ["SYN_SENT", None]
    local = steps("backlog", side, chapter="AF_UNIX")
    assert words(local, "queue") == [0, 1, 2, 3, 2, 3]
    assert answers(local) == [0, 0, 0, 0, "EAGAIN", 4, 0]


def test_a_negative_backlog_is_the_longest_queue_in_c_and_the_shortest_in_python(side):
    found = steps("backlog", side, chapter="A negative backlog")
    with open("/proc/sys/net/core/somaxconn") as limit:
        longest = int(limit.read())
    assert set(words(found, "limit")) == {0 if side == "stdlib" else longest}
    assert answers(steps("backlog", side, "connect", chapter="A neg")) == [0, "EAGAIN" if side == "stdlib" else 0]


def test_accept_order_is_that_of_connect(side):
    came = [
        word["local"]["port"]
        for step in steps("accept-order", side, "connect")
        for word in step["kernel"]
        if word["lane"] == "client"
    ]
    accepted = steps("accept-order", side, "accept")
    assert [step["call"]["args"][1]["port"] for step in accepted[:3]] == came
    assert answers(accepted) == [4, 5, 6, "EAGAIN"]
    assert words(steps("accept-order", side), "queue", "server") == [1, 2, 3, 2, 1, 0, 0, 0]


# --- addresses ---


def test_address_in_use(side):
    binds = answers(steps("address-in-use", side, "bind", chapter="Two servers"))
    assert binds == [0, "EADDRINUSE", "EADDRINUSE", 0]
    assert answers(steps("address-in-use", side, "bind", chapter="A path")) == [0, "EADDRINUSE", 0]


def test_time_wait_keeps_the_port_unless_both_servers_set_the_option(side):
    assert answers(steps("time-wait", side, "bind", chapter="Without")) == [0, "EADDRINUSE", "EADDRINUSE"]
    assert answers(steps("time-wait", side, "bind", chapter="With S")) == [0, 0]
    waiting = [word for step in steps("time-wait", side) for word in step["kernel"] if word.get("code") == "06"]
    assert [(word["lane"], word["table"], word["state"], word["closed"]) for word in waiting] == [
        ("server", "tcp", "TIME_WAIT", True)
    ] * 2
    ports = [step["kernel"][0]["local"]["port"] for step in steps("time-wait", side, "listen")]
    assert [word["local"]["port"] for word in waiting] == ports


def test_time_wait_is_still_there_when_bind_succeeds(side):
    """The kernel keeps it for a minute, so it is there now."""
    lesson = play(lessons()["time-wait"], load(side))
    assert lesson.ended is None
    waiting = [word for step in lesson.steps for word in step.kernel if word.get("code") == "06"][-1]
    found = [entry.code for entry in tables() if (entry.local, entry.peer) == (waiting["local"], waiting["peer"])]
    assert (lesson.steps[-1].call["call"], lesson.steps[-1].call["result"], found) == ("bind", 0, ["06"])


def test_dual_stack(side):
    peers = [step["call"]["args"][1]["addr"] for step in steps("dual-stack", side, "accept")]
    assert peers == ["::ffff:127.0.0.1", "::1"]
    assert answers(steps("dual-stack", side, "connect")) == [0, 0, "ECONNREFUSED", 0]
    assert answers(steps("dual-stack", side, "bind")) == [0, "EADDRINUSE", 0, 0]
    accepted = steps("dual-stack", side, "accept")[0]["kernel"][0]
    assert (accepted["table"], accepted["local"]["addr"]) == ("tcp6", "::ffff:127.0.0.1")


# --- connections ---


def test_half_close(side):
    found = steps("half-close", side)
    assert states(found, "client", 3) == ["ESTABLISHED", "FIN_WAIT2", "TIME_WAIT"]
    assert states(found, "server", 4) == ["ESTABLISHED", "CLOSE_WAIT", None]
    assert answers(steps("half-close", side, "recv", "server")) == [9, 0]
    assert answers(steps("half-close", side, "send", "client")) == [9, "EPIPE"]
    assert answers(steps("half-close", side, "recv", "client")) == [3, 0]


def test_nonblocking_connect(side):
    well = steps("nonblocking-connect", side, chapter="It goes well")
    assert states(well, "client", 4) == ["CLOSE", "SYN_SENT", "ESTABLISHED"]
    calls = [step for step in well if step["call"]["call"] in ("connect", "poll")]
    assert answers(calls) == ["EINPROGRESS", "EALREADY", 0, 1]
    badly = steps("nonblocking-connect", side, chapter="It goes badly")
    assert states(badly, "client", 3) == ["CLOSE"]
    told = steps("nonblocking-connect", side, "getsockopt")
    assert [step["call"]["args"][3] for step in told] == [0, errno.ECONNREFUSED]


def test_signals_end_a_call_in_c_and_python_calls_again(side):
    accepts = answers(steps("signals", side, "accept", chapter="A handler without"))
    assert accepts == [None, "EINTR", None, 4] if side == "c" else [None, None, 4]


def test_signals_restart_a_call_with_sa_restart(side):
    found = steps("signals", side, "accept", chapter="A handler with SA_RESTART")
    assert answers(found) == [None, None, 4]
    assert words(found, "process") == ["S", "S"]


def test_signals_sigpipe_kills_who_does_not_ignore_it(side):
    found = steps("signals", side, "send")
    assert answers(found) == [12, "EPIPE", "EPIPE", None]
    assert found[-1]["call"]["raised"] == "killed by SIGPIPE"
    assert states(steps("signals", side, chapter="SIGPIPE"), "client", 3) == [
        "ESTABLISHED",
        "CLOSE_WAIT",
        "CLOSE",
        None,
    ]


def test_inheritance_keeps_the_port_in_c_and_not_in_python(side):
    found = functools.partial(steps, "inheritance", side, chapter="As the sockets come")
    inherits = side != "stdlib"
    assert answers(found("fcntl")) == [0 if inherits else 1]
    assert words(found("posix_spawnp"), "sockets") == [[3] if inherits else []]
    assert found("close")[0]["kernel"][0]["state"] == ("LISTEN" if inherits else None)
    assert answers(found("connect")) == [0 if inherits else "ECONNREFUSED"]
    assert answers(found("bind")) == ([0, "EADDRINUSE", 0] if inherits else [0, 0])
    assert words(found("waitpid"), "state") == ([None, "CLOSE"] if inherits else [])


def test_inheritance_ends_with_close_on_exec(side):
    found = functools.partial(steps, "inheritance", side, chapter="With SOCK_CLOEXEC")
    assert answers(found("fcntl")) == [1]
    assert words(found("posix_spawnp"), "sockets") == [[]]
    assert answers(found("connect")) == ["ECONNREFUSED"]
    assert answers(found("bind")) == [0, 0]


# --- the lines of Python are what the standard library does ---


def test_the_lines_of_python_run(side, tmp_path, monkeypatch):
    """Those of the local stream: each lane's in a namespace of its own, the blocking one where it ends."""
    monkeypatch.chdir(tmp_path)
    given = {**vars(socket), "socket": socket, "os": os, "select": select, "signal": signal}
    lanes = {"server": dict(given), "client": dict(given)}
    for step in steps("stages", side, chapter="AF_UNIX, SOCK_STREAM"):
        if step["call"]["result"] is not None:
            exec(step["python"], lanes[step["lane"]])
            if step["call"]["call"] == "recv":
                assert step["call"]["result"] == 17
    assert os.listdir() == []


def test_a_line_of_python_holds_any_text():
    path, data = '\0007"\\\n\U0001f600', b"\0007\"'\\\n\xff"
    bind = {"call": "bind", "args": [3, {"family": "AF_UNIX", "path": path}, 8], "result": 0}
    send = {"call": "send", "args": [3, buffer(data), len(data), 0], "result": len(data)}
    for call, text in ((bind, path), (send, data)):
        (statement,) = ast.parse(in_python(call)).body
        assert ast.literal_eval(statement.value.args[0]) == text


# --- lessons that do not go well ---


def hanging(c, stage):
    fd = stage.server("A listener.").socket(c.AF_INET, c.SOCK_STREAM, 0)
    stage.server("It listens.").listen(fd, 1)
    stage.server("Nobody comes.").accept(fd, None, None)


def failing(c, stage):
    stage.server("There is no such family.").socket(999, c.SOCK_STREAM, 0)


def not_waiting(c, stage):
    stage.server.begins("This does not wait.").socket(c.AF_INET, c.SOCK_STREAM, 0)


def dying(c, stage):
    stage.client.does("It kills the server.", "kill", stage.server.pid, "SIGKILL")
    stage.server("The server is no more.").socket(c.AF_INET, c.SOCK_STREAM, 0)


BAD = {
    hanging: "accept(3, NULL, NULL) of the server did not end within 2 s",
    failing: "a step that has to succeed did not: socket(999, SOCK_STREAM, 0) = -1 EAFNOSUPPORT",
    not_waiting: "a call that has to wait did not: socket(AF_INET, SOCK_STREAM, 0) = 3",
    dying: "the server's process was ended by SIGKILL",
}


def bad(program):
    return Lesson("bad", "Bad", "something that does not go well", program, ())


@pytest.mark.parametrize(("program", "sentence"), BAD.items(), ids=[program.__name__ for program in BAD])
def test_a_lesson_ends_with_a_sentence_and_nothing_left(program, sentence, api):
    before = open_files()
    lesson = play(bad(program), api, deadline=2.0)
    assert lesson.ended == sentence
    assert open_files() == before
    for pid in lesson.processes.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


# --- what a person gets ---


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


def test_demo_piped_is_plain_and_the_same_each_time(run, side):
    first = run("demo", "inheritance", "--side", side, "--fast")
    assert run("demo", "inheritance", "--side", side, "--fast") == first
    status, out, err = first
    assert (status, err) == (0, "")
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 120
    assert all(text == text.rstrip() for text in out.splitlines())
    assert "127.0.0.1:port1" in out


def test_demo_as_data(run):
    status, out, _ = run("demo", "half-close", "--side", "python", "--format", "json")
    lesson = json.loads(out)
    assert (status, lesson["schema"], lesson["lesson"], lesson["side"]) == (0, 1, "half-close", "python")
    first = lesson["steps"][0]
    assert (first["lane"], first["call"]["call"], first["python"]) == (
        "server",
        "accept",
        "s4, address = s3.accept()",
    )
    assert (first["kernel"][0]["state"], first["kernel"][0]["code"]) == ("ESTABLISHED", "01")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("width", [80, 120])
def test_demo_at_a_terminal_fits_and_leaves_time_to_read(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    lesson = play(lessons()["half-close"], load("python"))
    screen, pauses = Terminal(), []
    report.render(lesson, screen, pauses.append)
    assert max(map(len, screen.getvalue().splitlines())) <= width
    assert len(pauses) == len(lesson.steps)
    assert min(pauses) > 1
    assert f"process {lesson.processes['server']}" in screen.getvalue()


def test_enter_goes_on_at_once(monkeypatch):
    reads, types = os.openpty()
    with open(types, closefd=True) as keyboard:
        monkeypatch.setattr("sys.stdin", keyboard)
        os.write(reads, b"\n")
        report.reading(100)
    os.close(reads)


def test_demo_lists_the_lessons(run):
    status, out, _ = run("demo", "--list")
    assert (status, [text.split()[0] for text in out.splitlines()]) == (0, list(NAMES))
    assert [row["name"] for row in json.loads(run("demo", "--list", "--format", "json")[1])] == list(NAMES)


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        (["nothing"], "there is no lesson 'nothing': choose one of stages, "),
        ([], "which lesson? choose one of stages, "),
    ],
    ids=["unknown", "none"],
)
def test_a_lesson_that_is_not_there_is_status_2_with_all_names(arguments, begins, run):
    status, out, err = run("demo", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert begins in err
    assert all(name in err for name in NAMES)


def test_a_lesson_that_hangs_is_status_3(run, monkeypatch):
    monkeypatch.setattr(catalogue, "lessons", lambda: {"bad": bad(hanging)})
    monkeypatch.setitem(catalogue.play.__kwdefaults__, "deadline", 2.0)
    status, out, err = run("demo", "bad", "--side", "python")
    assert (status, out.count("It listens.")) == (3, 1)
    assert err == (
        "pysock-raw: the lesson bad ended early: accept(3, NULL, NULL) of the server did not end within 2 s\n"
    )


def test_what_a_lesson_lacks_is_status_3(run, monkeypatch):
    monkeypatch.setattr(catalogue, "lacking", lambda need: f"no {need} here")
    status, out, err = run("demo", "dual-stack", "--side", "python")
    assert (status, out) == (3, "")
    assert err == "pysock-raw: the lesson dual-stack cannot be run here: no linux here\n"

"""The picture of a run: which packets crossed, and what the SVG shows of them."""

import itertools
import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from pysock_raw.report.packets import Crossing, crossings
from pysock_raw.report.stages import svg
from pysock_raw.trace import Recorded

SVG = "{http://www.w3.org/2000/svg}"
PORT = {"family": "AF_INET", "addr": "127.0.0.1", "port": 8080}
ANY = {**PORT, "addr": "0.0.0.0"}
PATH = {"family": "AF_UNIX", "path": "/run/server"}
LENGTH = {"in": 16, "out": 16}
STREAM = ["AF_INET", "SOCK_STREAM|SOCK_CLOEXEC", 0]
DGRAM = ["AF_INET", "SOCK_DGRAM", 0]


def data(text):
    return {"bytes": text, "length": len(text)}


def other(port):
    return {**PORT, "port": port}


def run(*calls):
    """Records of calls (process, name, args, result[, begin, end]). Without times they follow each other."""
    records = []
    for number, (process, name, args, result, *span) in enumerate(calls):
        failed = isinstance(result, str)
        records.append({
            "call": name, "args": args, "result": -1 if failed else result, "errno": result if failed else None,
            "raised": None, "emulated": False, "pid": process, "thread": process, "where": "script.py:1",
            "time": span or [2 * number * 1000, (2 * number + 1) * 1000],
        })  # fmt: skip
    return records


SERVER = [
    (1, "socket", STREAM, 3),
    (1, "bind", [3, PORT, 16], 0),
    (1, "listen", [3, 5], 0),
]
CONNECTED = [
    *SERVER,
    (2, "socket", STREAM, 3),
    (2, "connect", [3, PORT, 16], 0),
    (1, "accept", [3, other(50000), LENGTH], 4),
]
CONNECTION = (4, 5, "connection")

RUNS = {
    "a connection": (CONNECTED, [CONNECTION]),
    "by a wildcard": (
        [(1, "socket", STREAM, 3), (1, "bind", [3, ANY, 16], 0), *CONNECTED[2:]],
        [CONNECTION],
    ),
    "by a port that getsockname told": (
        [
            (1, "socket", STREAM, 3),
            (1, "bind", [3, other(0), 16], 0),
            (1, "getsockname", [3, PORT, LENGTH], 0),
            *CONNECTED[3:],
        ],
        [CONNECTION],
    ),
    "by a path": (
        [
            (1, "socket", ["AF_UNIX", "SOCK_STREAM", 0], 3),
            (1, "bind", [3, PATH, 13], 0),
            (1, "listen", [3, 5], 0),
            (2, "socket", ["AF_UNIX", "SOCK_STREAM", 0], 3),
            (2, "connect", [3, PATH, 13], 0),
            (1, "accept", [3, None, None], 4),
        ],
        [CONNECTION],
    ),
    "one that is made in the background": (
        [*CONNECTED[:4], (2, "connect", [3, PORT, 16], "EINPROGRESS"), CONNECTED[5]],
        [CONNECTION],
    ),
    "one that was refused": ([*CONNECTED[:4], (2, "connect", [3, PORT, 16], "ECONNREFUSED")], []),
    "one from a program that was not recorded": ([*SERVER, CONNECTED[5]], []),
    "by a listener that does not ask for the client's name": (
        [*CONNECTED[:4], (2, "bind", [3, other(50000), 16], 0), CONNECTED[4], (1, "accept", [3, None, None], 4)],
        [(5, 6, "connection")],
    ),
    "two clients, told apart by their ports": (
        [
            *SERVER,
            (2, "socket", STREAM, 3),
            (3, "socket", STREAM, 3),
            (2, "bind", [3, other(50002), 16], 0),
            (3, "bind", [3, other(50003), 16], 0),
            (2, "connect", [3, PORT, 16], 0),
            (3, "connect", [3, PORT, 16], 0),
            (1, "accept", [3, other(50003), LENGTH], 4),
            (1, "accept", [3, other(50002), LENGTH], 5),
        ],
        [(8, 9, "connection"), (7, 10, "connection")],
    ),
    "bytes that are read in two parts": (
        [
            *CONNECTED,
            (2, "send", [3, data("hello"), 5, 0], 5),
            (1, "recv", [4, data("h"), 1, "MSG_PEEK"], 1),
            (1, "recv", [4, data("hell"), 4, 0], 4),
            (1, "read", [4, data("o"), 9], 1),
        ],
        [CONNECTION, (6, 8, "4 bytes"), (6, 9, "1 byte")],
    ),
    "bytes of two calls that are read at once": (
        [
            *CONNECTED,
            (1, "write", [4, data("he"), 2], 2),
            (1, "write", [4, data("llo"), 3], 3),
            (2, "recv", [3, data("hello"), 9, 0], 5),
        ],
        [CONNECTION, (6, 8, "2 bytes"), (7, 8, "3 bytes")],
    ),
    "the end by shutdown, not by the close after it": (
        [
            *CONNECTED,
            (2, "shutdown", [3, "SHUT_WR"], 0),
            (2, "close", [3], 0),
            (1, "recv", [4, data(""), 9, 0], 0),
            (1, "recv", [4, data(""), 9, 0], 0),
        ],
        [CONNECTION, (6, 8, "end of file")],
    ),
    "the end by the last close, in a child": (
        [
            *CONNECTED,
            (1, "close", [4], 0),
            (9, "close", [4], 0),
            (2, "read", [3, data(""), 9], 0),
        ],
        [CONNECTION, (7, 8, "end of file")],
    ),
    "a datagram and its answer": (
        [
            (1, "socket", DGRAM, 3),
            (1, "bind", [3, PORT, 16], 0),
            (2, "socket", DGRAM, 3),
            (2, "connect", [3, PORT, 16], 0),
            (2, "send", [3, data("ping"), 4, 0], 4),
            (1, "recvfrom", [3, data("ping"), 9, 0, other(50000), LENGTH], 4),
            (1, "sendto", [3, data("pong"), 4, 0, other(50000), 16], 4),
            (2, "recv", [3, data("pong"), 9, 0], 4),
        ],
        [(4, 5, "4 bytes"), (6, 7, "4 bytes")],
    ),
    "a pair": (
        [
            (1, "socketpair", ["AF_UNIX", "SOCK_SEQPACKET", 0, [3, 4]], 0),
            (1, "fcntl", [4, "F_DUPFD", 7], 7),
            (1, "send", [3, data("one"), 3, 0], 3),
            (1, "send", [3, data("two"), 3, 0], 3),
            (1, "recv", [7, data("o"), 1, 0], 1),
            (1, "recv", [4, data("two"), 9, 0], 3),
        ],
        [(2, 4, "1 byte"), (3, 5, "3 bytes")],
    ),
    "a call that waited counts from its end": (
        [
            (1, "socketpair", ["AF_UNIX", "SOCK_STREAM", 0, [3, 4]], 0, 0, 1),
            (1, "recv", [4, data("x"), 1, 0], 1, 2, 9),
            (2, "send", [3, data("x"), 1, 0], 1, 5, 10),
        ],
        [(2, 1, "1 byte")],
    ),
}


@pytest.mark.parametrize(("calls", "expected"), RUNS.values(), ids=RUNS)
def test_who_sent_what_to_whom(calls, expected):
    assert crossings(run(*calls)) == [Crossing(*packet) for packet in expected]


def draw(*calls):
    return ElementTree.fromstring(svg(run(*calls)))


def texts(picture, kind):
    return [element.text for element in picture.iter(f"{SVG}text") if kind in element.get("class").split()]


def boxes(picture):
    """(top, bottom, class) of the calls in the order of their begin."""
    rects = [rect for rect in picture.iter(f"{SVG}rect") if "box" in rect.get("class").split()]
    return [(float(r.get("y")), float(r.get("y")) + float(r.get("height")), r.get("class")) for r in rects]


MS = 10**6
BLOCKED = [
    (1, "socket", STREAM, 3, 0, 1),
    (1, "bind", [3, PORT, 16], 0, 2, 3),
    (1, "listen", [3, 5], 0, 4, 5),
    (1, "accept", [3, other(50000), LENGTH], 4, 6, 90 * MS),
    (2, "socket", STREAM, 3, 80 * MS, 80 * MS + 1),
    (2, "connect", [3, PORT, 16], 0, 80 * MS + 2, 80 * MS + 3),
    (2, "connect", [3, PORT, 16], "EISCONN", 91 * MS, 91 * MS + 1),
]


def test_a_call_that_blocked_is_drawn_from_its_begin_to_its_end():
    found = boxes(draw(*BLOCKED))
    accept, connect, again = found[3], found[5], found[6]
    assert accept[2] == "box waited"
    assert accept[0] < connect[0] < connect[1] < accept[1] < again[0]
    assert [kind for _, _, kind in found[:3]] == ["box"] * 3


def test_lanes_numbers_results_and_times():
    picture = draw(*BLOCKED)
    assert texts(picture, "role") == ["Server", "Client"]
    assert texts(picture, "numeral") == ["1", "3", "4", "5", "1", "2", "2"]
    assert texts(picture, "result") == ["= 3", "= 0", "= 0", "= 4", "= 3", "= 0", "= -1 EISCONN"]
    assert texts(picture, "wrong") == ["= -1 EISCONN"]
    assert texts(picture, "time")[-1] == "91.0"
    assert "waited 90.0 ms" in texts(picture, "args")
    assert texts(picture, "carries") == ["connection"]


def test_calls_of_a_lane_stand_apart():
    found = boxes(draw(*BLOCKED))
    assert all(above[1] + 9 <= below[0] for above, below in itertools.pairwise(found[:4]))


def test_a_longer_time_is_a_longer_way():
    close = (1, "close", [3], 0)
    first, soon, late = boxes(draw((*close, 0, 1), (*close, 10 * MS, 10 * MS + 1), (*close, 1000 * MS, 1000 * MS + 1)))
    assert 9 < soon[0] - first[1] < late[0] - soon[1]


@pytest.mark.parametrize(("call", "kind"), [("poll", "box waited"), ("send", "box"), ("listen", "box")])
def test_a_call_that_took_long_has_waited_if_it_is_one_that_waits(call, kind):
    assert boxes(draw((1, call, [3, 1, 2, 3], 1, 0, 5 * MS)))[0][2] == kind


def test_no_arrow_points_up():
    picture = draw(
        *CONNECTED,
        (1, "recv", [4, data("x"), 1, 0], 1, 39000, 40001),
        (2, "listen", [9, 1], "EBADF", 39100, 39200),
        (2, "send", [3, data("x"), 1, 0], 1, 40000, 40009),
    )
    ways = [list(map(float, re.findall(r"[\d.]+", path.get("d")))) for path in picture.iter(f"{SVG}path")]
    assert len(ways) == 2
    assert all(way[1] < way[-1] for way in ways)


def test_what_came_from_the_program_is_escaped():
    evil = '<script>alert(1)</script>&"\x1b\x00\udc80'
    calls = run((1, "connect", [3, {"family": "AF_UNIX", "path": evil}, 99], 0), (1, "send", [3, data(evil), 9, 0], 9))
    calls[1] |= {"result": None, "raised": evil}
    for call in calls:
        call["where"] = f"{evil}.py:1"
    text = svg(calls)
    assert "<script" not in text
    assert all(character.isprintable() or character == "\n" for character in text)
    picture = ElementTree.fromstring(text)
    assert texts(picture, "who")[0].startswith('<script>alert(1)</script>&"\\x1b\\x00\\udc80.py · process 1')


def test_a_long_run_folds_its_middle_and_says_so():
    picture = draw(*[(1, "listen", [3, 5], 0)] * 20000)
    assert len(boxes(picture)) == 60
    assert texts(picture, "folded") == ["19,940 calls between 0.08 and 40.0 ms are not drawn"]


def test_a_call_that_never_returned_reaches_the_end():
    records = run((1, "accept", [3, None, None], 0), (2, "listen", [3, 5], 0))
    records[0] |= {"result": None, "time": [0, None]}
    picture = ElementTree.fromstring(svg(records))
    assert "never returned" in texts(picture, "result")
    assert boxes(picture)[0][1] >= boxes(picture)[1][1]


def test_more_threads_than_fit_are_counted():
    picture = draw(*[(process, "socket", STREAM, 3) for process in range(1, 10)])
    assert len(texts(picture, "role")) == 6
    assert texts(picture, "caption")[-1] == "3 more threads are not drawn."


SCRIPT = """
import subprocess, sys
server = subprocess.Popen([sys.executable, "-m", "pysock_raw.examples.server", "inet", "stream", "127.0.0.1", "0"],
                          stdout=subprocess.PIPE, text=True)
port = server.stdout.readline().split()[-1]
subprocess.run([sys.executable, "-m", "pysock_raw.examples.client", "inet", "stream", "127.0.0.1", port], check=True)
server.communicate()
raise SystemExit(5)
"""


@pytest.mark.parametrize("option", [["--svg"], ["--format", "svg"]], ids=" ".join)
def test_a_script_that_starts_server_and_client(option, api, tmp_path):
    script = tmp_path / "both.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "pysock_raw", "trace", "--side", api.name, str(script), *option]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (5, "Hello from server\n")  # stdout has the picture alone
    picture = ElementTree.fromstring(ran.stdout)
    assert texts(picture, "role") == ["Server", "Client"]
    assert sorted(texts(picture, "carries")) == ["17 bytes", "17 bytes", "connection"]


def test_a_script_without_calls_has_no_picture(tmp_path):
    (tmp_path / "nothing.py").write_text("")
    command = [sys.executable, "-m", "pysock_raw", "trace", "--svg", "--side", "python", str(tmp_path / "nothing.py")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert "made no call through pysock_raw" in ran.stderr


NO_RECORDS = r"""
import json, os, pysock_raw as c
c.close(c.socket(c.AF_UNIX, c.SOCK_STREAM, 0))
record = json.loads(open(os.environ["PYSOCK_RAW_TRACE"]).readline())
with open(os.environ["PYSOCK_RAW_TRACE"], "ab") as trace:
    for value in (5, {}, {**record, "args": 3}, {**record, "time": [1]}, {**record, "time": ["0", 1]}):
        trace.write(json.dumps(value).encode() + b"\n")
    for key in record:
        trace.write(json.dumps({**record, key: {}}).encode() + b"\n")
    trace.write(b"\xff\0\x1b[2J\n" + b"[" * 100000 + b"\ngarbage{")
"""


def test_lines_that_are_no_records_are_left_out_and_counted(api, tmp_path):
    script = tmp_path / "writes.py"
    script.write_text(NO_RECORDS)
    command = [sys.executable, "-m", "pysock_raw", "trace", "--svg", "--side", api.name, str(script)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "pysock-raw: lines of the trace that are no records, left out: 19\n")
    assert len(boxes(ElementTree.fromstring(ran.stdout))) == 2


def test_every_record_says_when_it_began_and_ended(api):
    records = []
    c = Recorded(api, records.append)
    c.close(c.socket(c.AF_INET, c.SOCK_STREAM, 0))
    with pytest.raises(TypeError):
        c.socket("3", 1, 0)
    spans = [record["time"] for record in json.loads(json.dumps(records))]
    moments = [moment for span in spans for moment in span]
    assert len(moments) == 6
    assert moments == sorted(moments)

"""Recording a program: the lines of PYSOCK_RAW_TRACE=-, the objects of a .jsonl file, and nothing when off."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import pysock_raw
from pysock_raw.trace import Recorded
from pysock_raw.trace_text import line, lines

PROGRAM = """
import pysock_raw as c
fd = c.socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0)
one = c.c_int(1)
c.setsockopt(fd, c.SOL_SOCKET, c.SO_REUSEADDR, one, c.sizeof(one))
address = c.sockaddr_in(sin_family=c.AF_INET)
address.sin_addr.s_addr = c.htonl(c.INADDR_LOOPBACK)
c.bind(fd, address, c.sizeof(address))
c.bind(fd, None, 16)
c.listen(fd, 3)
c.accept(fd, address, c.socklen_t(16))
try:
    c.accept(fd, address, c.socklen_t(128))
except ValueError:
    pass
c.close(fd)
"""

LINES = """\
socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3
setsockopt(3, SOL_SOCKET, SO_REUSEADDR, 1, 4) = 0
bind(3, {sin_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
bind(3, NULL, 16) = -1 EFAULT%s
listen(3, 3) = 0
accept(3, <16 bytes>, [16]) = -1 EAGAIN
accept(3, <16 bytes>, [128]) = ? ValueError: addrlen.value is 128, and addr has only 16 bytes
close(3) = 0
"""


def run(program: str, tmp_path: Path, **environment: str) -> str:
    script = tmp_path / "program.py"
    script.write_text(program)
    return subprocess.run(
        [sys.executable, str(script)], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    ).stderr


def test_of_many_equal_items_there_is_one():
    call = {"call": "poll", "result": 0, "errno": None, "raised": None, "emulated": False}
    assert line({**call, "args": [[1] * 8 + [2] * 9 + [1], 18]}) == (
        "poll([1, 1, 1, 1, 1, 1, 1, 1, 2 (9 times), 1], 18) = 0"
    )


def test_a_default_timeout_has_a_line_where_it_is_set_and_where_it_is_taken_away():
    calls = [{"call": "listen", "args": [3, 1], "result": 0, "errno": None, "raised": None, "emulated": False}] * 4
    timed = [
        call | ({} if timeout is None else {"timeout": timeout})
        for call, timeout in zip(calls, (None, 2.5, 2.5, None), strict=True)
    ]
    told, listened = "socket.setdefaulttimeout({})".format, "listen(3, 1) = 0"
    assert [*lines(timed)] == [listened, told(2.5), listened, listened, told(None), listened]


def test_a_line_for_each_call_as_strace_prints_it(api, tmp_path):
    emulated = {"c": "", "python": " (emulated)"}[api.name]
    traced = run(PROGRAM, tmp_path, PYSOCK_RAW_BACKEND=api.name, PYSOCK_RAW_TRACE="-")
    assert traced == LINES % emulated


def test_one_json_object_for_each_call(api, tmp_path):
    run(PROGRAM, tmp_path, PYSOCK_RAW_BACKEND=api.name, PYSOCK_RAW_TRACE=str(tmp_path / "out.jsonl"))
    records = [json.loads(text) for text in (tmp_path / "out.jsonl").read_text().splitlines()]
    calls = ["socket", "setsockopt", "bind", "bind", "listen", "accept", "accept", "close"]
    assert [record["call"] for record in records] == calls
    bind, null = records[2], records[3]
    assert bind["args"] == [3, {"family": "AF_INET", "addr": "127.0.0.1", "port": 0}, 16]
    assert (bind["result"], bind["errno"], bind["raised"], bind["emulated"]) == (0, None, None, False)
    assert (null["args"][1], null["result"], null["errno"]) == (None, -1, "EFAULT")
    assert null["emulated"] is (api.name == "python")
    assert null["where"] == "program.py:9"
    assert records[6]["raised"] == "ValueError: addrlen.value is 128, and addr has only 16 bytes"


def test_a_default_timeout_is_told_and_where_there_is_none_nothing(recorded):
    c, records = recorded
    for timeout in (2.5, 0.0, None):
        socket.setdefaulttimeout(timeout)
        c.close(-1)
    assert [record.get("timeout", "none") for record in records] == [2.5, 0.0, "none"]


def test_nothing_is_recorded_and_nothing_wrapped_when_off(tmp_path):
    assert run(PROGRAM, tmp_path, PYSOCK_RAW_TRACE="") == ""
    if pysock_raw.backend == "c" and not os.environ.get("PYSOCK_RAW_TRACE"):
        assert type(pysock_raw.socket).__name__ == "builtin_function_or_method"


@pytest.fixture
def recorded(api):
    records = []
    return Recorded(api, records.append), records


def test_a_value_result_length_shows_both_ways(recorded):
    c, records = recorded
    fd = c.socket(c.AF_INET, c.SOCK_DGRAM, 0)
    c.getsockname(fd, c.sockaddr_in6(), c.socklen_t(28))
    c.close(fd)
    shown = 'getsockname(3, {sin_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("0.0.0.0")}, [28 => 16]) = 0'
    assert line({**records[1], "args": [3, *records[1]["args"][1:]]}) == shown


MESSAGES = """
import pysock_raw as c
ends = (c.c_int * 2)()
c.socketpair(c.AF_UNIX, c.SOCK_DGRAM, 0, ends)
words = (c.iovec * 2)(c.iovec(b"one", 3), c.iovec(b"two", 3))
told = c.msghdr(msg_iov=words, msg_iovlen=2, msg_control=bytearray(c.CMSG_SPACE(4)), msg_controllen=c.CMSG_SPACE(4))
header = c.CMSG_FIRSTHDR(told)
header.cmsg_len, header.cmsg_level, header.cmsg_type = c.CMSG_LEN(4), c.SOL_SOCKET, c.SCM_RIGHTS
c.CMSG_DATA(header)[:4] = bytes(c.c_int(ends[1]))
c.sendmsg(ends[0], told, 0)
room = (c.iovec * 2)(c.iovec(bytearray(4), 4), c.iovec(bytearray(9), 0))
heard = c.msghdr(c.sockaddr_un(), 110, room, 2, bytearray(64), 64)
c.recvmsg(ends[1], heard, 0)
one = c.msghdr(msg_iov=c.iovec(bytearray(b"a"), 1), msg_iovlen=1)
c.recvmsg(ends[1], one, c.MSG_DONTWAIT)
many = (c.mmsghdr * 2)(c.mmsghdr(one), c.mmsghdr(c.msghdr(msg_iovlen=1)))
c.sendmmsg(ends[0], many, 2, 0)
c.recvmmsg(ends[1], many, 1, 0, c.timespec(tv_sec=5))
one.msg_iovlen = 2
try:
    c.recvmsg(ends[1], one, 0)
except ValueError:
    pass
"""

MESSAGE_LINES = """\
socketpair(AF_UNIX, SOCK_DGRAM, 0, [3, 4]) = 0
sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=["one", "two"], \
msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, fds=[4]}], msg_controllen=24}, 0) = 6
recvmsg(4, {msg_name=<110 bytes>, msg_namelen=[110 => 0], msg_iov=["onet", <0 bytes>], \
msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, fds=[5]}], \
msg_controllen=[64 => 24], msg_flags=MSG_TRUNC}, 0) = 4
recvmsg(4, {msg_name=NULL, msg_namelen=[0], msg_iov=[<1 bytes>], msg_control=NULL, msg_controllen=[0]}, \
MSG_DONTWAIT) = -1 EAGAIN
sendmmsg(3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=["a"], msg_control=NULL, msg_controllen=0}, msg_len=1}, \
{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=NULL, msg_control=NULL, msg_controllen=0}}], 2, 0) = 1%s
recvmmsg(4, [{msg_hdr={msg_name=NULL, msg_namelen=[0], msg_iov=["a"], msg_control=NULL, msg_controllen=[0], \
msg_flags=0}, msg_len=1}], 1, 0, {tv_sec=5, tv_nsec=0}) = 1%s
recvmsg(4, msghdr, 0) = ? ValueError: msg_iovlen * sizeof(struct iovec) is 32, and msg_iov has only 16 bytes
"""


def test_messages_are_shown_by_their_members_with_what_came_in_them(api, tmp_path):
    emulated = {"c": "", "python": " (emulated)"}[api.name]
    traced = run(MESSAGES, tmp_path, PYSOCK_RAW_BACKEND=api.name, PYSOCK_RAW_TRACE="-")
    assert traced == MESSAGE_LINES % (emulated, emulated)


CONTROL = [
    (("SOL_SOCKET", "SCM_CREDENTIALS", b"\7\0\0\0\x01\0\0\0\x02\0\0\0"), {"pid": 7, "uid": 1, "gid": 2}),
    (("SOL_SOCKET", "SCM_CREDENTIALS", b"\7\0\0\0"), {"pid": 7}),
    (
        ("IPPROTO_IP", 8, b"\1\0\0\0\x7f\0\0\1\x7f\0\0\2"),
        {"ipi_ifindex": 1, "ipi_spec_dst": "127.0.0.1", "ipi_addr": "127.0.0.2"},
    ),
    (("IPPROTO_IPV6", 50, bytes(15) + b"\1\2\0\0\0"), {"ipi6_addr": "::1", "ipi6_ifindex": 2}),
    (("IPPROTO_IP", 2, b"\x40\0\0\0"), 64),
    (("IPPROTO_IP", 8, b"short"), {"bytes": "short", "length": 5}),
    (("IPPROTO_TCP", 999, b"what"), {"bytes": "what", "length": 4}),
    (
        ("IPPROTO_IP", 11, b"\x6f\0\0\0\2\3\3\0" + bytes(8) + b"\2\0\0\x09\x7f\0\0\1" + bytes(8)),
        {
            "ee_errno": "ECONNREFUSED",
            "ee_origin": "SO_EE_ORIGIN_ICMP",
            "ee_type": 3,
            "ee_code": 3,
            "ee_info": 0,
            "ee_data": 0,
            "offender": {"family": "AF_INET", "addr": "127.0.0.1", "port": 9},
        },
    ),
]


@pytest.mark.parametrize(("control", "shown"), CONTROL, ids=lambda value: "" if isinstance(value, dict) else str(value))
def test_control_messages_are_shown_by_what_they_mean(control, shown, api, with_c):  # whose headers name them
    from pysock_raw.conformance.messages import controls, message

    level, type, data = (getattr(api, part) if isinstance(part, str) else part for part in control)
    records = []
    Recorded(api, records.append).sendmsg(-1, message(api, control=controls(api, (level, type, data))), 0)
    (entry,) = records[0]["args"][1]["msg_control"]
    assert (entry["cmsg_len"], entry["cmsg_data"]) == (16 + len(data), shown)


def test_what_the_program_sent_cannot_write_to_the_terminal(recorded):
    c, records = recorded
    pair = (c.c_int * 2)()
    c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, pair)
    c.send(pair[0], b"\x1b[31mred\n", 9, 0)
    c.connect(pair[0], c.sockaddr_un(sun_family=c.AF_UNIX, sun_path=b"\x1b]0;title\x07"), 13)
    for fd in pair:
        c.close(fd)
    assert all(line(record).isprintable() for record in records)


def test_a_long_buffer_is_cut_and_has_a_digest(recorded):
    c, records = recorded
    pair = (c.c_int * 2)()
    c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, pair)
    c.send(pair[0], b"x" * 1000, 1000, 0)
    for fd in pair:
        c.close(fd)
    shown = records[1]["args"][1]
    assert (len(shown["bytes"]), shown["length"]) == (256, 1000)
    assert shown["sha256"] == "44f8354494a5ba03ba1792a8d3e9c534c47a9181980fde7a3f44b06ef2ae7c7f"


def test_a_structure_is_shown_by_its_members(recorded):
    c, records = recorded
    fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
    c.setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, c.linger(l_onoff=1, l_linger=5), 8)
    c.close(fd)
    assert records[1]["args"][3] == {"l_onoff": 1, "l_linger": 5}

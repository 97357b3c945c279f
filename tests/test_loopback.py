"""Lessons and the benchmark reach nobody beyond this machine, and nobody reaches them: as strace sees it."""

import os
import re
import subprocess
import sys

import pytest
from conftest import SIDES

from pysock_raw.conformance.syscalls import unavailable
from pysock_raw.lessons.lesson import lacks, lessons

CALLS = "bind,listen,connect,sendto,sendmsg,setsockopt"
SOCKET = re.compile(r"(\w+)\(\d+<([^>]*)>, (.*)")
LOOPBACK = re.compile(r'inet_addr\("127\.[\d.]+"\)|inet_pton\(AF_INET6, "(::1|::ffff:127\.[\d.]+)"')
ONLY_HERE = re.compile(r"sa_family=(AF_UNIX|AF_NETLINK|AF_UNSPEC)")
TO_LO = re.compile(r'SOL_SOCKET, SO_BINDTODEVICE, "lo')


def beyond_loopback(directory):
    """The calls by which a program could have reached, or been reached from, elsewhere."""
    bound, found, count = set(), [], 0
    lines = [line for name in sorted(os.listdir(directory)) for line in (directory / name).read_text().splitlines()]
    for call, socket, rest in (match.groups() for match in map(SOCKET.match, lines) if match):
        count += call != "setsockopt"
        if call == "setsockopt":
            if TO_LO.match(rest):
                bound.add(socket)
        elif call == "listen":
            if socket not in bound:
                found.append(f"listen without an address: {socket}")
        elif "sa_family=" in rest and socket not in bound:
            if LOOPBACK.search(rest) or ONLY_HERE.search(rest):
                bound |= {socket} if call == "bind" else set()
            else:
                found.append(f"{call}({rest}")
    assert count > 0
    return found


def watched(directory, *command):
    """What a command and its processes did, a file for each thread."""
    if why := unavailable():
        pytest.skip(why)
    directory.mkdir()
    strace = ["strace", "-ff", "-qq", "-y", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(directory / "calls")]
    subprocess.run([*strace, sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return beyond_loopback(directory)


@pytest.mark.parametrize("lesson", lessons())
def test_a_lesson(lesson, tmp_path):
    if why := lacks(lessons()[lesson]):
        pytest.skip(why)
    assert (
        watched(tmp_path / "strace", "-m", "pysock_raw", "demo", lesson, "--side", SIDES[0], "--format", "json") == []
    )


def test_the_benchmark(tmp_path):
    command = ["-m", "pysock_raw", "bench", "--rounds", "2", "-o", str(tmp_path / "bench.json")]
    assert watched(tmp_path / "strace", *command) == []


SERVER = """
import socket
fd = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
{}
fd.listen()
socket.create_connection(fd.getsockname()).close()
"""


@pytest.mark.parametrize(
    ("binds", "found"),
    [
        ('fd.bind(("127.0.0.1", 0))', []),
        ('fd.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo"); fd.bind(("", 0))', ["connect"]),
        ('fd.bind(("", 0))', ["bind", "listen", "connect"]),
        ("", ["listen", "connect"]),
    ],
)
def test_the_watch_sees_what_is_open_to_others(binds, found, tmp_path):
    seen = watched(tmp_path / "strace", "-c", SERVER.format(binds))
    assert [re.match(r"\w+", line)[0] for line in seen] == found

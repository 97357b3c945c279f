"""The documents' programs: C and Python serve each other, and ask the kernel for the same."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import SIDES

SOURCES = Path(__file__).parent.parent / "csrc" / "examples"
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
DEADLINE = 60  # seconds; only what hangs is ever that slow
USAGE = (
    "usage: {} FAMILY TYPE ADDRESS [PORT], as in: inet stream 127.0.0.1 8080, inet6 dgram ::1 8080, local stream PATH\n"
)


@dataclass(frozen=True)
class Language:
    id: str
    backend: str | None = None


@dataclass(frozen=True)
class Kind:
    family: str
    type: str
    address: str  # a path is relative to the working directory: sun_path is short

    @property
    def id(self) -> str:
        return f"{self.family}-{self.type}"

    def arguments(self, port: str = "0") -> list[str]:
        return [self.family, self.type, self.address, *([port] if self.family != "local" else [])]


@dataclass(frozen=True)
class Outcome:
    stdout: str
    stderr: str = ""
    status: int = 0


C = Language("C")
PYTHON_C = Language("python-c", "c")
LANGUAGES = [C, PYTHON_C, Language("python-python", "python"), Language("python-stdlib", "stdlib")]

INET_STREAM = Kind("inet", "stream", "127.0.0.1")
LOCAL_STREAM = Kind("local", "stream", "path")
LOCAL_DGRAM = Kind("local", "dgram", "path")
KINDS = [
    INET_STREAM,
    Kind("inet", "dgram", "127.0.0.1"),
    Kind("inet6", "stream", "::1"),
    Kind("inet6", "dgram", "::1"),
    LOCAL_STREAM,
    LOCAL_DGRAM,
]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


without_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")
every_kind = pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, id=kind.id, marks=without_ipv6 if kind.family == "inet6" else ()) for kind in KINDS],
)
every_language = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.id)
every_role = pytest.mark.parametrize("role", ["server", "client"])


class Programs:
    """Runs a program in a language, in one working directory."""

    def __init__(self, built: Path, directory: Path) -> None:
        self.built = built
        self.directory = directory

    @contextmanager
    def started(
        self, role: str, language: Language, arguments: list[str], strace: Path | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        if language.backend == "c" and "c" not in SIDES:
            pytest.skip("PYSOCK_RAW_BACKEND leaves the C backend out")
        # PYTHONUNBUFFERED would hide a server that forgets to flush.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PYSOCK_RAW_") and name != "PYTHONUNBUFFERED"
        }
        if language.backend is None:
            command = [str(self.built / role)]
        else:
            command = [sys.executable, "-m", f"pysock_raw.examples.{role}"]
            environment["PYSOCK_RAW_BACKEND"] = language.backend
        if strace is not None:
            command = ["strace", "-o", str(strace), "-e", "trace=network", *command]
        with subprocess.Popen(
            [*command, *arguments],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # readline takes no more than the line, the rest is for communicate
            start_new_session=True,  # to kill strace together with its program
        ) as process:
            deadline = threading.Timer(DEADLINE, os.killpg, (process.pid, signal.SIGKILL))
            deadline.start()
            try:
                yield process
            finally:
                deadline.cancel()
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    @contextmanager
    def listening(
        self, language: Language, kind: Kind, strace: Path | None = None
    ) -> Iterator[tuple[subprocess.Popen[bytes], list[str]]]:
        """A server that is ready, and the arguments for whoever wants to reach it."""
        with self.started("server", language, kind.arguments(), strace) as server:
            assert server.stdout is not None
            ready = server.stdout.readline().decode()
            port = r" ([1-9]\d*)" if kind.family != "local" else "()"
            match = re.fullmatch(f"listening on {kind.address}{port}\n", ready)
            assert match, (ready, outcome(server))
            yield server, kind.arguments(port=match[1])

    def run(self, role: str, language: Language, arguments: list[str], strace: Path | None = None) -> Outcome:
        with self.started(role, language, arguments, strace) as process:
            return outcome(process)


def outcome(process: subprocess.Popen[bytes]) -> Outcome:
    stdout, stderr = process.communicate()
    return Outcome(stdout.decode(), stderr.decode(), process.returncode)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("examples")
    for role in ("server", "client"):
        subprocess.run(["gcc", *FLAGS, "-o", directory / role, SOURCES / f"{role}.c"], check=True)
    return directory


@pytest.fixture
def programs(built: Path, tmp_path: Path) -> Programs:
    return Programs(built, tmp_path)


@every_role
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_c_programs_compile_without_a_warning(compiler: str, role: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    command = [compiler, "-O2", *FLAGS, "-c", "-o", os.devnull, str(SOURCES / f"{role}.c")]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


SERVED = Outcome("Hello from client\n")
ANSWERED = Outcome("Hello from server\n")


@every_kind
@pytest.mark.parametrize("server_language", LANGUAGES, ids=lambda language: f"server:{language.id}")
@pytest.mark.parametrize("client_language", LANGUAGES, ids=lambda language: f"client:{language.id}")
def test_client_and_server_understand_each_other(
    programs: Programs, kind: Kind, server_language: Language, client_language: Language
) -> None:
    with programs.listening(server_language, kind) as (server, arguments):
        assert programs.run("client", client_language, arguments) == ANSWERED
        assert outcome(server) == SERVED
    assert list(programs.directory.iterdir()) == []  # the server took its path away


# --- the kernel sees the same ---

SERVER_CALLS = {
    "inet-stream": "socket setsockopt bind listen getsockname accept recvfrom sendto",
    "inet-dgram": "socket setsockopt bind getsockname recvfrom sendto",
    "inet6-stream": "socket setsockopt bind listen getsockname accept recvfrom sendto",
    "inet6-dgram": "socket setsockopt bind getsockname recvfrom sendto",
    "local-stream": "socket bind listen accept recvfrom sendto",
    "local-dgram": "socket bind recvfrom sendto",
}
CLIENT_CALLS = dict.fromkeys(SERVER_CALLS, "socket connect sendto recvfrom") | {
    "local-dgram": "socket bind connect sendto recvfrom",
}
CALLS = {"server": SERVER_CALLS, "client": CLIENT_CALLS}  # recv and send are these two to the kernel


def network_calls(programs: Programs, role: str, language: Language, kind: Kind) -> list[str]:
    """What strace saw of one side, with ephemeral ports and autobind names numbered as they appear."""
    trace = programs.directory / f"{role}.{language.id}.strace"
    server, client = (language, C) if role == "server" else (C, language)
    with programs.listening(server, kind, trace if role == "server" else None) as (process, arguments):
        answered = programs.run("client", client, arguments, trace if role == "client" else None)
        assert (answered, outcome(process)) == (ANSWERED, SERVED)
    names: dict[str, str] = {}
    return re.sub(
        r'(?<=htons\()[1-9]\d*|(?<=sun_path=@")[0-9a-f]{5}(?=")',
        lambda match: names.setdefault(match[0], f"NAME{len(names) + 1}"),
        trace.read_text(),
    ).splitlines()


@every_role
@every_kind
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_both_languages_make_the_same_network_calls(programs: Programs, kind: Kind, role: str) -> None:
    in_c = network_calls(programs, role, C, kind)
    assert network_calls(programs, role, PYTHON_C, kind) == in_c
    assert [line.partition("(")[0] for line in in_c] == [*CALLS[role][kind.id].split(), "+++ exited with 0 +++"]


# --- wrong arguments ---

WRONG = [
    "",
    "inet",
    "inet stream",
    "inet stream 127.0.0.1",
    "inet stream 127.0.0.1 8080 more",
    "ipx stream 127.0.0.1 8080",
    "inet raw 127.0.0.1 8080",
    "inet stream 127.0.0.1 65536",
    "inet stream 127.0.0.1 -1",
    "inet stream 127.0.0.1 http",
    "inet stream 127.0.0.1 8_0",
    "local stream path 8080",
    "local stream " + "x" * 108,  # sun_path has room for 107 and a NUL
]
WRONG_ADDRESS = ["inet stream localhost 0", "inet stream ::1 0", "inet6 stream 127.0.0.1 0"]


@every_role
@pytest.mark.parametrize("arguments", WRONG + WRONG_ADDRESS, ids=lambda arguments: arguments[:40] or "none")
@pytest.mark.parametrize("language", [C, PYTHON_C], ids=lambda language: language.id)
def test_wrong_arguments(programs: Programs, role: str, language: Language, arguments: str) -> None:
    assert programs.run(role, language, arguments.split()) == Outcome("", USAGE.format(role), 2)


@every_role
@every_language
def test_an_empty_path_is_a_wrong_argument(programs: Programs, role: str, language: Language) -> None:
    assert programs.run(role, language, ["local", "stream", ""]) == Outcome("", USAGE.format(role), 2)


@pytest.mark.parametrize("arguments", WRONG_ADDRESS)
def test_wrong_address_on_the_sides_made_of_the_stdlib(programs: Programs, arguments: str) -> None:
    fallback, stdlib = LANGUAGES[2:]
    assert programs.run("server", fallback, arguments.split()) == Outcome("", USAGE.format("server"), 2)
    # Where C's inet_pton returns 0, Python's raises: the program ends before it can tell its usage.
    refused = programs.run("server", stdlib, arguments.split())
    assert refused.status == 1
    assert refused.stderr.endswith("OSError: illegal IP address string passed to inet_pton\n")


# --- failing calls ---

IN_USE = Outcome("", "bind: Address already in use\n", 1)


@every_language
@pytest.mark.parametrize("kind", [INET_STREAM, LOCAL_STREAM, LOCAL_DGRAM], ids=lambda kind: kind.id)
def test_a_second_server_leaves_the_first_alone(programs: Programs, language: Language, kind: Kind) -> None:
    with programs.listening(language, kind) as (server, arguments):
        assert programs.run("server", language, arguments) == IN_USE
        assert programs.run("client", language, arguments) == ANSWERED
        assert outcome(server) == SERVED


@every_language
@pytest.mark.parametrize("kind", [LOCAL_STREAM, LOCAL_DGRAM], ids=lambda kind: kind.id)
def test_a_killed_server_is_no_obstacle(programs: Programs, language: Language, kind: Kind) -> None:
    with programs.listening(language, kind) as (killed, _):
        killed.kill()
    assert (programs.directory / kind.address).is_socket()
    with programs.listening(language, kind) as (server, arguments):
        assert programs.run("client", language, arguments) == ANSWERED
        assert outcome(server) == SERVED


@every_language
def test_a_server_removes_nobodys_file(programs: Programs, language: Language) -> None:
    file = programs.directory / LOCAL_STREAM.address
    file.write_text("precious")
    assert programs.run("server", language, LOCAL_STREAM.arguments()) == IN_USE
    assert file.read_text() == "precious"


@every_language
def test_nobody_to_connect_to(programs: Programs, language: Language) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # holds the port and does not listen
        arguments = INET_STREAM.arguments(port=str(silent.getsockname()[1]))
        assert programs.run("client", language, arguments) == Outcome("", "connect: Connection refused\n", 1)
    missing = Outcome("", "connect: No such file or directory\n", 1)
    assert programs.run("client", language, LOCAL_STREAM.arguments()) == missing

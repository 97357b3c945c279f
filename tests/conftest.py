"""What the tests share: the backend under test, sockets to work with, and a watch over leaked descriptors.

Every test that takes `api` runs on the backends c and python. A C backend that is missing or stale fails
them; only PYSOCK_RAW_BACKEND=python leaves it out, so that the fallback can be tested alone, also where there
is no compiler.
"""

from __future__ import annotations

import errno
import os
import platform
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pysock_raw.backends import load
from pysock_raw.backends.wrapping import Inexpressible
from pysock_raw.conformance.case import catalogue
from pysock_raw.conformance.compare import Report, compare_cases

FORCED = os.environ.get("PYSOCK_RAW_BACKEND")
SIDES = (FORCED,) if FORCED else ("c", "python")

STRESS = os.environ.get("PYSOCK_RAW_STRESS", "full")
FULL = STRESS == "full"
"""Whether the tests marked `stress` do all that they can, or the same in little."""


def describe(side: str) -> str:
    try:
        return f"{side} {getattr(load(side), 'digest', '')[:12]}".strip()
    except ImportError as error:
        return f"{side} ({error})"


def pytest_configure() -> None:
    if STRESS not in ("short", "full"):
        raise pytest.UsageError(f"PYSOCK_RAW_STRESS is short or full, not {STRESS!r}")


def pytest_report_header() -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"pysock_raw: backends {', '.join(map(describe, SIDES))}; {python}; {system}"


FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line that is printed at the end of the run."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if figures := config.stash.get(FIGURES, []):
        terminalreporter.section(f"stress ({STRESS})")
        for line in figures:
            terminalreporter.line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """What PyPy's own socket module cannot be asked for cannot be tried on the fallback."""
    try:
        yield
    except Inexpressible as error:
        if not str(error).startswith("PyPy"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session", params=SIDES)
def api(request: pytest.FixtureRequest) -> Any:
    """The backend under test."""
    return load(request.param)


@pytest.fixture(scope="session")
def c_api() -> Any:
    """The C backend, for what only it has."""
    if FORCED not in (None, "c"):
        pytest.skip(f"PYSOCK_RAW_BACKEND={FORCED} leaves the C backend out")
    return load("c")


@pytest.fixture(scope="session")
def python_api() -> Any:
    return load("python")


def open_files() -> dict[int, str]:
    files = {}
    for name in os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"):
        try:
            files[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the directory that was listed
    return files


@pytest.fixture(autouse=True)
def no_leaked_descriptors() -> Iterator[None]:
    before = open_files()
    yield
    assert open_files() == before


class Sockets:
    """The descriptors of one test, made through the backend under test and closed after it."""

    def __init__(self, api: Any, directory: Path) -> None:
        self.api = api
        self.directory = directory
        self.owned: list[int] = []

    def own(self, fd: int) -> int:
        """fd, which the test leaves open."""
        assert fd >= 0, errno.errorcode[self.api.get_errno()]
        self.owned.append(fd)
        return fd

    def close(self, fd: int) -> None:
        self.owned.remove(fd)
        assert self.api.close(fd) == 0

    def close_all(self) -> None:
        while self.owned:
            os.close(self.owned.pop())

    def closed(self) -> int:
        """A number that is no descriptor."""
        fd = os.open(os.devnull, os.O_RDWR)
        os.close(fd)
        return fd

    def file(self) -> int:
        """A descriptor that is no socket."""
        return self.own(os.open(os.devnull, os.O_RDWR))

    def address(self, family: str = "AF_INET", port: int = 0) -> Any:
        """An address that can be bound here: loopback with any free port, or a new path."""
        api = self.api
        if family == "AF_UNIX":
            path = os.fsencode(self.directory / f"s{len(os.listdir(self.directory))}")
            return api.sockaddr_un(sun_family=api.AF_UNIX, sun_path=path)
        if family == "AF_INET6":
            if not has_inet6():
                pytest.skip("this machine has no IPv6 loopback address")
            six = api.sockaddr_in6(sin6_family=api.AF_INET6, sin6_port=socket.htons(port))
            six.sin6_addr.s6_addr[15] = 1
            return six
        four = api.sockaddr_in(sin_family=api.AF_INET, sin_port=socket.htons(port))
        four.sin_addr.s_addr = socket.htonl(0x7F000001)
        return four

    def socket(self, family: str = "AF_INET", type: str = "SOCK_STREAM") -> int:
        return self.own(self.api.socket(getattr(self.api, family), getattr(self.api, type), 0))

    def bound(self, family: str = "AF_INET", type: str = "SOCK_STREAM") -> tuple[int, Any]:
        fd, address = self.socket(family, type), self.address(family)
        assert self.api.bind(fd, address, self.api.sizeof(address)) == 0
        assert self.api.getsockname(fd, address, self.api.socklen_t(self.api.sizeof(address))) == 0
        return fd, address

    def listener(self, family: str = "AF_INET", type: str = "SOCK_STREAM") -> tuple[int, Any]:
        fd, address = self.bound(family, type)
        assert self.api.listen(fd, 5) == 0
        return fd, address

    def client(self, address: Any, family: str = "AF_INET", type: str = "SOCK_STREAM") -> int:
        fd = self.socket(family, type)
        assert self.api.connect(fd, address, self.api.sizeof(address)) == 0
        return fd

    def pending(self, family: str = "AF_INET") -> int:
        """A listener with one connection in its queue."""
        fd, address = self.listener(family)
        self.client(address, family)
        return fd

    def pair(self, type: str = "SOCK_STREAM") -> tuple[int, int]:
        ends = (self.api.c_int * 2)()
        assert self.api.socketpair(self.api.AF_UNIX, getattr(self.api, type), 0, ends) == 0
        return self.own(ends[0]), self.own(ends[1])

    def connected(self, family: str = "AF_INET") -> tuple[int, int]:
        """Both ends of a stream connection: (client, server)."""
        listener, address = self.listener(family)
        client = self.client(address, family)
        return client, self.own(self.api.accept(listener, None, None))


def has_inet6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture
def sockets(api: Any, tmp_path: Path) -> Iterator[Sockets]:
    made = Sockets(api, tmp_path)
    yield made
    made.close_all()


def name_of(number: int) -> str:
    """The name of an errno, for messages that can be read; the usual one where there are two."""
    return {errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EAGAIN: "EAGAIN"}.get(number) or errno.errorcode.get(
        number, str(number)
    )


@pytest.fixture(scope="session")
def sides() -> list[str]:
    """The sides of a comparison: without the C backend only where PYSOCK_RAW_BACKEND leaves it out."""
    return [side for side in SIDES if side != "stdlib"] + ["stdlib"]


@pytest.fixture(scope="session")
def with_c(sides: list[str]) -> None:
    if "c" not in sides:
        pytest.skip(f"PYSOCK_RAW_BACKEND={FORCED} leaves the C backend out")


@pytest.fixture(scope="session")
def whole(sides: list[str]) -> Report:
    """The whole catalogue, compared once for all tests."""
    return compare_cases(catalogue(), sides)


MARKUP = """
import pysock_raw as c
print("<script>alert(1)</script>\\x1b[31m & \\u202e")
fd = c.socket(c.AF_UNIX, c.SOCK_STREAM, 0)
c.connect(fd, c.sockaddr_un(sun_family=c.AF_UNIX, sun_path=b"<b>&'\\x1b[31m\\""), 20)
c.fcntl(fd, c.F_GETFD, 0)
raise SystemExit("<i>\\x1b[0m</i>")
"""


@pytest.fixture(scope="session")
def markup_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A script whose every text is markup, or writes to a terminal if it can."""
    script = tmp_path_factory.mktemp("markup") / "<u>%20 [bold].py"
    script.write_text(MARKUP)
    return script

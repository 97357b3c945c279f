"""The comparison notices a fallback that is wrong: each mutant lacks one compensation, and is run with one case."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from pysock_raw import backends
from pysock_raw.backends import control, fallback, fallback_messages, messages, python
from pysock_raw.conformance.case import chosen
from pysock_raw.conformance.compare import compare_cases

#: case, what the fallback's source has, what the mutant has
MUTANTS = {
    "keeps-close-on-exec": ("socket/no-close-on-exec", "os.set_inheritable(fd, True)", "pass"),
    "raises-negative-backlog-to-0": (
        "listen/local/negative-backlog",
        "LARGEST if backlog < 0 else backlog",
        "max(backlog, 0)",
    ),
    "takes-minus-one-for-default": ("socket/domain-minus-one", "-2 if number == -1 else number", "number"),
    "refuses-negative-descriptor": ("bind/negative-descriptor", "LARGEST if fd < 0 else fd", "fd"),
    "reports-cut-length": ("accept/tcp/short-addrlen", "addrlen.value = len(raw)", "addrlen.value = room"),
    "writes-past-the-length": ("accept/tcp/short-addrlen", "room = min(room, len(raw))", "room = len(raw)"),
    "accepts-negative-length": ("accept/tcp/negative-addrlen", "if room >= 2**31:", "if False:"),
    "takes-null-length": ("accept/tcp/null-addrlen", "raise Emulated(errno.EFAULT)", "raise Emulated(errno.EINVAL)"),
    "waits-after-signal": ("connect/local/interrupted", "socket.SOCK_STREAM | NONBLOCK", "socket.SOCK_STREAM"),
    "lengthens-short-address": ("bind/short-address", "bytes(min(max(addrlen, 2), 110) - 2)", "bytes(108)"),
    "sends-null-as-nothing": ("send/null", "return _null(length) if", "return b'' if"),
    "keeps-descriptors-that-do-not-fit": ("recvmsg/local/rights-room-for-two-and-a-bit", "os.close(fd)", "pass"),
    "tells-of-no-cut": ("recvmsg/local/rights-room-for-two-and-a-bit", "MSG_CTRUNC if cut else 0", "0"),
    "forgets-what-was-sent": (
        "sendmmsg/udp/second-fails",
        "if index:\n                return index",
        "if False:\n                return index",
    ),
    "never-looks-at-the-time": ("recvmmsg/udp/no-time", "return left == 0", "return False"),
    "never-says-emulated": ("bind/null", "raise Emulated(errno.EFAULT)", "raise OSError(errno.EBADF, '')"),
}


@pytest.fixture
def mutate(monkeypatch):
    """Put a changed copy of the fallback in its place."""

    def copy(module: ModuleType, old: str, new: str) -> bool:
        text = Path(module.__file__).read_text()
        mutant = ModuleType(module.__name__)
        monkeypatch.setitem(sys.modules, module.__name__, mutant)
        monkeypatch.setattr(backends, module.__name__.rpartition(".")[2], mutant)
        exec(compile(text.replace(old, new), "mutant", "exec"), mutant.__dict__)
        return old in text

    def mutate(old: str, new: str) -> None:
        # each uses those before it
        changed = [copy(module, old, new) for module in (control, messages, fallback, fallback_messages, python)]
        assert any(changed), "the mutant changes nothing"

    return mutate


@pytest.mark.parametrize(("case", "old", "new"), MUTANTS.values(), ids=MUTANTS)
def test_a_missing_compensation_is_found(case, old, new, mutate, sides):
    if "c" not in sides:
        pytest.skip("without the C backend there is nothing to hold the fallback against")
    assert compare_cases(chosen([case], None), ["c", "python"]).status == 0
    mutate(old, new)
    report = compare_cases(chosen([case], None), ["c", "python"])
    assert report.status == 1
    assert [result.case.id for result, side in report.unexplained if side == "python"] == [case]

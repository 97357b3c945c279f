"""The comparison notices a fallback that is wrong: each mutant lacks one compensation, and is run with one case."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from pysock_raw import backends
from pysock_raw.backends import addresses, control, fallback, fallback_messages, messages, python
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
    "sends-null-option-of-0": ("setsockopt/null", "optlen & 0xFFFFFFFF", "0"),
    "keeps-a-lost-connection": ("accept/tcp/null-addrlen", "os.close(connection)  # so", "pass  # so"),
    "drops-accept4-flags": (
        "accept4/tcp/flags-of-the-new-descriptor",
        "as_c_leaves_it(connection, flags)",
        "as_c_leaves_it(connection, 0)",
    ),
    "accept4-flags-eperm": (
        "accept4/tcp/unknown-flag",
        "raise Emulated(errno.EINVAL)\n    return _accepted",
        "raise Emulated(errno.EPERM)\n    return _accepted",
    ),
    "accept4-flags-before-descriptor": (
        "accept4/closed-descriptor-before-flags",
        "must_be_open(fd)  # the flags",
        "pass  # the flags",
    ),
    "socketpair-null-einval": (
        "socketpair/local/null",
        "raise Emulated(errno.EFAULT)  # after",
        "raise Emulated(errno.EINVAL)  # after",
    ),
    "socketpair-keeps-close-on-exec": (
        "socketpair/local/flags-in-the-type",
        "as_c_leaves_it(end.detach(), type)",
        "end.detach()",
    ),
    "swaps-option-errnos": (
        "getsockopt/tcp/null-length",
        "errno.EFAULT if optlen is None else errno.EINVAL",
        "errno.EINVAL if optlen is None else errno.EFAULT",
    ),
    "forgets-option-level": (
        "getsockopt/packet/null-length-of-another-level",
        "            _known_level(sock, level, optname)\n",
        "            pass\n",
    ),
    "takes-null-option": ("getsockopt/tcp/null-value", "if raw and view is None:", "if False:"),
    "reads-1024-bytes-of-option": ("getsockopt/tcp/option-of-ip-at-every-size", "min(max(length, 1), 1024)", "1024"),
    "reads-option-of-one-byte-more": (
        "getsockopt/tcp/option-of-ip-at-every-size",
        "min(max(length, 1), 1024)",
        "min(length + 1, 1024)",
    ),
    "gives-whole-option": ("getsockopt/tcp/number-of-0-bytes", "return raw[:length]", "return raw"),
    "recv-skips-0-bytes": (
        "recv/tcp/0-bytes-unconnected",
        "sock.recvfrom_into(buffer(view, len), 0, flags)[0]",
        "sock.recv_into(buffer(view, len), 0, flags)",
    ),
    "recv-drops-flags": ("recv/tcp/no-out-of-band", "0, flags)[0]", "0, 0)[0]"),
    "send-drops-flags": (
        "send/udp/out-of-band",
        "return sock.send(buffer(view, len), flags)\n\n\n@documented\n@_last.call\ndef recv(",
        "return sock.send(buffer(view, len), 0)\n\n\n@documented\n@_last.call\ndef recv(",
    ),
    "sendto-drops-flags": (
        "sendto/local/settimeout-expires",
        "sock.sendto(buffer(view, len), flags, address)",
        "sock.sendto(buffer(view, len), 0, address)",
    ),
    "recvfrom-drops-flags": (
        "recvfrom/local/settimeout-dontwait",
        "sock.recvfrom_into(buffer(view, len), 0, flags)\n",
        "sock.recvfrom_into(buffer(view, len), 0, 0)\n",
    ),
    "poll-knows-no-limit": ("poll/more-than-the-limit", 'if nfds > os.sysconf("SC_OPEN_MAX"):', "if False:"),
    "poll-registers-negative": ("poll/local/negative-descriptor", "if fd >= 0:  # poll", "if True:  # poll"),
    "poll-last-entry-wins": ("poll/local/one-descriptor-twice", "asked.get(entry.fd, 0) | (entry", "(entry"),
    "poll-hides-nval": (
        "poll/tcp/closed-descriptor",
        "select.POLLERR | select.POLLHUP | select.POLLNVAL",
        "select.POLLERR | select.POLLHUP",
    ),
    "poll-counts-descriptors": (
        "poll/local/one-descriptor-twice",
        "sum(entry.revents != 0 for entry in entries)",
        "len(answers)",
    ),
    "owner-is-positive": ("fcntl/local/owner-is-a-group", "-owner if kind == F_OWNER_PGRP else owner", "owner"),
    "fcntl-negative-descriptor": ("fcntl/negative-descriptor", "    fd = LARGEST if fd < 0 else fd\n", ""),
    "null-address-einval": (
        "bind/local/null",
        "if view is None and addrlen:\n        raise Emulated(errno.EFAULT)",
        "if view is None and addrlen:\n        raise Emulated(errno.EINVAL)",
    ),
    "cuts-an-address": ("bind/tcp/gives-its-address", "bytes(view[:addrlen])", "bytes(view[: addrlen - 1])"),
    "udp6-sends-to-unspecified": (
        "sendto/udp6/unspecified-family",
        "return own, None  # no address",
        'return own, ("::", 0, 0, 0)  # no address',
    ),
    "scope-may-not-be-cut": (
        "bind/udp6/without-scope",
        "addrlen >= 28 or (addrlen >= 24 and own == family)",
        "addrlen >= 28",
    ),
    "sends-to-empty-name": (
        "sendto/local/address-of-0-bytes",
        "return socket.AF_UNIX, None  # no",
        'return socket.AF_UNIX, b""  # no',
    ),
    "writes-to-null": ("getsockname/tcp/null-address-with-room", "if room and view is None:", "if False:"),
    "no-socket-is-not-open": ("accept4/flags-before-no-socket", "if error.errno != errno.ENOTSOCK:", "if True:"),
    "name-without-its-nul": (
        "accept/local/new-connected-socket",
        'return local + b"\\0" if path and',
        "return local if path and",
    ),
    "never-says-emulated": ("bind/null", "raise Emulated(errno.EFAULT)", "raise OSError(errno.EBADF, '')"),
}


MODULES = (addresses, control, messages, fallback, fallback_messages, python)  # each uses those before it


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
        changed = [copy(module, old, new) for module in MODULES]
        assert any(changed), "the mutant changes nothing"

    return mutate


@pytest.mark.parametrize(("case", "old", "new"), MUTANTS.values(), ids=MUTANTS)
def test_a_missing_compensation_is_found(case, old, new, mutate, sides):
    if "c" not in sides:
        pytest.skip("without the C backend there is nothing to hold the fallback against")
    assert compare_cases(chosen([case], None), ["c", "python"]).status == 0
    mutate(old, new)
    report = compare_cases(chosen([case], None), ["c", "python"], deadline=2)  # some of them hang
    assert report.status == 1
    assert [result.case.id for result, side in report.unexplained if side == "python"] == [case]


def test_there_are_as_many_mutants_as_were_asked_for():
    assert len(MUTANTS) >= 40

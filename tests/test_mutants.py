"""The comparison notices a fallback that is wrong, and the tests of the catalogue a predicate that is: each mutant
lacks one compensation or one condition, or has another errno, and is run with one case or two."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
from near_misses import ANOTHER_ERRNO, NEAR_MISSES, missed, names_an_errno

from pysock_raw import backends
from pysock_raw.backends import addresses, control, fallback, fallback_messages, messages, python
from pysock_raw.conformance.case import chosen
from pysock_raw.conformance.compare import compare_cases
from pysock_raw.conformance.differences import (
    CATALOGUE,
    addresses as addresses_,
    constants,
    descriptors,
    lengths,
    options,
    order,
    pointers,
    polling,
    texts,
)

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


#: a module of the catalogue, its entry, what the source has, what the mutant has, and the case of another entry, where
#: that one finds the mutant and not the evidence or the near miss of its own
WRONG_PREDICATES = {
    "poll-of-any-descriptors": (
        polling,
        "poll-one-descriptor-twice",
        "len(set(fds)) < len(fds)\n        and succeeded(pair.c)",
        "succeeded(pair.c)",
    ),
    "poll-limit-of-any-entries": (
        polling,
        "poll-limit-counts-entries",
        "len(set(fds)) < len(fds) and pair.c",
        "pair.c",
    ),
    "poll-limit-efault": (polling, "poll-limit-counts-entries", '"EINVAL" and succeeded', '"EFAULT" and succeeded'),
    "poll-of-no-negative": (
        polling,
        "poll-negative-descriptor",
        "any(isinstance(fd, int) and fd < 0 for fd in _polled(pair)) and raised",
        "raised",
    ),
    "connect-to-any-address": (
        order,
        "connect-null-before-no-socket",
        'pair.argument("addr") is None and _connects',
        "_connects",
    ),
    "connect-null-einval": (
        order,
        "connect-null-before-no-socket",
        '_nowhere(pair, "EFAULT")',
        '_nowhere(pair, "EINVAL")',
    ),
    "connect-length-off-by-one": (
        order,
        "connect-length-before-no-socket",
        "0 <= length <= STORAGE",
        "0 <= length < STORAGE",
    ),
    "asks-any-family-for-its-name": (
        order,
        "bind-name-asked-first",
        " and _made_nameless(pair)\n\n    return",
        "\n\n    return",
    ),
    "name-asked-first-enotsock": (order, "bind-name-asked-first", '"EOPNOTSUPP" != pair', '"ENOTSOCK" != pair'),
    "any-flag-before-the-descriptor": (order, "sendmsg-flag-before-descriptor", "and flags < 0 and", "and"),
    "storage-off-by-one": (lengths, "bind-longer-than-storage", "length > STORAGE", "length >= STORAGE"),
    "sockaddr-un-off-by-one": (lengths, "bind-longer-than-sockaddr_un", "length <= STORAGE", "length <= STORAGE + 1"),
    "an-address-of-any-length": (lengths, "sendto-negative-length", "            and fits(length)\n", ""),
    "a-length-refused-with-any-errno": (
        lengths,
        "connect-negative-length",
        '            and errno in (None, pair.c["errno"])\n            and (pair',
        "            and (pair",
    ),
    "room-off-by-one": (lengths, "accept-negative-length", ">= 2**31", ">= 2**31 - 1"),
    "some-bytes-for-none": (lengths, "sendto-address-of-0-bytes", "given.length(pair) == 0", "given.length(pair) <= 1"),
    "an-address-for-null": (pointers, "bind-null-address", 'and pair.argument("addr") is None', "and True"),
    "null-that-c-takes": (
        pointers,
        "sendto-null-address",
        '            and pair.c["result"] == -1\n',
        "",
        "sendto/udp/connected-null-address",
    ),
    "null-that-c-refuses": (pointers, "sendto-without-address", "and succeeded(pair.c)", "and True"),
    "a-buffer-for-null": (pointers, "recv-null-buffer", "and None in given.buffers(pair)", "and True"),
    "a-length-for-null": (pointers, "getsockname-null-length", "and pair.argument(parameter) is None", "and True"),
    "close-on-exec-of-any-call": (
        descriptors,
        "socket-close-on-exec",
        "and made.call == call",
        "and True",
        "accept/no-close-on-exec",
    ),
    "close-on-exec-of-none": (descriptors, "socket-close-on-exec", "== (0, 1)", "== (1, 0)"),
    "a-descriptor-that-is-not-negative": (descriptors, "bind-negative-descriptor", "            and fd < 0\n", ""),
    "negative-descriptor-enotsock": (descriptors, "bind-negative-descriptor", '"EBADF"\n', '"ENOTSOCK"\n'),
    "any-flag-of-accept4": (
        descriptors,
        "accept4-unknown-flag",
        '"SOCK_CLOEXEC"}) == known',
        '"SOCK_CLOEXEC"}) in (0, 1)',
    ),
    "an-address-of-any-family": (
        addresses_,
        "bind-path-for-ip-socket",
        "and _family(pair) in foreign.given",
        "and True",
    ),
    "any-address-for-broadcast": (
        addresses_,
        "bind-broadcast-address-for-ipv6-socket",
        "and foreign.broadcast in (None, _is_broadcast(pair))",
        "and True",
    ),
    "a-stream-for-datagrams": (
        addresses_,
        "connect-ipv4-address-for-ipv6-datagrams",
        ' and str(made.argument("type")).startswith("SOCK_DGRAM")',
        "",
    ),
    "an-interface-for-any-socket": (
        addresses_,
        "bind-ip-address-for-packet-socket",
        ' or made.argument("domain") != "AF_PACKET"',
        "",
    ),
    "numbers-of-its-own-family": (
        addresses_,
        "bind-numbers-of-another-family",
        '{_family(pair), made.argument("domain")} == numbers',
        "_family(pair) in numbers",
    ),
    "path-off-by-one": (addresses_, "bind-path-of-108-bytes", "addrlen == sizeof", "addrlen >= sizeof"),
    "name-off-by-one": (addresses_, "bind-name-beyond-sun-path", "else addrlen > sizeof", "else addrlen >= sizeof"),
    "flow-label-off-by-one": (addresses_, "bind-flow-label-beyond-20-bits", "> 0xFFFFF", ">= 0xFFFFF"),
    "option-off-by-one": (options, "getsockopt-room-beyond-1024", "MOST < given", "MOST <= given"),
    "option-room-off-by-one": (options, "getsockopt-negative-length", "given >= 2**31", "given >= 2**31 - 1"),
    "room-of-1": (
        options,
        "getsockopt-room-of-0",
        "(given, other) == (0, 4)",
        "other == 4",
        "getsockopt/tcp/int-of-no-bytes",
    ),
    "room-needed-einval": (options, "getsockopt-room-needed", '"ERANGE" and given', '"EINVAL" and given'),
    "an-option-of-any-length": (options, "setsockopt-negative-length", "        and not 0 <= length < 2**31\n", ""),
    "an-option-refused-with-any-errno": (
        options,
        "setsockopt-negative-length",
        '        and pair.c["errno"] == "EINVAL"\n        and raised',
        "        and raised",
    ),
    "a-name-of-any-group": (
        constants,
        "socket-names-of-families",
        " and lacked[1] in GROUPS[prefix]",
        "",
        "socket/local/name-of-the-type",
    ),
    "any-exception-of-a-conversion": (texts, "bind-text-that-is-no-address", "conversion.words", '""'),
}


def tells_apart(one, other, pair):
    """Whether one of two predicates recognises the pair, or a near miss of it, and the other does not."""
    near_misses = [NEAR_MISSES[one.id], *([ANOTHER_ERRNO] if names_an_errno(one) else [])]
    return any(
        one.recognises(each) != other.recognises(each) for each in (pair, *(missed(pair, near) for near in near_misses))
    )


@pytest.mark.parametrize(
    ("module", "id", "old", "new", "cases"),
    [(*row[:4], row[4:]) for row in WRONG_PREDICATES.values()],
    ids=WRONG_PREDICATES,
)
def test_a_wrong_predicate_is_found(module, id, old, new, cases, with_c):
    right = next(entry for entry in CATALOGUE if entry.id == id)
    results = compare_cases(chosen([right.evidence, *cases], None), ["c", "stdlib"]).results
    if lack := next((result.skipped for result in results if result.skipped), None):
        pytest.skip(lack)
    text = Path(module.__file__).read_text()
    assert text.count(old) >= 1, "the mutant changes nothing"
    mutant = {"__name__": module.__name__}
    exec(compile(text.replace(old, new), "mutant", "exec"), mutant)
    wrong = next(entry for entry in mutant["ENTRIES"] if entry.id == id)
    pairs = [judged.pair for result in results for judged in result.comparisons["stdlib"].judged]
    assert any(right.recognises(pair) for pair in pairs)
    assert any(tells_apart(right, wrong, pair) for pair in pairs)


def test_there_are_as_many_mutants_as_were_asked_for():
    assert len(MUTANTS) >= 40
    assert len(WRONG_PREDICATES) >= 12

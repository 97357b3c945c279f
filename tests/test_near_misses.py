"""Each condition of a predicate about waiting: a pair of calls that lacks it alone is not recognised. What a near-miss
is, near_misses.py says; here it may also be a function that makes it of the pair that the evidence shows."""

import dataclasses
import itertools
import sys

import pytest
from test_differences import by_id, missed

from pysock_raw.conformance.differences import CATALOGUE, connecting, timeout_answers, timeouts
from pysock_raw.conformance.pairs import Pair

pytestmark = [
    pytest.mark.usefixtures("with_c"),
    pytest.mark.skipif(
        sys.implementation.name == "pypy", reason="the pairs are CPython's; the predicates are the same"
    ),
]

LATE = {"c": {"time": [0, 10**12]}}
WITHOUT_TIMEOUT = {"other": {"timeout": None}}
FAILED = {"c": {"result": -1, "errno": "EPROTO"}}
ANOTHER_ERRNO = {"c": {"errno": "EPROTO"}}
NOT_PYTHONS = {"other": {"result": -1, "errno": "EPROTO", "raised": None}}
ON_PURPOSE = {"earlier": {call: {"type": "SOCK_STREAM|SOCK_NONBLOCK"} for call in ("socket", "socketpair")}}
SUCCEEDED = {"c": {"result": "fd1", "errno": None}}
REFUSED = {"other": {"raised": "ValueError: another"}}
NO_LONGER = {"other": {"result": 2**30}}
NOTHING = {"other": {"result": 0}}
MARK_OF_1 = {"earlier": {"setsockopt": {"optval": 1}}}


def flags(names):
    return {"args": {"flags": names}}


def before(pair):
    """Copies of the pairs before this one, which a near-miss may change."""
    threads = itertools.chain.from_iterable(pair.program or [pair.pairs])
    earlier = (old for old in threads if old.c["at"] < pair.c["at"])
    return [Pair(dict(old.c), dict(old.other)) for old in sorted(earlier, key=lambda old: old.c["at"])]


def after(pair, earlier, **changes):
    return dataclasses.replace(pair, pairs=earlier, index=len(earlier), program=None, **changes)


def untimed(pair):
    """No call had a timeout before."""
    earlier = before(pair)
    for old in earlier:
        old.other.pop("timeout", None)
    return after(pair, earlier)


def never_timed(pair):
    """No call had a timeout, nor has this one."""
    return after(untimed(pair), untimed(pair).pairs, other={**pair.other, "timeout": None})


def cleared_since(pair):
    """The program has taken O_NONBLOCK away."""
    made = {**pair.c, "call": "fcntl", "args": [pair.argument("fd"), "F_SETFL", 0], "result": 0, "errno": None}
    made["at"] = pair.c["at"] - 0.5
    return after(pair, [*before(pair), Pair(made, made)])


def changed_before(call, *sides, **members):
    """The earlier calls of a name are others, on these sides."""

    def change(pair):
        earlier = before(pair)
        for record in (getattr(old, side) for old in earlier if old.call == call for side in sides):
            record.update(members)
        return after(pair, earlier)

    return change


def told(at, value, side="other"):
    """An argument has another value on one side."""

    def change(pair):
        record = getattr(pair, side)
        args = [*record["args"]]
        args[at] = {**args[at], **value}
        return dataclasses.replace(pair, **{side: {**record, "args": args}})

    return change


def polled(**members):
    def change(pair):
        return dataclasses.replace(
            pair, other={**pair.other, "args": [[{**pair.other["args"][0][0], **members}], 1, 0]}
        )

    return change


def each(calls, id, *near_misses):
    return {f"{call}-{id}": near_misses for call in calls}


ACCEPT, SEND, RECEIVE, SOCKETS = timeouts.ACCEPT, timeouts.SEND, timeouts.RECEIVE, timeouts.OF_SOCKETS
WITH_FLAGS = (*SEND, *RECEIVE)
TABLES = (
    each(SOCKETS, "timeout-without-errno", ANOTHER_ERRNO, WITHOUT_TIMEOUT, ON_PURPOSE),
    each(WITH_FLAGS, "timeout-without-errno", flags("MSG_DONTWAIT")),
    each(RECEIVE, "timeout-without-errno", flags("MSG_ERRQUEUE")),
    each(SOCKETS, "timeout-of-0", WITHOUT_TIMEOUT, {"c": {"result": -1, "errno": "EINTR"}}, NOT_PYTHONS, ON_PURPOSE),
    each(timeouts.IN_PYTHON, "nonblocking-since-timeout", untimed, cleared_since, NOT_PYTHONS),
    each(timeouts.IN_PYTHON, "nonblocking-since-timeout", {"c": {"result": -1, "errno": "EINTR"}}),
    each(SOCKETS, "nonblocking-since-timeout", {"other": {"timeout": 0.0}}),
    {"connect-timeout-without-waiting": (WITHOUT_TIMEOUT, NOT_PYTHONS, ON_PURPOSE)},
    each(SOCKETS, "timeout-despite-nonblock", ANOTHER_ERRNO, WITHOUT_TIMEOUT),
    each(WITH_FLAGS, "timeout-despite-nonblock", NOT_PYTHONS, flags("MSG_DONTWAIT")),
    each(WITH_FLAGS, "timeout-despite-dontwait", ANOTHER_ERRNO, WITHOUT_TIMEOUT, NOT_PYTHONS),
    each(RECEIVE, "timeout-for-error-queue", ANOTHER_ERRNO, WITHOUT_TIMEOUT, flags("MSG_ERRQUEUE|MSG_DONTWAIT")),
    each((*ACCEPT, *WITH_FLAGS), "timeout-hides-error", LATE, WITHOUT_TIMEOUT, {"c": {"result": 1, "errno": None}}),
    each((*ACCEPT, *WITH_FLAGS), "timeout-looks-up-again", FAILED, WITHOUT_TIMEOUT, NOT_PYTHONS, {"without": "close"}),
    each((*ACCEPT, *WITH_FLAGS), "timeout-looks-up-again", {"c": {"time": [10**19, 10**19 + 1]}}),
    each((*ACCEPT, *WITH_FLAGS), "timeout-looks-up-again", changed_before("close", "c", result=-1)),
    each((*timeouts.HANDED_OUT, "setsockopt"), "timeout-is-nonblock", untimed, cleared_since),
    each((*timeouts.HANDED_OUT, "setsockopt"), "timeout-is-nonblock", {"args": {"cmd": "F_GETFD"}}, NO_LONGER),
    each((*SEND, "write"), "timeout-sends-part", never_timed, FAILED, NO_LONGER, NOTHING),
    each(SEND, "timeout-sends-part", flags("MSG_DONTWAIT")),
    each(SEND, "timeout-waits-for-room", FAILED, LATE, WITHOUT_TIMEOUT),
    each(timeout_answers.SEND_NOTHING, "timeout-waits-for-nothing", FAILED, LATE, WITHOUT_TIMEOUT),
    each(timeout_answers.RECEIVE_NOTHING, "timeout-without-room", FAILED, WITHOUT_TIMEOUT),
    each(
        timeout_answers.RECEIVE_NOTHING,
        "timeout-without-room",
        *({"earlier": {"setsockopt": {"optval": {"tv_sec": seconds, "tv_usec": 0}}}} for seconds in (0, 10**6)),
    ),
    each(RECEIVE, "timeout-breaks-waitall", never_timed, FAILED, NO_LONGER, flags("MSG_WAITALL|MSG_DONTWAIT")),
    each((*RECEIVE, "read"), "timeout-breaks-low-water-mark", never_timed, FAILED, NO_LONGER, MARK_OF_1),
    each(RECEIVE, "timeout-breaks-low-water-mark", flags("MSG_WAITALL"), flags("MSG_DONTWAIT")),
    each(RECEIVE, "timeout-waits-for-low-water-mark", FAILED, LATE, WITHOUT_TIMEOUT, MARK_OF_1, flags("MSG_OOB")),
    each(RECEIVE, "timeout-misses-urgent-byte", {"c": {"result": 2}}, LATE, WITHOUT_TIMEOUT),
    each(RECEIVE, "timeout-misses-shutdown", {"c": {"result": 1}}, LATE, WITHOUT_TIMEOUT),
    each(RECEIVE, "timeout-misses-shutdown", {"earlier": {"shutdown": {"how": "SHUT_WR"}}}),
    each(SOCKETS, "timeout-gives-up", WITHOUT_TIMEOUT, {"c": {"result": -1, "errno": "EAGAIN"}}),
    each((*ACCEPT, *WITH_FLAGS), "timeout-is-one-deadline", WITHOUT_TIMEOUT),
    each(
        (*ACCEPT, *WITH_FLAGS, "read", "write"),
        "goes-on-after-signal",
        {"other": {"result": -1, "errno": "EINTR"}},
        {"other": {"result": None, "raised": "TimeoutError: timed out"}},
    ),
    {
        "connect-waits-after-signal": (
            {"other": {"result": -1, "errno": "EINTR"}},
            {"other": {"raised": "OSError: other"}},
        )
    },
    {"connect-timeout-twice": (untimed, ANOTHER_ERRNO, NOT_PYTHONS, changed_before("connect", "c", result=-1))},
    {"connect-timeout-while-trying": (WITHOUT_TIMEOUT, FAILED, NOT_PYTHONS)},
    each(connecting.AFTER_A_REFUSAL, "after-refused-connect", untimed),
    each(
        connecting.AFTER_A_REFUSAL,
        "after-refused-connect",
        changed_before("connect", "other", errno="EPROTO"),
        changed_before("connect", "c", "other", errno="EPROTO"),
    ),
    {
        "getsockname-after-refused-connect": (
            told(1, {"addr": "127.0.0.2"}, "c"),
            told(1, {"addr": "0.0.0.0", "port": 1}),
        )
    },
    each(("connect", "listen", *RECEIVE, "read"), "after-refused-connect", NOT_PYTHONS),
    each(("listen", *RECEIVE, "read"), "after-refused-connect", FAILED),
    {"connect-after-refused-connect": ({"c": {"errno": "ECONNABORTED"}},)},
    {"listen-negative-backlog": (NOT_PYTHONS, FAILED, {"args": {"addr": {"family": "AF_UNIX", "path": "another"}}})},
    {"listen-negative-backlog": (changed_before("listen", "c", result=-1),)},
    {"getsockopt-room-of-0": ({"args": {"optlen": {"in": 0, "out": 4}}}, NOT_PYTHONS)},
    {"poll-one-descriptor-twice": ({"other": {"result": 99}}, FAILED, NOT_PYTHONS)},
    {"recv-of-0-bytes": (NOT_PYTHONS,)},
    each(("socket",), "domain-minus-one", {"args": {"type": -1}}, SUCCEEDED, REFUSED),
    each(("socket",), "type-minus-one", SUCCEEDED, REFUSED),
    each(("socket",), "protocol-minus-one", {"args": {"domain": -1}}, SUCCEEDED, REFUSED),
)
#: other cases that show a difference -> the difference, its near-misses
ELSEWHERE = {
    "listen/tcp/negative-backlog": (
        "listen-negative-backlog",
        (
            {"args": {"fd": "fd9"}},
            {"args": {"optname": "TCP_MAXSEG"}},
            told(3, {"tcpi_sacked": 5}),
            told(3, {"tcpi_sacked": 0}, "c"),
        ),
    ),
    "recv/local-dgram/the-one-after-nothing": (
        "recv-of-0-bytes",
        (
            {"earlier": {"recv": {"flags": "MSG_PEEK"}}},
            {"earlier": {"socketpair": {"type": "SOCK_STREAM"}}},
            {"args": {"fd": "fd1"}},
            changed_before("recv", "c", result=-1, errno="EPROTO"),
            FAILED,
            NOT_PYTHONS,
        ),
    ),
    "poll/local-dgram/after-nothing": (
        "recv-of-0-bytes",
        (
            {"earlier": {"recv": {"flags": "MSG_PEEK"}}},
            {"earlier": {"socketpair": {"type": "SOCK_STREAM"}}},
            {"without": "recv"},
            polled(revents="POLLIN|POLLHUP"),
            polled(revents="POLLHUP"),
            FAILED,
        ),
    ),
    "send/local-dgram/after-nothing": (
        "recv-of-0-bytes",
        ({"without": "recv"}, {"without": "socketpair"}, {"args": {"fd": "fd2"}}, FAILED, NOT_PYTHONS),
    ),
}
BY_ID = {difference.id: difference for difference in CATALOGUE}


def wanted():
    for table in TABLES:
        for id, near_misses in table.items():
            for near_miss in near_misses:
                yield BY_ID[id].evidence, BY_ID[id], near_miss
    for evidence, (id, near_misses) in ELSEWHERE.items():
        for near_miss in near_misses:
            yield evidence, BY_ID[id], near_miss


WANTED = [one for one in wanted() if one[1].holds]


@pytest.fixture(scope="module")
def results(whole, with_c):
    return by_id(whole)


def named(one):
    _, difference, near_miss = one
    return f"{difference.id}-{getattr(near_miss, '__qualname__', near_miss)}"


@pytest.mark.parametrize("one", WANTED, ids=named)
def test_a_pair_that_lacks_one_condition_is_not_recognised(one, results):
    evidence, difference, near_miss = one
    if results[evidence].skipped:
        pytest.skip(results[evidence].skipped)
    judged = (each.pair for each in results[evidence].comparisons["stdlib"].judged)
    recognised = [pair for pair in judged if difference.recognises(pair)]
    assert recognised
    for pair in recognised:
        near = near_miss(pair) if callable(near_miss) else missed(pair, near_miss)
        assert not difference.recognises(near)


def test_python_receives_nothing_but_what_c_received_before(results):
    judged = results["recv/local-dgram/the-one-after-nothing"].comparisons["stdlib"].judged
    unknown, known = (each.pair for each in judged)  # which message C dropped is in no record
    other = told(1, {"bytes": "owt"})
    recognises = BY_ID["recv-of-0-bytes"].recognises
    assert [recognises(pair) for pair in (unknown, known, other(unknown), other(known))] == [True, True, True, False]

"""The comparison: the verdicts, and that the whole catalogue holds on this machine."""

import contextlib
import os

import pytest

from pysock_raw.conformance import differences
from pysock_raw.conformance.case import Case, catalogue, descriptor, error, success
from pysock_raw.conformance.compare import compare_cases
from pysock_raw.conformance.differences import CATALOGUE, history
from pysock_raw.conformance.naming import named
from pysock_raw.conformance.pairs import Pair, Program
from pysock_raw.conformance.verdicts import compare
from pysock_raw.trace_arguments import PARAMETERS

CALLS = ("socket", "setsockopt", "bind", "listen", "accept", "connect")


def test_everything_is_explained(whole):
    assert [result.case.id for result in whole.nonconforming] == []
    assert [(result.case.id, side, result.comparisons[side].remarks) for result, side in whole.unexplained] == []
    assert whole.status == 0


def test_every_case_ran_or_says_what_it_lacked(whole):
    assert len(whole.results) == len(catalogue()) >= 80
    assert all(result.skipped is None or result.case.needs for result in whole.results)


def test_each_of_the_six_calls_has_its_negative_side():
    ids = {case.id for case in catalogue()}
    assert {f"{call}/{wrong}" for call in CALLS[1:] for wrong in ("closed-descriptor", "no-socket")} <= ids


def test_every_statement_of_the_documents_has_cases_for_its_stage():
    stages = {case.call for case in catalogue() if case.statement}
    assert stages == set(CALLS)


def test_the_fallback_is_only_same_emulated_or_inexpressible(whole):
    if "c" not in whole.sides:
        pytest.skip("without the C backend there is nothing to hold the fallback against")
    assert {result.comparisons["python"].verdict for result in whole.ran} <= {"same", "emulated", "inexpressible"}


@pytest.mark.parametrize("difference", CATALOGUE, ids=lambda difference: difference.id)
def test_without_its_entry_a_difference_is_unexplained(difference, whole, with_c):
    if not difference.holds or not difference.demonstrated:
        pytest.skip("it holds on another Python, or is described alone")
    (result,) = (result for result in whole.results if result.case.id == difference.evidence)
    if result.skipped:
        pytest.skip(result.skipped)
    rest = [entry for entry in CATALOGUE if entry is not difference]
    assert compare("stdlib", result.runs["c"], result.runs["stdlib"], rest).verdict == "unexplained"


def test_no_pair_of_calls_has_two_explanations(whole, with_c):
    for result in whole.ran:
        for judged in result.comparisons["stdlib"].judged:
            explanations = [entry.id for entry in CATALOGUE if entry.recognises(judged.pair)]
            assert len(explanations) == 1, f"{result.case.id}: {explanations}"


@pytest.mark.parametrize("difference", CATALOGUE, ids=lambda difference: difference.id)
def test_a_predicate_bears_calls_that_python_cannot_make(difference):
    """A script may misuse a call; then C raised too, and a predicate meets arguments of any kind or none."""
    odd = [None, "3", 3, -1, {"python": "'3'"}, [], {"bytes": "", "length": 0}]
    for call in PARAMETERS:
        for args in [[], *([value] * 7 for value in odd)]:
            record = {"call": call, "args": args, "result": None, "errno": None, "raised": None, "emulated": False}
            c = {**record, "at": 1, "raised": "TypeError: it is none"}
            for other in ({**record, "result": 0}, {**record, "raised": "ValueError: other"}):
                earlier = Pair({**c, "at": 0}, other)
                assert difference.recognises(Pair(c, other, [earlier], 1)) is False


@pytest.mark.parametrize("difference", CATALOGUE, ids=lambda difference: difference.id)
def test_no_difference_recognises_equal_calls(difference, whole):
    for result in whole.ran:
        for comparison in result.comparisons.values():
            for judged in comparison.judged:
                pair = judged.pair
                equal = Pair(pair.c, pair.c, pair.pairs, pair.index)
                assert not difference.recognises(equal)


def compare_one(program, *allowed, sides, call="socket", **options):
    case = Case(f"{call}/test", "a test's own case", allowed, program)
    return compare_cases([case], sides, **options).results[0]


class TestVerdicts:
    def test_an_outcome_that_is_not_allowed_is_nonconforming(self, sides, with_c):
        result = compare_one(lambda c, box: c.socket(999, 1, 0) and None, error("EINVAL", "a test"), sides=sides)
        assert result.nonconforming == "its outcome is not among the allowed ones"
        assert result.outcome(sides[0])["errno"] == "EAFNOSUPPORT"

    def test_what_was_observed_counts(self, sides, with_c):
        program = lambda c, box: bool(c.socket(c.AF_INET, c.SOCK_STREAM, 0))  # noqa: E731
        assert compare_one(program, descriptor("a test", observed=True), sides=sides).nonconforming is None
        assert compare_one(program, descriptor("a test", observed=False), sides=sides).nonconforming

    def test_a_hang_on_the_reference_side_is_nonconforming(self, sides):
        def program(c, box):
            fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            c.listen(fd, 1)
            c.accept(fd, None, None)

        result = compare_one(program, success("a test"), sides=sides, call="accept", deadline=0.3)
        assert result.nonconforming == "it ended with deadline: still running after 0.3 s"

    def test_a_hang_on_another_side_alone_is_unexplained_even_after_an_explained_difference(self, sides):
        def program(c, box):
            fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            c.listen(fd, 1)
            if c.fcntl(fd, c.F_GETFD, 0) and c.name == "stdlib":
                c.accept(fd, None, None)

        result = compare_one(program, descriptor("a test"), sides=sides, deadline=0.3)
        assert result.comparisons["stdlib"].verdict == "unexplained"
        if "c" in sides:
            assert result.differences == ["socket-close-on-exec"]

    def test_an_end_that_only_one_side_has_is_unexplained_even_after_an_exception_on_both(self, sides):
        def program(c, box):
            with contextlib.suppress(ValueError):
                c.accept(0, bytearray(4), c.socklen_t(9))
            if c.name == "stdlib":
                raise RuntimeError

        result = compare_one(program, sides=sides, call="accept")
        assert result.comparisons["stdlib"].remarks == ["stdlib ended with RuntimeError: , C with no error"]

    def test_programs_that_part_ways_without_a_difference_are_unexplained(self, sides):
        def program(c, box):
            fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            if c.name == "stdlib":
                c.listen(fd, 1)

        result = compare_one(program, descriptor("a test"), sides=sides)
        assert result.comparisons["stdlib"].remarks == ["C made no more calls where stdlib called listen"]

    def test_an_exception_that_ended_one_side_is_what_it_has_instead_of_the_next_call(self, sides):
        def program(c, box):
            fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            if c.name == "stdlib":
                raise RuntimeError("no more")
            c.listen(fd, 1)

        (judged,) = compare_one(program, sides=sides, call="listen").comparisons["stdlib"].judged
        assert (judged.verdict, judged.pair.call) == ("unexplained", "listen")
        assert judged.pair.other["raised"] == "RuntimeError: no more"

    def test_an_exception_after_a_call_that_differed_is_no_answer_of_another_call(self, sides):
        def program(c, box):
            fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            if c.listen(fd, 1 if c.name != "stdlib" else -(2**31)) == 0 and c.name == "stdlib":
                raise RuntimeError("no more")
            c.listen(fd, 1)

        found = compare_one(program, sides=sides, call="listen").comparisons["stdlib"]
        assert [judged.pair.call for judged in found.judged] == ["listen"]
        assert found.judged[0].pair.other["raised"] is None

    def test_another_observation_without_a_difference_is_unexplained(self, sides):
        result = compare_one(lambda c, box: c.name, sides=sides)
        assert result.comparisons["stdlib"].verdict == "unexplained"

    def test_numbers_that_may_differ_are_named(self, sides):
        def program(c, box):
            if c.name == "stdlib":
                box.pipe()  # so that every descriptor has another number
            fd = c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            c.listen(fd, 1)
            name = c.sockaddr_in()
            c.getsockname(fd, name, c.socklen_t(16))
            c.connect(c.socket(c.AF_INET, c.SOCK_STREAM, 0), name, 16)

        result = compare_one(program, descriptor("a test"), sides=sides)
        assert result.comparisons["stdlib"].verdict == "same"

    def test_a_port_that_the_kernel_hands_out_twice_is_two_ports(self):
        def bound(fd, port):
            name = {"family": "AF_INET", "addr": "127.0.0.1"}
            common = {
                "result": 0,
                "errno": None,
                "raised": None,
                "emulated": False,
                "pid": 1,
                "thread": 1,
                "actor": "",
                "where": "",
            }
            return [
                {"call": "bind", "args": [fd, {**name, "port": 0}, 16], **common},
                {"call": "getsockname", "args": [fd, {**name, "port": port}, {"in": 16, "out": 16}], **common},
            ]

        twice, once = (named([*bound(8, 40000), *bound(9, port)])["", 0] for port in (40000, 40001))
        assert twice == once
        assert [call["args"][1]["port"] for call in once] == [0, "port1", 0, "port2"]

    def test_a_port_that_the_program_chose_is_compared_as_it_is(self, sides):
        def program(c, box):
            address = c.sockaddr_in(sin_family=c.AF_INET, sin_port=c.htons(1 if c.name == "stdlib" else 2))
            c.connect(-1 if c.name == "other" else c.socket(c.AF_INET, c.SOCK_DGRAM, 0), address, 16)

        assert compare_one(program, descriptor("a test"), sides=sides).comparisons["stdlib"].verdict == "unexplained"

    def test_a_descriptor_that_a_side_leaks_is_unexplained(self, sides):
        def program(c, box):
            c.socket(c.AF_INET, c.SOCK_STREAM, 0)
            if c.name == "stdlib":
                os.open(os.devnull, os.O_RDONLY)

        result = compare_one(program, descriptor("a test"), sides=sides)
        assert result.comparisons["stdlib"].remarks == ["stdlib leaked or lost the descriptors [4]"]

    def test_a_skipped_case_says_what_it_lacked(self, sides, monkeypatch):
        from pysock_raw.conformance import compare

        monkeypatch.setattr(compare, "lacking", lambda need: f"no {need} here")
        case = Case("socket/test", "a test's own case", (), lambda c, box: None, needs=("ipv6",))
        report = compare_cases([case], sides)
        assert (report.results[0].skipped, report.ran, report.status) == ("no ipv6 here", [], 0)


def test_the_past_of_a_call_is_found_by_file_and_word_and_the_last_call_comes_first():
    """Of a descriptor, its duplicate, and another; the calls of two threads in turn."""
    made = [
        ("socket", ["AF_INET", "SOCK_STREAM", 0], "fd1"),
        ("socket", ["AF_INET", "SOCK_STREAM", 0], "fd2"),
        ("setsockopt", ["fd1", "SOL_SOCKET", "SO_RCVLOWAT", 1, 4], 0),
        ("fcntl", ["fd1", "F_DUPFD", 0], "fd3"),
        ("setsockopt", ["fd3", "SOL_SOCKET", "SO_RCVLOWAT", 2, 4], 0),
        ("setsockopt", ["fd2", "SOL_SOCKET", "SO_RCVLOWAT", 3, 4], 0),
        ("recv", ["fd3", {"room": 1}, 1, 0], -1),
        ("setsockopt", ["fd1", "SOL_SOCKET", "SO_RCVLOWAT", 4, 4], 0),
    ]
    records = [{"call": call, "args": args, "result": result, "at": at} for at, (call, args, result) in enumerate(made)]
    program = Program()
    program += [
        [Pair(record, record, program=program) for record in records if record["at"] % 2 == odd] for odd in (0, 1)
    ]
    (recv,) = (pair for pairs in program for pair in pairs if pair.call == "recv")
    assert [old.argument("optval") for old in history.earlier(recv, "SO_RCVLOWAT")] == [2, 1]
    assert [old.argument("optval") for old in recv.past.before(recv, "setsockopt")] == [3, 2, 1]
    assert history.handed_out(recv).call == "fcntl"
    assert history.maker(recv).c["result"] == "fd1"
    assert next(history.earlier(recv, "SO_RCVTIMEO"), None) is None


def test_a_name_that_a_side_lacks_is_inexpressible(monkeypatch, sides, with_c):
    monkeypatch.delattr("pysock_raw.backends.python.MSG_PEEK")

    def peeks(c, box):
        fds = (c.c_int * 2)()
        c.socketpair(c.AF_UNIX, c.SOCK_STREAM, 0, fds)
        c.recv(fds[0], bytearray(1), 1, c.MSG_PEEK | c.MSG_DONTWAIT)
        for fd in fds:
            c.close(fd)

    result = compare_one(peeks, error("EAGAIN", "POSIX.1 recv"), sides=["c", "python"], call="recv")
    assert result.comparisons["python"].verdict == "inexpressible"
    [judged] = result.comparisons["python"].judged
    assert (judged.pair.call, judged.verdict) == ("recv", "inexpressible")
    assert "the python side has no MSG_PEEK" in judged.pair.other["raised"]


def test_a_misspelt_name_is_not_inexpressible(sides):
    result = compare_one(lambda c, box: c.MSG_PEAK, error("EAGAIN", "none"), sides=sides, call="recv")
    assert "inexpressible" not in [found.verdict for found in result.comparisons.values()]


def test_the_catalogue_has_no_two_entries_of_one_name():
    ids = [difference.id for difference in CATALOGUE]
    assert len(set(ids)) == len(ids)
    assert {difference.evidence for difference in CATALOGUE} <= {case.id for case in catalogue()}
    assert differences.CATALOGUE is CATALOGUE

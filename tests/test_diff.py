"""pysock-raw diff: what changed between two comparisons, in every format, and its exit status."""

import json

import pytest
from schemas import invalid

from pysock_raw.cli import main
from pysock_raw.conformance.case import chosen
from pysock_raw.conformance.compare import compare_cases
from pysock_raw.report.json import to_json, write

CASES = ["bind/tcp/in-use", "socket/no-close-on-exec", "accept/local/woken-by-shutdown"]


@pytest.fixture(scope="module")
def document(sides):
    return to_json(compare_cases(chosen(CASES, None), sides))


@pytest.fixture
def diff(tmp_path, document, capsys):
    """diff(change, *options): the comparison beside one that `change` was done to: (status, stdout, stderr)."""

    def diff(change, *options):
        changed = json.loads(json.dumps(document))
        change({case["id"]: case for case in changed["cases"]}, changed)
        for name, written in (("A.json", document), ("B.json", changed)):
            with open(tmp_path / name, "w") as file:
                write(written, file)
        status = main(["diff", str(tmp_path / "A.json"), str(tmp_path / "B.json"), *options])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return diff


def unchanged(cases, document):
    pass


def another_answer(cases, document):
    call = cases["bind/tcp/in-use"]["sides"]["python"]["trace"][-1]
    call["errno"] = "E<b>\x1b"


def another_verdict(cases, document):
    cases["socket/no-close-on-exec"]["verdicts"]["stdlib"] = "unexplained"


def another_observation(cases, document):
    cases["socket/no-close-on-exec"]["sides"]["python"]["outcome"]["observed"] = "7 of them"


def another_end(cases, document):
    cases["bind/tcp/in-use"]["sides"]["stdlib"]["ended"] = "killed by SIGSEGV"


def skipped(cases, document):
    cases["bind/tcp/in-use"]["skipped"] = "no luck"


def missing(cases, document):
    document["cases"] = [case for case in document["cases"] if case["id"] != "bind/tcp/in-use"]


CHANGES = {
    another_answer: "-1 E<b>\\x1b",
    another_verdict: "→ unexplained",
    another_observation: "→ 7 of them",
    another_end: "ended: none → killed by SIGSEGV",
    skipped: "skipped: none → no luck",
    missing: "only in A",
}


@pytest.mark.parametrize(("change", "said"), CHANGES.items(), ids=lambda item: getattr(item, "__name__", ""))
def test_a_change_is_told_and_status_1(diff, change, said):
    status, out, err = diff(change)
    assert (status, err) == (1, "")
    assert said in out
    assert "1 change\n" in out


def test_nothing_changed_is_status_0(diff):
    status, out, _ = diff(unchanged)
    assert (status, "3 cases in both · 0 changes" in out) == (0, True)


def test_another_machine_is_told_and_no_change(diff):
    def elsewhere(cases, document):
        document["environment"]["kernel"] = "Linux 2.0"

    status, out, _ = diff(elsewhere)
    assert (status, "→ Linux 2.0" in out) == (0, True)


def test_numbers_turns_and_times_are_no_change(diff):
    """Descriptors, process ids, and which of two threads came first."""

    def another_run(cases, document):
        document["summary"]["seconds"] += 1
        for case in cases.values():
            for run in case["sides"].values():
                run["printed"] = "something else"
                for call in run["trace"]:
                    call["pid"] += 1
                    call["thread"] += 1
                    call["actor"] += "1"
                    call["time"] = [1, None]
                    call["syscalls"] = ["listen(3, 1) = 0"]
                    call["result"] = call["result"] and 77
        trace = cases["accept/local/woken-by-shutdown"]["sides"]["python"]["trace"]
        assert trace[-1]["thread"] != trace[-2]["thread"]
        trace[-2:] = [trace[-1], trace[-2]]

    assert diff(another_run)[0] == 0


def test_json_is_valid_and_names_the_call(diff):
    status, out, _ = diff(another_answer, "--format", "json")
    changes = json.loads(out)
    assert (status, invalid("diff.json", changes)) == (1, [])
    (case,) = changes["cases"]
    (change,) = case["changes"]
    assert (case["id"], change["what"], change["side"]) == ("bind/tcp/in-use", "calls", "python")
    assert change["a"][0].endswith(" = -1 EADDRINUSE")
    assert len(change["a"]) == len(change["b"]) == 1


def test_html_escapes_what_changed(diff, tmp_path):
    status, _, _ = diff(another_answer, "-o", str(tmp_path / "changes.html"))
    written = (tmp_path / "changes.html").read_text()
    assert (status, "-1 E&lt;b&gt;\\x1b" in written, "\x1b" in written) == (1, True, False)


NO_REPORTS = {
    "none": (None, "cannot read"),
    "text": ("hello", "is not JSON"),
    "list": ("[]", "is no report of compare in JSON, schema 1"),
    "number": ("3", "is no report of compare in JSON, schema 1"),
    "other": ('{"schema": 1, "cases": [{}]}', "is no report of compare in JSON, schema 1"),
    "binary": ("\x00\udcff", "is not JSON"),
}


@pytest.mark.parametrize(("content", "message"), NO_REPORTS.values(), ids=NO_REPORTS)
def test_what_is_no_report_is_one_line_and_status_2(content, message, tmp_path, capsys):
    path = tmp_path / "A.json"
    if content is not None:
        path.write_bytes(content.encode(errors="surrogateescape"))
    status = main(["diff", str(path), str(path)])
    err = capsys.readouterr().err
    assert (status, err.count("\n"), message in err) == (2, 1, True)

"""The account of the documented errnos is complete, and its evidence says what it claims."""

from collections import Counter

import pytest

from pysock_raw.conformance.case import catalogue
from pysock_raw.conformance.errnos import ACCOUNTS, rows

CASES = {case.id: case for case in catalogue()}


def describe(row):
    return f"{row.call}-{row.errno}-{row.condition[:40]}"


def test_every_documented_pair_is_in_the_account():
    assert len(rows()) == 124
    assert len({(row.call, row.errno) for row in rows()}) == 105


def test_at_least_70_pairs_are_provoked():
    assert len({(row.call, row.errno) for row in rows() if row.account == "provoked"}) >= 70


@pytest.mark.parametrize("row", rows(), ids=describe)
def test_a_row_is_accounted_for(row):
    assert row.account in ACCOUNTS
    if row.account == "injected":
        assert row.evidence  # the reason why it cannot be provoked
        return
    case = CASES[row.evidence]
    assert case.call in (row.call, f"{row.call}4")  # the rows of accept are those of accept4 too
    answers = {outcome.errno for outcome in case.allowed}
    assert (row.errno in answers) is (row.account == "provoked")


def test_no_two_rows_are_one():
    assert max(Counter((row.call, row.errno, row.condition) for row in rows()).values()) == 1

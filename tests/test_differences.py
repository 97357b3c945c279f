"""The catalogue of differences: each entry is proved by its evidence, its predicate by a near-miss, and its recipe by
running it."""

import functools

import pytest
from near_misses import NEAR_MISSES

from pysock_raw.conformance.case import chosen
from pysock_raw.conformance.compare import compare_cases
from pysock_raw.conformance.differences import CATALOGUE
from pysock_raw.conformance.recipes import Written
from pysock_raw.conformance.verdicts import Pair
from pysock_raw.trace_values import PARAMETERS

pytestmark = pytest.mark.usefixtures("with_c")
each = pytest.mark.parametrize("difference", CATALOGUE, ids=lambda difference: difference.id)


@functools.cache
def shown_by(evidence):
    (result,) = compare_cases(chosen([evidence], None), ["c", "stdlib"]).results
    if result.skipped:
        pytest.skip(f"{evidence}: {result.skipped}")
    return result


@each
def test_its_evidence_shows_it_and_nothing_else(difference):
    result = shown_by(difference.evidence)
    assert result.differences == [difference.id]
    assert result.comparisons["stdlib"].verdict in ("inexpressible", "differs", "refused")


@each
def test_its_recipe_does_what_c_does(difference):
    if not difference.recipe:
        assert difference.no_recipe
        return
    written = {"stdlib": Written(difference.call, difference.recipe)}
    report = compare_cases(chosen([difference.evidence], None), ["c", "stdlib"], instead=written)
    assert (report.results[0].comparisons["stdlib"].verdict, report.status) == ("same", 0)


def altered(record, near_miss, arguments):
    names = [*PARAMETERS[record["call"]]]
    args = [arguments.get(name, value) for name, value in zip(names, record["args"], strict=False)]
    return {**record, **near_miss, "args": args}


def missed(pair, near_miss):
    """The pair, altered."""
    earlier = near_miss.get("earlier", {})
    pairs = [
        Pair(*(altered(record, {}, earlier.get(record["call"], {})) for record in (old.c, old.other)))
        for old in pair.before
        if old.call != near_miss.get("without")
    ]
    sides = (
        altered(getattr(pair, side), near_miss.get(side, {}), near_miss.get("args", {})) for side in ("c", "other")
    )
    return Pair(*sides, pairs, len(pairs))


@each
def test_its_predicate_recognises_no_near_miss(difference):
    shown = [judged.pair for judged in shown_by(difference.evidence).comparisons["stdlib"].judged]
    recognised = [pair for pair in shown if difference.recognises(pair)]
    assert recognised
    for pair in recognised:
        assert difference.recognises(missed(pair, {}))  # the same pair, taken apart and put together
        assert not difference.recognises(missed(pair, NEAR_MISSES[difference.id]))
        if pair.other["raised"]:
            assert not difference.recognises(missed(pair, {"other": {"raised": "RuntimeError: another"}}))


def test_no_pair_of_calls_has_two_explanations(with_c):
    for evidence in {difference.evidence for difference in CATALOGUE}:
        for judged in shown_by(evidence).comparisons["stdlib"].judged:
            assert len([entry.id for entry in CATALOGUE if entry.recognises(judged.pair)]) == 1

"""The catalogue of differences: each entry is proved by its evidence, its predicate by a near-miss, and its recipe by
running it."""

import pytest
from near_misses import ANOTHER_ERRNO, NEAR_MISSES, missed, names_an_errno

from pysock_raw.conformance.case import chosen
from pysock_raw.conformance.compare import compare_cases
from pysock_raw.conformance.differences import CATALOGUE
from pysock_raw.conformance.recipes import Written

pytestmark = pytest.mark.usefixtures("with_c")
HERE = [difference for difference in CATALOGUE if difference.holds]


def each_of(differences):
    elsewhere = pytest.mark.skip(reason="it holds on another Python")
    marked = [
        pytest.param(difference, marks=() if difference.holds else elsewhere, id=difference.id)
        for difference in differences
    ]
    return pytest.mark.parametrize("difference", marked)


def by_id(report):
    return {result.case.id: result for result in report.results}


each = each_of(difference for difference in CATALOGUE if difference.demonstrated)

EVIDENCE = [difference.evidence for difference in HERE]
RECIPES = {difference.evidence: Written(difference.call, difference.recipe) for difference in HERE if difference.recipe}


@pytest.fixture(scope="module")
def shown(whole, with_c):
    results = by_id(whole)

    def shown(difference):
        result = results[difference.evidence]
        if result.skipped:
            pytest.skip(f"{difference.evidence}: {result.skipped}")
        return result

    return shown


@pytest.fixture(scope="module")
def with_recipes(with_c):
    return by_id(compare_cases(chosen(RECIPES, None), ["c", "stdlib"], instead=RECIPES))


@each
def test_its_evidence_shows_it_and_nothing_else(difference, shown):
    result = shown(difference)
    found = result.comparisons["stdlib"]
    assert (found.differences, result.nonconforming) == ([difference.id], None)
    assert found.verdict in ("inexpressible", "differs", "refused")


@each_of(difference for difference in CATALOGUE if names_an_errno(difference))
def test_an_errno_in_its_title_is_the_one_that_c_has(difference, shown):
    judged = shown(difference).comparisons["stdlib"].judged
    recognised = [pair for pair in (each.pair for each in judged) if difference.recognises(pair)]
    assert recognised
    assert all(pair.c["errno"] in difference.title for pair in recognised)
    assert not any(difference.recognises(missed(pair, ANOTHER_ERRNO)) for pair in recognised)


@each_of(difference for difference in CATALOGUE if difference.recipe)
def test_its_recipe_does_what_c_does(difference, with_recipes):
    result = with_recipes[difference.evidence]
    if result.skipped:
        pytest.skip(result.skipped)
    assert (result.comparisons["stdlib"].verdict, result.nonconforming) == ("same", None)


@each_of(difference for difference in CATALOGUE if not difference.demonstrated)
def test_what_is_described_alone_has_evidence_that_is_the_same(difference, shown):
    result = shown(difference)
    found = result.comparisons["stdlib"]
    assert (found.differences, result.nonconforming, found.verdict) == ([], None, "same")


@each
def test_each_shows_another_case(difference):
    assert EVIDENCE.count(difference.evidence) == 1


@each
def test_its_predicate_recognises_no_near_miss(difference, shown):
    judged = shown(difference).comparisons["stdlib"].judged
    recognised = [pair for pair in (each.pair for each in judged) if difference.recognises(pair)]
    assert recognised
    for pair in recognised:
        assert difference.recognises(missed(pair, {}))  # the same pair, taken apart and put together
        assert not difference.recognises(missed(pair, NEAR_MISSES[difference.id]))
        if pair.other["raised"]:
            assert not difference.recognises(missed(pair, {"other": {"raised": "RuntimeError: another"}}))

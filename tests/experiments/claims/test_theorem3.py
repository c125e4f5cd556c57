"""Claims of Theorem 3: verdicts, mutants, stored counterexamples, and how else they could end."""

import json
from math import log
from pathlib import Path

import pytest
from helpers.learning_problems import short_chunks

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.claims.generalization import coverage as t3_coverage
from grpo_checks.experiments.claims.generalization import coverage_mutants as t3_mutants
from grpo_checks.experiments.claims.generalization import depth as t3_depth
from grpo_checks.experiments.claims.generalization import ood as t3_ood
from grpo_checks.experiments.claims.generalization import shift as t3_shift
from grpo_checks.experiments.claims.generalization import tightness as t3_tightness
from grpo_checks.experiments.claims.generalization import visual_arft as t3_visual_arft
from grpo_checks.experiments.claims.generalization.hardest.one_policy import one_policy
from grpo_checks.experiments.claims.generalization.problems import DELTAS, feasible, problems
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol.claim import Scope, overall
from grpo_checks.theory.generalization.maurer_constant import xi

QUICK = Scope("quick")
EXAMPLE = Path(t3_coverage.__file__).parents[2] / "examples" / "lookup.json"
CLAIMS = (t3_coverage.CLAIM, t3_tightness.CLAIM, t3_ood.CLAIM, t3_depth.CLAIM)
MUTANTS = [pytest.param(c, m, id=f"{c.name}, {m}") for c in CLAIMS for m in c.mutants]
_short = pytest.fixture(short_chunks, autouse=True, scope="module")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.name)
def test_claims_hold(claim):
    """Every decided cell; numbers where numbers belong."""
    rows = claim.rows(QUICK, {})
    assert overall([row.verdict for row in rows]) == claim.expected
    for row in rows:
        if row.verdict != "assumption unmet":
            assert row.lower <= row.observed <= row.upper
            assert row.upper <= row.bound + row.rounding
            assert 0 <= row.rounding <= 1e-9 * max(row.bound, 1e-3)


@pytest.mark.parametrize(("claim", "mutant"), MUTANTS)
def test_mutants_are_refuted(claim, mutant):
    """Each on the instance where it is false."""
    rows = claim.rows(Scope("quick", mutant=mutant), {})
    assert overall([row.verdict for row in rows]) == "refuted"


def test_the_true_bound_is_not_refuted_where_its_mutants_are():
    """Otherwise a mutant would prove nothing."""
    failures = t3_mutants.cells(None)
    assert {name for name, *_ in failures} == {"one policy", "pairs"}
    assert all(failure + off <= t3_mutants.DELTA for *_, failure, off in failures)


@pytest.mark.parametrize("claim", CLAIMS[:1] + CLAIMS[2:], ids=lambda c: c.name)
def test_a_model_of_the_users(claim):
    """Tasks are its prompts, policies a sample of its policy class."""
    rows = claim.rows(Scope("quick", from_argument(str(EXAMPLE))), {})
    assert rows
    assert {row.instance for row in rows} == {"lookup"}
    assert overall([row.verdict for row in rows]) in ("holds", "vacuous")


def test_too_many_prompts_are_an_unmet_assumption(monkeypatch):
    """Rather than a command that never ends."""
    monkeypatch.setattr("grpo_checks.experiments.claims.generalization.problems.LARGEST", 20)
    rows = t3_coverage.rows(Scope("quick", named("specialists", components=1)), {})
    assert [row.verdict for row in rows] == ["assumption unmet"]


def test_the_paper_profile_covers_200_settings():
    """At least 200 (instance, n, delta, temperature), n up to 200 with 3 types, 50 with 6."""
    scope = Scope("paper")
    sizes = t3_coverage.SIZES["paper"]
    settings = sum(len(feasible(spec, sizes)) for spec in problems(scope))
    assert settings * len(t3_coverage.TEMPERATURES) * len(DELTAS) >= 200
    assert max(feasible(problems(scope)[0], sizes)) == 200


def test_one_policy_cells_have_their_closed_form():
    """delta/xi, delta/(2 sqrt n), and delta itself twice."""
    for row in one_policy("T3.coverage", (25,)):
        assert row.observed == pytest.approx(row.extra["closed_form"], rel=1e-6)


def test_shift_grows_with_the_number_of_tasks():
    """More source tasks make the reported bound fail more often; the undivided term never does."""
    swept = t3_shift.shift_rows(Scope("paper"), {})
    failures = [r.observed for r in swept if r.parameters["hard"] == "1/10"]
    assert failures == sorted(failures)
    assert failures[-1] > 1 - 1e-12
    assert all(r.extra["failure_undivided"] <= 0.05 for r in swept)
    assert overall([r.verdict for r in swept]) == "refuted"


@pytest.fixture(scope="module")
def visual_arft():
    """All cells of the published scores."""
    return t3_visual_arft.rows(QUICK, {})


def test_visual_arft_is_never_said_to_hold(visual_arft):
    """KL, training score and TV are unpublished: vacuous, or an assumption unmet."""
    rows = visual_arft
    assert {r.verdict for r in rows} == {"vacuous", "assumption unmet"}
    assert len(rows) == 2 * 6 * 2 * 4 * 2
    assert overall([r.verdict for r in rows]) == t3_visual_arft.CLAIM.expected
    for row in rows:
        assert (row.observed <= 0) == (row.verdict == "vacuous")
    trained = {
        (r.parameters["benchmark"], r.parameters["n_tasks"])
        for r in rows
        if r.parameters["trained_on"]
    }
    assert ("MAT-Coding", 1200) in trained
    assert ("Bamboogle", 20) in trained
    assert ("Bamboogle", 3400) not in trained


def test_visual_arft_by_hand(visual_arft):
    """7B on Bamboogle, EM, 20 tasks: 20 kl(.512 ‖ .944) - ln(xi(20)/.05) nats."""
    rows = {tuple(r.parameters.values()): r for r in visual_arft}
    row = rows["7B", "Bamboogle", "EM", 20, "search, annotated", True, "observed"]
    nats = 0.512 * log(0.512 / 0.944) + 0.488 * log(0.488 / 0.056)
    assert row.observed == pytest.approx(20 * nats - log(xi(20) / 0.05))
    assert row.extra["fresh_bound"] == pytest.approx(0.5886, abs=1e-3)


def test_published_scores_are_checked():
    """A score above 100 is named."""
    content = t3_visual_arft.load()
    content["scores"]["3B"]["2Wiki"] = [131.6, 26.4]
    with pytest.raises(ValueError, match=r"scores.3B.2Wiki = \[131.6, 26.4\]"):
        t3_visual_arft.load(json.dumps(content))


@pytest.mark.parametrize("name", ["T3.shift", "T3.klorder", "T3.visual_arft"])
def test_claims_with_cases_of_their_own(name, tmp_path):
    """Exit status 0 alone; asked about a model their assumption is unmet."""
    options = ["verify", "--claim", name, "--out", str(tmp_path)]
    assert cli.main(options) == 0
    assert cli.main([*options, "--instance", "conflict"]) == 0

"""Claims of other papers at rational points: stored cases, searches, and what is no point."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.experiments.claims.catalogue import CLAIMS, find
from grpo_checks.experiments.falsifier.search import certified_ratio, falsify
from grpo_checks.experiments.protocol.certificates import certified_rows, load_cases, path_of
from grpo_checks.experiments.protocol.claim import overall

LITERATURE = [claim for claim in CLAIMS if claim.name.startswith("L.")]
MUTANTS = [(claim.name, mutant) for claim in LITERATURE for mutant in claim.mutants]
BAD = [
    ("L.mse", {"group_size": 1}, "group_size = 1"),
    ("L.hessian", {"norm": "nuclear"}, "norm = 'nuclear'"),
    ("L.tools", {"beta": 0}, "beta = 0"),
    ("L.amplification", {"iterate": "2"}, "iterate = '2'"),
    ("L.convergence", {"odds": [0, 1]}, "odds"),
    ("L.convergence", {"beta": {"over_log": [1, 1]}}, r"beta.over_log\[1\] = 1"),
    ("L.correlation.law", {"chances": [1, "1/2"]}, r"chances\[0\] = 1"),
    ("L.correlation.G", {"weights": [1, 2]}, "weights"),
    ("L.groups", {"weights": [1]}, "weights"),
]


@pytest.mark.parametrize("claim", LITERATURE, ids=lambda c: c.name)
def test_stored_cases(claim):
    """Decided again as stored; together they are the claim's verdict."""
    rows = certified_rows(claim, None)
    assert rows
    assert overall([row.verdict for row in rows]) == claim.expected
    assert {row.evidence for row in rows} == {"certified"}


@pytest.mark.parametrize(("name", "mutant"), MUTANTS)
def test_mutants_are_refuted(name, mutant):
    """On its stored case, on which the claim itself holds."""
    claim = find(name)
    assert {row.verdict for row in certified_rows(claim, mutant)} == {"refuted"}
    for case in load_cases(path_of(name)):
        if case.mutant == mutant:
            assert claim.exact.decide(case.document, None).verdict == "holds"


@pytest.mark.parametrize(("name", "change", "named"), BAD)
def test_what_is_no_point(name, change, named):
    """The field is named."""
    case = load_cases(path_of(name))[0]
    with pytest.raises(ValueError, match=named):
        find(name).exact.decide({**case.document, **change}, None)


@pytest.mark.parametrize("name", ["L.hessian", "L.tools", "L.baseline"])
def test_the_search_climbs_what_is_certified(name):
    """The float ratio is the certified one, there or squared, at fine rational points."""
    exact = find(name).exact
    choice = exact.search.choices[-1]
    x = np.random.default_rng(3).normal(size=exact.search.dimension(choice))
    certified = certified_ratio(exact.decide(exact.search.document(x, choice, 100_000), None))
    # One compilation, where each operation alone would be one.
    ratio = jax.jit(exact.search.ratio, static_argnums=1)
    assert np.isclose(float(ratio(jnp.asarray(x), choice)), certified, rtol=1e-2)


def test_a_false_claim_is_found_and_shrunk():
    """Two answers, one baseline: no larger than the stored case."""
    result = falsify(find("L.baseline"), minutes=30, seed=5)
    assert result.refuted
    assert len(result.document["prompts"][0]["actions"]) == 2

"""On a model with nothing to learn no claim holds, and none fails."""

import pytest
from odd.odd_models import IDLE, one_decision, spec_of

from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol.assumptions import nothing_to_learn
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.runs.judging import rows_of, runs_of
from grpo_checks.experiments.runs.tables import report


@pytest.mark.parametrize("name", IDLE)
def test_every_claim_is_silent(name, tmp_path):
    """Vacuous or unmet, without a number, without a run, and exit 0; decided before any cell."""
    spec = spec_of(IDLE[name], tmp_path)
    scope = Scope("quick", spec)
    assert "does not depend on the policy" in str(nothing_to_learn(spec))
    judged = []
    for claim in CLAIMS:
        assert runs_of(claim, scope) == []
        (row,) = rows_of(claim, scope, {})
        assert row.verdict in ("vacuous", "assumption unmet")
        assert (row.instance, row.observed) == (spec.name, None)
        assert row.note
        judged.append([row])
    assert {row.verdict for (row,) in judged} == {"vacuous", "assumption unmet"}
    assert report(CLAIMS, judged, on_model=True).as_expected


@pytest.mark.parametrize(
    "content",
    [
        one_decision([[1], [0]]),
        one_decision([[1, 0], [0, 1]]),
        one_decision([[1], [1]], [[1], [0]]),
        one_decision([[1], [0]], policy={"kind": "log-linear", "features": [[[1], [1.000000001]]]}),
    ],
)
def test_something_to_learn(content, tmp_path):
    """The predicate lets pass what a policy can change, if only one prompt of several."""
    assert nothing_to_learn(spec_of(content, tmp_path)) is None


def test_named_instances_have_something_to_learn():
    """All that claims are checked on by default."""
    for name in ("search", "coding", "bits", "random", "specialists", "menu", "outcomes"):
        assert nothing_to_learn(named(name, components=3)) is None

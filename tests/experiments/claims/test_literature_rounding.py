"""Rounding errors of literature claims: right next to certainty, seen through by small faults."""

import json
from functools import cache
from typing import Any

import mpmath as mp
import pytest

from grpo_checks.experiments.claims.literature import amplification as literature_amplification
from grpo_checks.experiments.claims.literature import baseline as literature_baseline
from grpo_checks.experiments.claims.literature import contrast as literature_contrast
from grpo_checks.experiments.claims.literature import hessian as literature_hessian
from grpo_checks.experiments.claims.literature import mse as literature_mse
from grpo_checks.experiments.claims.literature import tools as literature_tools
from grpo_checks.experiments.claims.literature.correlation import law as correlation_law
from grpo_checks.experiments.claims.literature.correlation import limit as correlation_limit
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import InstanceSpec
from grpo_checks.experiments.protocol.claim import Scope, overall
from grpo_checks.experiments.runs.tables import SILENT

mp.mp.dps = 40
GROUPS = (2, 3, 8)
LOG_ODDS = (50.0, -25.0, 14.0, 0.7)


def _file(folder, name: str, reward: list[Any], theta: list[float], weights: list[Any]) -> str:
    """A model of one state, written out."""
    choice = {"policy": {"kind": "tabular"}, "legal": [[True] * len(reward)], "theta": [theta]}
    states = {"prompt_distribution": [1], "initial_distribution": [[1]], "depth": [0]}
    rewards = {"tool_transition": [], "reward": [[reward]], "weights": weights}
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"format": "ta-mdp/1", "name": name, **choice, **states, **rewards}))
    return str(path)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Two answers worth 1 and 0, by log-odds of the first."""
    folder = tmp_path_factory.mktemp("models")

    @cache
    def spec(x: float) -> InstanceSpec:
        return from_argument(_file(folder, f"two_{LOG_ODDS.index(x)}", [[1], [0]], [x, 0.0], [1]))

    return spec


def _right(x: float) -> dict[str, Any]:
    """|grad p|, |Hess J|, a, the least error, errors at G, correlations at G, at 40 digits."""
    p, q = 1 / (1 + mp.exp(-mp.mpf(x))), 1 / (1 + mp.exp(mp.mpf(x)))
    a = 2 * p * q * (p**3 + q**3) - 2 * (p * q) ** 2
    b = p * q - 2 * (p * q) ** 2
    # E(R-p)|s|^2 and E|s|^2.
    lean, fisher = 2 * p * q * (q * q - p * p), 2 * p * q
    errors = {g: ((g - 2) * a + 2 * b) / (g * (g - 1)) for g in GROUPS}
    return {
        "L.contrast": mp.sqrt(2) * p * q,
        "L.hessian": 2 * p * q * abs(q - p),
        "L.baseline": (a, a - lean**2 / fisher),
        "L.mse": errors,
        "chances": (p, q),
    }


@pytest.mark.parametrize("x", LOG_ODDS)
def test_numbers_are_right_up_to_their_rounding_errors(x, answers):
    """Which are small shares of the numbers, however near certainty."""
    right, spec = _right(x), answers(x)
    scope = Scope("quick", spec)
    rows = literature_contrast.rows(scope, {})
    rows += literature_hessian.rows(scope, {}) + literature_mse.rows(scope, {})
    assert len(rows) == 1 + 2 + len(GROUPS)
    for row in rows:
        wanted = right[row.claim]
        if row.claim == "L.mse":
            wanted = wanted[row.parameters["group_size"]]
        assert abs(row.observed - wanted) <= row.rounding
        assert abs(row.bound - wanted) <= row.rounding <= 1e-10 * wanted
    (row,) = literature_baseline.rows(scope, {})
    assert row.verdict == "refuted"
    for observed, wanted in zip((row.observed, row.bound), right["L.baseline"], strict=True):
        assert abs(observed - wanted) <= row.rounding <= 1e-10 * right["L.baseline"][0]


@pytest.mark.parametrize("x", LOG_ODDS)
def test_correlations_are_right(x, answers):
    """Of one component: sqrt(pq) c_G(p)/sqrt(1 - p^G - q^G), by a sum over groups."""
    p, q = _right(x)["chances"]
    for row in correlation_law.rows(Scope("quick", answers(x)), {}):
        g = row.parameters["group_size"]
        chance = {k: mp.binomial(g, k) * p**k * q ** (g - k) for k in range(1, g)}
        along = mp.fsum(c * mp.sqrt(k * (g - k)) / g for k, c in chance.items())
        wanted = along / mp.sqrt(p * q * mp.fsum(chance.values()))
        off = max(abs(side - wanted) for side in (row.observed, row.bound))
        assert row.verdict == "holds"
        assert off <= row.rounding <= 1e-8 * wanted


FAULTS = [
    (literature_contrast.CLAIM, literature_contrast, "contrast"),
    (literature_hessian.CLAIM, literature_hessian, "matrix_norm"),
    (literature_mse.CLAIM, literature_mse, "listed_error"),
    (correlation_law.CLAIM, correlation_law, "_decoupled"),
    (literature_amplification.CLAIM, literature_amplification, "recurrence"),
]


@pytest.mark.parametrize("x", [-25.0, 14.0])
@pytest.mark.parametrize(("claim", "module", "name"), FAULTS, ids=lambda x: getattr(x, "name", ""))
def test_a_small_fault_is_seen_next_to_certainty(claim, module, name, x, answers, monkeypatch):
    """A side that is a millionth too large, of numbers far below 1e-11."""
    scope, right = Scope("quick", answers(x)), getattr(module, name)
    assert overall([row.verdict for row in claim.rows(scope, {})]) == "holds"
    monkeypatch.setattr(module, name, lambda *args, **named: right(*args, **named) * (1 + 1e-6))
    assert overall([row.verdict for row in claim.rows(scope, {})]) == "refuted"


CLAIMS = (
    *(literature_contrast.CLAIM, literature_hessian.CLAIM),
    *(literature_mse.CLAIM, literature_baseline.CLAIM),
    *(literature_amplification.CLAIM, literature_tools.CLAIM),
    *(correlation_limit.CLAIM, correlation_law.CLAIM),
)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.name)
def test_forty_rewards(claim, tmp_path, monkeypatch):
    """No claim ends in an error, nor is any row open."""
    # Groups of 5 are too many to count too: the lattice of 8 is no other way, and large.
    monkeypatch.setattr(literature_mse, "GROUPS", {"quick": (2, 5)})
    worth = [[f"{k}/39"] for k in range(40)]
    spec = from_argument(_file(tmp_path, "forty", worth, [0.1 * k for k in range(40)], [1]))
    verdict = overall([row.verdict for row in claim.rows(Scope("quick", spec), {})])
    assert verdict in (claim.expected, *SILENT)


def test_groups_that_no_engine_sums_over(answers, monkeypatch):
    """One row that says so, for this size alone."""

    def refuse(mdp, size, *rest):
        if size == 8:
            raise ValueError("group_size = 8: expected fewer")
        return right(mdp, size, *rest)

    right = literature_mse.group_law
    monkeypatch.setattr(literature_mse, "group_law", refuse)
    literature_mse._law.cache_clear()
    rows = literature_mse.rows(Scope("quick", answers(0.7)), {})
    literature_mse._law.cache_clear()
    assert [row.verdict for row in rows] == ["holds", "holds", "assumption unmet"]
    assert rows[-1].note == "group_size = 8: expected fewer"


def test_uncorrelated_rewards_say_nothing_of_the_baseline(tmp_path):
    """Four answers alike in chance: |s|^2 is constant, and the value is a best baseline."""
    spec = from_argument(_file(tmp_path, "even", [[1], [0], [0], [0]], [0.0] * 4, [1]))
    (row,) = literature_baseline.rows(Scope("quick", spec), {})
    assert (row.verdict, "uncorrelated" in row.note) == ("vacuous", True)


@pytest.mark.parametrize("x", [(30.0, -2.0), (-28.0, -20.0), (38.0, 1.0)])
def test_two_components_next_to_certainty(x, tmp_path):
    """Independent ones: neither open nor refuted, and the law still told from a limit."""
    theta, worth = [x[0] + x[1], *x, 0.0], [[1, 1], [1, 0], [0, 1], [0, 0]]
    scope = Scope("quick", from_argument(_file(tmp_path, "pair", worth, theta, [1, "1/3"])))
    for rows in (correlation_limit.rows, correlation_law.rows):
        assert overall([row.verdict for row in rows(scope, {})]) == "holds"
    mutant = Scope("quick", scope.instance, "no groups")
    assert overall([row.verdict for row in correlation_law.rows(mutant, {})]) == "refuted"

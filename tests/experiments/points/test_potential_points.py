"""Points of T2.potential: both sides against a listing of advantages, and in floats."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpq

from grpo_checks.experiments.points.decomposition.potential import STATEMENT, fields
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import coefficients, potential
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.update import update

_enclosed = enclose(lambda point: fields(**point))


def _drawn(seed, prompts, components):
    rng = np.random.default_rng(seed)
    vectors = list(np.ndindex(*[2] * components))

    def action():
        shares = rng.integers(1, 6, len(vectors)).tolist()
        outcomes = [{"share": s, "rewards": list(v)} for s, v in zip(shares, vectors, strict=True)]
        return {"odds": int(rng.integers(1, 6)), "outcomes": outcomes}

    return {
        "weights": rng.integers(1, 6, components).tolist(),
        "prompts": [{"share": q + 1, "actions": [action(), action()]} for q in range(prompts)],
    }


@pytest.mark.parametrize(("ddof", "eps"), [(0, 0.0), (1, 0.25)])
@pytest.mark.parametrize(("prompts", "components", "size"), [(1, 2, 4), (2, 1, 5), (1, 1, 2)])
def test_three_computations_agree(prompts, components, size, ddof, eps):
    """Listed advantages, in balls; both fields; and the potential by automatic differentiation."""
    document = _drawn(size, prompts, components)
    options = {"group_size": size, "ddof": ddof, "eps": str(fmpq(int(4 * eps), 4))}
    point = STATEMENT.domain.read({**document, **options})
    expected, claimed = _enclosed(point)
    assert (expected == claimed).all()
    observed = enclose(lambda x, e: coefficients(size, ddof, e) @ x)(expected, point["eps"])
    model = parse_choice(document)
    listed = update(model, size, Estimator("componentwise_normalized", ddof, eps)).mean
    assert not any(a > b or a < b for a, b in zip(observed, listed, strict=True))
    shares = np.array([p["share"] for p in document["prompts"]], float)
    logits, earned = [], []
    for prompt in document["prompts"]:
        logits.append([np.log(a["odds"]) for a in prompt["actions"]])
        outcomes = [
            np.array([[o["share"], *o["rewards"]] for o in a["outcomes"]])
            for a in prompt["actions"]
        ]
        earned.append([rows[:, :1].T @ rows[:, 1:] / rows[:, 0].sum() for rows in outcomes])
    earned = jnp.asarray(np.array(earned)[:, :, 0])

    def value(at):
        success = jnp.einsum("qm,qmk->qk", jax.nn.softmax(at), earned)
        values = potential(success, size, ddof, eps) @ jnp.asarray(document["weights"], float)
        return jnp.asarray(shares / shares.sum()) @ values

    slope = jax.jit(jax.grad(value))(np.array(logits)).reshape(-1)
    np.testing.assert_allclose(np.array([float(x) for x in observed]), slope, atol=1e-14)


def test_one_response_is_another_field():
    """c_G(1/2) grad J: the comparison can fail."""
    point = STATEMENT.domain.read({**_drawn(0, 1, 2), "group_size": 4})
    expected, claimed = _enclosed({**point, "at": fmpq(1, 2)})
    assert (expected != claimed).any()
    assert (_enclosed(point)[0] == expected).all()


def test_outcomes_of_different_numbers():
    """A sure action beside a lottery: what is missing has no chance."""
    document = _drawn(0, 2, 1)
    document["prompts"][1]["actions"][0]["outcomes"] = [{"share": 1, "rewards": [1]}]
    decision = STATEMENT.decide({**document, "group_size": 4})
    assert (decision.verdict, decision.observed) == ("holds", 0)


def test_graded_rewards_are_noticed():
    """One reward of 1/2."""
    document = _drawn(0, 1, 1)
    document["prompts"][0]["actions"][0]["outcomes"][0]["rewards"] = ["1/2"]
    assert STATEMENT.decide({**document, "group_size": 2}).verdict == "assumption unmet"

"""How strongly the advantage follows each component reward: corr(r_k, A) of one member.

arXiv:2509.22047 (its abstract, and the formula as readers quote it; our formalisation): for
uncorrelated components with weights w_k and standard deviations sigma_k, the correlation is

    joint: w_k sigma_k / sqrt(sum_j w_j^2 sigma_j^2),     decoupled: w_k / sqrt(sum_j w_j^2),

the second 1/sqrt K for equal weights. Both are statements about A with the mean and deviation of
the *law* in place of the group's: the limit of large groups.

**At finite G (derived).** For the unscaled estimators the joint formula holds times sqrt(1-1/G).
Decoupled, with independent binary components, eps = 0 and any ddof, Cov(r_k, A) = w_k E[sd_k] and
E A^2 = sum_j w_j^2 P(sd_j > 0), and E[sd_k] = p_k (1-p_k) c_G(p_k), hence

    corr = w_k sigma_k c_G(p_k) / sqrt(sum_j w_j^2 (1 - p_j^G - (1-p_j)^G)),

strictly below w_k / sqrt(sum w^2) for equal p. At G = 2 it is sqrt(1/2) times the joint formula:
there decoupling equalises nothing.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.advantages import check_group_size
from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.estimators.response import response
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.centred import centred


class ComponentMoments(NamedTuple):
    """Of the component rewards of one prompt."""

    mean: Float[Array, " K"]
    """J_qk."""
    covariance: Float[Array, "K K"]

    @property
    def deviation(self) -> Float[Array, " K"]:
        """sigma_k."""
        return jnp.sqrt(jnp.diagonal(self.covariance))

    @property
    def largest_correlation(self) -> Float[Array, ""]:
        """Of two different components, in absolute value; those that do not vary have none."""
        sd = self.deviation
        scale = jnp.where(sd > 0, 1 / jnp.where(sd > 0, sd, 1.0), 0.0)
        correlation = self.covariance * scale[:, None] * scale[None]
        return jnp.abs(jnp.where(jnp.eye(sd.shape[0], dtype=bool), 0.0, correlation)).max()


def component_moments(mdp: TAMDP, law: Float[Array, " C"]) -> ComponentMoments:
    """From the law of the reward vectors."""
    deviation, mean = centred(law, mdp.class_vector)
    return ComponentMoments(mean, (deviation * law[:, None]).T @ deviation)


def limits(
    weights: Float[Array, " K"], deviation: Float[Array, " K"]
) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
    """The two formulas, joint and decoupled, for uncorrelated components."""
    share = weights * deviation
    return share / jnp.linalg.norm(share), weights / jnp.linalg.norm(weights)


def limit_correlations(
    mdp: TAMDP, law: Float[Array, " C"]
) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
    """corr(r_k, A), joint and decoupled, with A whitened by the law itself: no assumption.

    By sums over reward vectors. Every component must vary.
    """
    moments = component_moments(mdp, law)
    rewards, _ = centred(law, mdp.class_vector)
    joint, _ = centred(law, mdp.class_composite[:, None])
    parts = (rewards / moments.deviation[None]) @ mdp.weights

    def against(advantage: Float[Array, " C"]) -> Float[Array, " K"]:
        size = jnp.sqrt(law @ jnp.square(advantage))
        return (law * advantage) @ rewards / (moments.deviation * size)

    return against(joint[:, 0]), against(parts)


def group_correlations(mdp: TAMDP, law: Float[Array, " C"], group: GroupLaw) -> Float[Array, " K"]:
    """corr(r_k, A_1) over groups of G, exactly, by the group law; E A = 0."""
    moments, chance = group.moments(law), group.merged(law)
    occurs = chance > 0
    response_of_value = jnp.where(occurs, moments.mean / jnp.where(occurs, chance, 1.0), 0.0)
    assert group.member is not None  # or ``merged`` would have raised
    advantage = group.member @ response_of_value
    components = component_moments(mdp, law)
    covariance = (law * advantage) @ centred(law, mdp.class_vector)[0]
    return covariance / (components.deviation * jnp.sqrt(moments.square.sum()))


def decoupled_correlations(
    weights: Float[Array, " K"], chance: Float[Array, " K"], group_size: int
) -> Float[Array, " K"]:
    """The formula at finite G, for independent binary components with chances in (0, 1).

    It is the same for 1 - p: give the smaller of the two, which has the digits.
    """
    check_group_size(group_size)
    # Not 1 - p^G - (1-p)^G, which has no digits where p is tiny.
    rare = jnp.minimum(chance, 1 - chance)
    varied = -jnp.expm1(group_size * jnp.log1p(-rare)) - rare**group_size
    slope = response(chance, group_size)
    size = jnp.sqrt(jnp.square(weights) @ varied)
    return weights * jnp.sqrt(chance * (1 - chance)) * slope / size


def is_binary(mdp: TAMDP) -> bool:
    """Whether every component reward is 0 or 1."""
    values = np.asarray(mdp.class_vector)
    return bool(((values == 0) | (values == 1)).all())

"""Training with the best step at every policy, decomposed against joint, on the same episodes."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.files import digest
from experiments.instances import InstanceSpec, build
from experiments.theorem2_cases import DECOMPOSED, JOINT
from theory.advantages import Estimator
from theory.chances import Chances
from theory.group_law import GroupLaw, group_law
from theory.grpo import Training
from theory.levels import student_level
from theory.presets import preset
from theory.races import GreedyTrace, greedy_runs, sampled_ascent
from theory.smoothness import smoothness
from theory.update import update_moments

Floats = NDArray[np.float64]


class Race(NamedTuple):
    """Both runs of many seeds from one start."""

    difference: Floats
    """(seeds,): J decomposed minus J joint after the last step."""
    lead: Floats
    """(2, T + 1): mean of e_dec - e_joint at the policies of either run."""
    value: Floats
    """(2,): mean J at the end."""

    def interval(self, level: float) -> tuple[float, float, float]:
        """Mean difference with two-sided Student limits (asymptotic)."""
        return student(self.difference, level)

    @property
    def turns_at(self) -> int | None:
        """The first step from which e ranks the estimators otherwise than at the start."""
        other = np.flatnonzero((np.sign(self.lead) != np.sign(self.lead[0, 0])).any(0))
        return int(other[0]) if other.size else None


def student(sample: Floats, level: float) -> tuple[float, float, float]:
    """Mean with two-sided Student limits at error ``level``."""
    mean, error = float(sample.mean()), float(sample.std(ddof=1) / np.sqrt(sample.size))
    reach = float(stats.t.ppf(1 - level / 2, sample.size - 1)) * error
    return mean, mean - reach, mean + reach


def student_sign(sample: Floats) -> float:
    """The smallest level at which the two-sided limits of ``student`` exclude 0."""
    error = float(sample.std(ddof=1) / np.sqrt(sample.size))
    return 2 * student_level(abs(float(sample.mean())), error, sample.size - 1)


@eqx.filter_jit
def _run(keys, mdp, chances, policy, theta, trainings, laws, n_steps):  # type: ignore[no-untyped-def]
    model = (mdp, chances, policy, theta, smoothness(mdp, policy))
    one = lambda key: greedy_runs(key, *model, trainings, laws, n_steps)  # noqa: E731
    return jax.lax.map(one, keys, batch_size=128)


def race(spec: InstanceSpec, group_size: int, n_steps: int, seeds: int) -> Race:
    """Runs of ``n_steps`` best steps from the instance's start."""
    instance = build(spec)
    keys = jax.random.split(jax.random.key(int(digest(spec.settings())[:8], 16)), seeds)
    trainings = Training(DECOMPOSED, group_size), Training(JOINT, group_size)
    model = (instance.mdp, Chances(instance.mdp), instance.policy, instance.theta)
    found = _run(keys, *model, trainings, _laws(spec, group_size), n_steps)
    trace: GreedyTrace = jax.device_get(found)
    ends, lead = np.asarray(trace.value)[:, -1], np.asarray(trace.lead).mean(0)
    return Race(ends[:, 0] - ends[:, 1], lead.T, ends.mean(0))


def _laws(spec: InstanceSpec, group_size: int) -> tuple[GroupLaw, GroupLaw]:
    mdp = build(spec).mdp
    return group_law(mdp, group_size, DECOMPOSED), group_law(mdp, group_size, JOINT)


class BatchEffect(NamedTuple):
    """Of normalising decomposed advantages once more over the batch; e with its standard error."""

    whitened: tuple[float, float]
    decomposed: float
    joint: float
    """e, exact."""
    gain: Floats
    """(N,): J after one best step of the whitened update, minus that of the joint one."""


@eqx.filter_jit
def _sample(key, mdp, chances, policy, theta, training, step, count):  # type: ignore[no-untyped-def]
    return sampled_ascent(key, mdp, chances, policy, theta, training, step, count)


def _efficiency(along: Floats, square: Floats) -> tuple[float, float]:
    """e of sampled updates, with its standard error by the delta method."""
    a, b = along.mean(), square.mean()
    influence = 2 * a / b * (along - a) - (a / b) ** 2 * (square - b)
    value = max(0.0, float(a)) ** 2 / float(b)
    return value, float(influence.std(ddof=1) / np.sqrt(len(along)))


def batch_effect(spec: InstanceSpec, group_size: int, prompts: int, count: int) -> BatchEffect:
    """TRL's `normalize_then_sum` against sum-then-normalise, ``prompts`` groups in an update."""
    instance = build(spec)
    model = (instance.mdp, Chances(instance.mdp), instance.policy, instance.theta)
    gdpo, grpo = preset("trl-gdpo"), preset("trl")
    plain = Estimator("componentwise_normalized", gdpo.ddof, gdpo.eps)
    exact = []
    for estimator in (plain, grpo):
        law = group_law(instance.mdp, group_size, estimator)
        moments = eqx.filter_jit(update_moments)(model[0], *model[2:], law, prompts)
        along = float(moments.gradient @ moments.mean)
        square = float(jnp.square(moments.mean).sum() + moments.variance)
        exact.append((max(0.0, along) ** 2 / square, along / square))
    smooth = float(smoothness(instance.mdp, instance.policy))
    key = jax.random.key(int(digest(spec.settings())[:8], 16))
    of = Training(gdpo, group_size, prompts)
    first = jax.device_get(_sample(jax.random.fold_in(key, 1), *model, of, jnp.asarray(0.0), count))
    found = _efficiency(first.along, first.square)
    step = max(0.0, float(first.along.mean() / first.square.mean())) / smooth
    whitened = jax.device_get(_sample(key, *model, of, jnp.asarray(step), count))
    of = Training(grpo, group_size, prompts)
    joint = jax.device_get(_sample(key, *model, of, jnp.asarray(exact[1][1] / smooth), count))
    return BatchEffect(found, exact[0][0], exact[1][0], whitened.gain - joint.gain)

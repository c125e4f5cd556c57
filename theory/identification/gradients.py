"""Which update rule some gradients are of."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.identification.candidates import Candidate, candidates
from grpo_checks.theory.identification.earned import Earned, Numbers, earned
from grpo_checks.theory.identification.fitting import Curve, Precision
from grpo_checks.theory.identification.predicted import ByEps, Predicted, advantages, by_eps
from grpo_checks.theory.identification.rules import (
    FLOAT32,
    START,
    Identification,
    Trial,
    best,
    nearest_factor,
)
from grpo_checks.theory.numbers.grouped.segments import Ints, Values
from grpo_checks.theory.numbers.validation import check_entries, check_shape, fail
from grpo_checks.theory.rules.aggregation import Aggregation

FAR = 0.5
"""A rule that leaves as much of the data unexplained, whatever the factor, is not fitted further:
between a small eps and a large one a rule does not change as much."""
AGGREGATIONS = (
    Aggregation("episode_sum"),
    *(
        Aggregation(name, offset)
        for name in ("constant", "token_mean", "sequence_mean")
        for offset in (0, 1)
    ),
)


class Fed(NamedTuple):
    """What M updates were made of, from E distinct episodes."""

    scores: Numbers
    """(E, d): sum of grad log pi over the decisions of an episode."""
    decisions: Ints
    """(E,): how many."""
    rewards: Numbers
    """(E, K), NaN where one is missing."""
    weights: Numbers
    """(K,)."""
    batches: Ints
    """(M, B, G): indices of episodes."""


def identify_gradients(
    parts: Sequence[tuple[Fed, NDArray]], precision: Precision = FLOAT32
) -> Identification:
    """The update rules that explain gradients of one trainer on one model or several.

    ``parts``: what was fed, and the directions (M, d) of the updates. Advantages as in
    ``identify_advantages``, every batch an update of its own, and the aggregation of the loss: all
    but micro-batches, with or without an end-of-text token. The factor of ``constant`` is 1 over
    the most tokens of any episode. Raises ValueError for no parts, arrays that do not match,
    indices beyond the episodes, and numbers that are not finite.
    """
    if not parts:
        fail("parts", None, "none", "one at least")
    observed = np.concatenate([_checked(fed, np.asarray(g, float)) for fed, g in parts])
    components = max(len(fed.weights) for fed, _ in parts)
    every = candidates(components, True)
    trials, distances = [], []
    plain = {offset: [_at_start(fed, offset, every) for fed, _ in parts] for offset in (0, 1)}
    for aggregation in AGGREGATIONS:
        models = [weighed(fed, aggregation) for fed, _ in parts]
        for i, candidate in enumerate(every):
            trials.append(Trial(candidate, curve(models, candidate), aggregation))
            values = plain[aggregation.length_offset]
            means = [m.mean(v[i]).reshape(-1) for m, v in zip(models, values, strict=True)]
            distances.append(_distance(np.concatenate(means), observed))
    near = [t for t, distance in zip(trials, distances, strict=True) if distance < FAR]
    return best(near or trials, observed, precision)


def _at_start(fed: Fed, offset: int, every: Sequence[Candidate]) -> list[Numbers]:
    """(N,) advantages of each candidate where its fit starts; one aggregation is as another."""
    data = _earned(fed, offset)
    return [np.real(advantages(data, c.estimator, START, START).values) for c in every]


class Weighed(NamedTuple):
    """What an aggregation makes of a model's episodes."""

    data: Earned
    """All members of all batches."""
    scores: Numbers
    """(M, BG, d): c s of each member."""

    def mean(self, values: Values) -> Values:
        """(M, d): sum of A c s of each batch, from advantages (N,)."""
        return np.einsum("mn,mnd->md", values.reshape(self.scores.shape[:2]), self.scores)

    def sums(self, answer: Predicted) -> Predicted:
        """Of A c s, (M d,), from advantages (N,)."""
        values, gain = (x.reshape(self.scores.shape[:2]) for x in answer)
        mean = self.mean(answer.values)
        noise = np.einsum("mn,mnd->md", np.abs(values) + gain, np.abs(self.scores))
        return Predicted(mean.reshape(-1), noise.reshape(-1))


def weighed(fed: Fed, aggregation: Aggregation) -> Weighed:
    """Members with their tokens, and their scores with the weights of the loss."""
    scores = fed.scores[fed.batches.reshape(len(fed.batches), -1)]
    data = _earned(fed, aggregation.length_offset)
    return Weighed(data, _weights(fed, aggregation)[..., None] * scores)


def curve(models: Sequence[Weighed], candidate: Candidate) -> Curve:
    """The gradients of a rule on all models, one after the other, from its free numbers."""
    predicted = [(model, by_eps(model.data, candidate.estimator)) for model in models]
    return partial(_joined, predicted, candidate.free)


def _joined(
    predicted: Sequence[tuple[Weighed, ByEps]], names: Sequence[str], free: list[complex]
) -> Predicted:
    numbers = dict(zip(names, free, strict=True))
    sums = (model.sums(of_eps(**numbers)) for model, of_eps in predicted)
    values, gains = zip(*sums, strict=True)
    return Predicted(np.concatenate(values), np.concatenate(gains))


def _checked(fed: Fed, gradients: Numbers) -> Numbers:
    if fed.batches.ndim != 3:
        fail("batches", None, f"array of shape {fed.batches.shape}", "shape (M, B, G)")
    episodes = len(fed.scores)
    good = (fed.batches >= 0) & (fed.batches < episodes)
    check_entries("batches", fed.batches, good, f"the index of one of {episodes} episodes")
    check_shape("gradients", gradients, (len(fed.batches), fed.scores.shape[1]), "M, d")
    check_entries("gradients", gradients, np.isfinite(gradients), "a finite number")
    check_entries("scores", fed.scores, np.isfinite(fed.scores), "a finite number")
    return gradients.reshape(-1)


def _earned(fed: Fed, offset: int) -> Earned:
    batches, groups, _ = fed.batches.shape
    member = fed.batches.reshape(-1)
    label = np.broadcast_to(
        np.arange(batches * groups).reshape(batches, groups, 1), fed.batches.shape
    )
    return earned(
        fed.rewards[member], fed.weights, label.reshape(-1), label.reshape(-1) // groups,
        (fed.decisions[member] + offset).astype(float),
    )  # fmt: skip


def _weights(fed: Fed, aggregation: Aggregation) -> Numbers:
    """(M, BG): c of each episode's score."""
    members = fed.batches.reshape(len(fed.batches), -1)
    length = fed.decisions[members] + aggregation.length_offset
    share = np.full(members.shape, 1 / members.shape[1])
    if aggregation.name == "sequence_mean":
        return share / length
    if aggregation.name == "token_mean":
        return np.ones(members.shape) / length.sum(1, keepdims=True)
    longest = fed.decisions.max() + aggregation.length_offset
    return share / (longest if aggregation.name == "constant" else 1)


def _distance(values: Numbers, observed: Numbers) -> float:
    """What is unexplained by these values with the best factor."""
    size = float(np.linalg.norm(observed))
    error = observed - nearest_factor(values, observed) * values
    return float(np.linalg.norm(error)) / size if size > 0 else 0.0

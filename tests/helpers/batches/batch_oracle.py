"""An oracle for updates of a batch: every batch of whole episodes, by definition."""

from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np

from helpers.batches.batch_advantages import in_batch
from helpers.group_oracles import member_advantages
from helpers.oracles import Episodes, Floats, action_probs, list_episodes, moments

PLAIN = ("mean_baseline", "leave_one_out", "group_normalized", "componentwise_normalized")


class Groups(NamedTuple):
    """All M groups of one prompt."""

    chance: Floats
    advantage: Floats
    """(M, G); the deviation from the group's mean where the batch decides."""
    composite: Floats
    decisions: Floats
    score: Floats
    """(M, G, n)."""


def _groups(prompt: Episodes, size: int, estimator: Any) -> Groups:
    n = len(prompt.probability)
    members = np.array(list(product(range(n), repeat=size)))
    name = estimator.name if estimator.name in PLAIN else "mean_baseline"
    every = member_advantages(prompt, members.T, name, estimator.ddof, estimator.eps)
    taken = prompt.paths.taken.sum(1).astype(float)
    chance = prompt.probability[members].prod(1)
    return Groups(chance, every, prompt.value[members], taken[members], prompt.score[members])


def _beside_greedy(groups: Groups, prompt: Episodes, probs: Floats) -> Groups:
    """Each group beside each greedy episode of its prompt; advantages R - b."""
    paths, first = prompt.paths, probs.argmax(1)
    best = (~paths.taken | (paths.action == first[paths.state])).all(1)
    chances, values = paths.chance[best], prompt.value[best]
    row, b = np.indices((len(groups.chance), len(values))).reshape(2, -1)
    every = Groups(*(x[row] for x in groups))
    return every._replace(
        chance=every.chance * chances[b], advantage=every.composite - values[b][:, None]
    )


def _update(parts: list[Groups], rule: Any, horizon: int) -> tuple[Floats, Floats]:
    """Chances and updates of all batches of these groups, in this order."""
    index = np.indices([len(p.chance) for p in parts]).reshape(len(parts), -1)
    chosen = [Groups(*(x[i] for x in p)) for p, i in zip(parts, index, strict=True)]
    chance = np.prod([c.chance for c in chosen], 0)
    advantage, composite, decisions, score = (
        np.stack([getattr(c, name) for c in chosen], 1)
        for name in ("advantage", "composite", "decisions", "score")
    )
    aggregation = rule.aggregation
    length = decisions + aggregation.length_offset
    advantage = in_batch(rule.estimator, advantage, composite, length)
    flat = length.reshape(len(length), -1)
    divisor = flat.shape[1] * episode_divisor(aggregation, flat, horizon)
    if aggregation.name == "token_mean":
        divisor = flat.sum(1, keepdims=True)
    weight, score = advantage.reshape(flat.shape), score.reshape(*flat.shape, -1)
    if aggregation.micro_batch is not None:
        orders = np.array(list(permutations(range(flat.shape[1]))))
        cut = orders.reshape(len(orders), -1, aggregation.micro_batch)
        sums = np.einsum("mojk,mojkn->mojn", weight[:, cut], score[:, cut])
        update = (sums / flat[:, cut].sum(-1)[..., None]).mean(2)
        return np.repeat(chance / len(orders), len(orders)), update.reshape(-1, update.shape[-1])
    return chance, np.einsum("mi,min->mn", weight / divisor, score)


def episode_divisor(aggregation: Any, length: Floats, horizon: int) -> Floats:
    """Of an episode's score, besides the number of episodes; 1 where it is the batch's."""
    if aggregation.name == "sequence_mean":
        return length
    longest = horizon + aggregation.length_offset
    return np.full_like(length, longest if aggregation.name == "constant" else 1)


def batch_moments(
    mdp: Any, policy: Any, theta: Any, size: int, rule: Any, drawn: int | None, copies: Any = None
) -> tuple[Floats, float]:
    """E[g] and V: of ``drawn`` groups, prompts from rho, or ``copies[q]`` groups of each."""
    prompts = list_episodes(mdp, policy, theta)
    groups = [_groups(p, size, rule.estimator) for p in prompts]
    if rule.estimator.name == "greedy_baseline":
        probs = action_probs(policy, theta)
        groups = [_beside_greedy(g, p, probs) for g, p in zip(groups, prompts, strict=True)]
    return moments_of_groups(mdp, groups, rule, drawn, copies)


def moments_of_groups(
    mdp: Any, groups: list[Groups], rule: Any, drawn: int | None, copies: Any = None
) -> tuple[Floats, float]:
    """The same from the groups of each prompt."""
    rho = np.asarray(mdp.prompt_distribution)
    if drawn is None:
        sweep = [groups[q] for q, many in enumerate(copies) for _ in range(many)]
        return moments(*_update(sweep, rule, mdp.horizon))
    chances, updates = [], []
    for order in product(range(len(rho)), repeat=drawn):
        chance, update = _update([groups[q] for q in order], rule, mdp.horizon)
        chances.append(chance * rho[list(order)].prod())
        updates.append(update)
    return moments(np.concatenate(chances), np.concatenate(updates))

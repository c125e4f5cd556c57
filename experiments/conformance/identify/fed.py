"""A model's episodes and batches, as identification takes them."""

import numpy as np

from grpo_checks.experiments.conformance.report import Place
from grpo_checks.theory.identification.gradients import Fed


def fed(where: Place) -> Fed:
    """Scores, decisions and rewards of all episodes of a place, and its batches."""
    episodes = where.episodes
    action = episodes.is_token & episodes.is_action
    scores = np.where(action[..., None], episodes.scores(), 0.0).sum(1)
    return Fed(scores, action.sum(1), episodes.reward, episodes.weights, where.batches.members)

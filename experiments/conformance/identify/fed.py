"""A model's episodes and batches, as identification takes them."""

from grpo_checks.experiments.conformance.report import Place
from grpo_checks.theory.identification.gradients import Fed


def fed(where: Place) -> Fed:
    """Scores, decisions and rewards of all episodes of a place, and its batches."""
    episodes = where.episodes
    scores, decisions = episodes.decision_scores().sum(1), episodes.is_decision.sum(1)
    return Fed(scores, decisions, episodes.reward, episodes.weights, where.batches.members)

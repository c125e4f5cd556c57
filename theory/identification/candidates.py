"""The estimators that data are compared with, and which of their numbers are fitted."""

from typing import NamedTuple

from grpo_checks.theory.estimators.advantages import Estimator, EstimatorName

KNOWN_EPS = (0.0, 1e-9, 1e-8, 1e-6, 1e-5, 1e-4)
"""What trainers use; another one explains data, but is said to be unusual."""
PLAIN: tuple[EstimatorName, ...] = ("mean_baseline", "leave_one_out", "nonzero_scaled")
SCALED: tuple[EstimatorName, ...] = (
    "group_normalized",
    "componentwise_normalized",
    "batch_scaled",
    "pass_at_k",
)
WHITENED: tuple[EstimatorName, ...] = (
    "group_normalized",
    "componentwise_normalized",
    "mean_baseline",
    "leave_one_out",
)


class Candidate(NamedTuple):
    """An estimator but for what is fitted."""

    estimator: Estimator
    free: tuple[str, ...]
    """Of ``eps`` and ``whiten``."""


def candidates(components: int, lengths: bool) -> list[Candidate]:
    """All, one of two whitened ones that are the same where there is one component; those that
    weigh by tokens only where ``lengths`` are known."""
    plain = [Candidate(Estimator(name), ()) for name in PLAIN]
    scaled = [Candidate(Estimator(name, ddof), ("eps",)) for name in SCALED for ddof in (1, 0)]
    other = [Candidate(Estimator("mean_normalized"), ("eps",))]
    if lengths:
        other.append(Candidate(Estimator("length_weighted"), ()))
    whitened = [
        Candidate(
            Estimator(name, ddof, whiten=0.0, whiten_inside=inside, whiten_tokens=tokens),
            ("whiten",) if name in PLAIN else ("eps", "whiten"),
        )
        for name in (WHITENED if components > 1 else WHITENED[1:])
        for ddof in (1, 0)
        for inside in (False, True)
        for tokens in ((False, True) if lengths else (False,))
    ]
    return [*plain, *scaled, *other, *whitened]

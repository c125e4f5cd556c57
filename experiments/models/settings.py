"""What a training run is, and what defines it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rules.aggregation import EPISODE_SUM, Aggregation
from grpo_checks.theory.training.batch import Objective

UNBIASED = Estimator("leave_one_out")
RunResult = Mapping[str, Any]
"""What a run comes to, see ``experiments.runs.training.execute``."""


def _chosen(options: Estimator | Aggregation) -> dict[str, Any]:
    """Without those that are off."""
    return {k: v for k, v in asdict(options).items() if v is not None and v is not False}


@dataclass(frozen=True)
class RunSettings:
    """One training run with many seeds; ``step`` None is the step of T1.rate.

    ``checkpoints``: step counts before ``n_steps`` at which the component values are kept too, as
    they are at the end if there are any. Runs of one ``stream`` draw the same random numbers.
    """

    instance: InstanceSpec
    group_size: int
    n_steps: int
    seeds: int
    estimator: Estimator = UNBIASED
    prompts: int | None = None
    step: float | None = None
    seed: int = 0
    objective: Objective = "reward"
    checkpoints: tuple[int, ...] = ()
    stream: str = ""
    aggregation: Aggregation = EPISODE_SUM

    @property
    def has_exact_law(self) -> bool:
        """Whether the bias and variance of each update are recorded."""
        return self.estimator.within_group and self.aggregation == EPISODE_SUM

    def settings(self) -> dict[str, Any]:
        """What defines the run, as JSON."""
        fields = {**self.__dict__, "instance": self.instance.settings()}
        # Options that are off are left out: a new one then changes no run that does not use it.
        if self.objective == "reward":
            del fields["objective"]
        for option in ("checkpoints", "stream"):
            if not fields[option]:
                del fields[option]
        if self.aggregation == EPISODE_SUM:
            del fields["aggregation"]
        else:
            fields["aggregation"] = _chosen(self.aggregation)
        return {**fields, "estimator": _chosen(self.estimator)}

    def parameters(self) -> dict[str, Any]:
        """The columns that tell this run from others in a table."""
        k = build(self.instance).mdp.weights.shape[0]
        shown = ("group_size", "n_steps", "prompts", "seeds", "seed")
        chosen = {name: getattr(self, name) for name in shown}
        return {"components": k, "estimator": self.estimator.name, **chosen}

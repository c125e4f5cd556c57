"""torchrl's advantages (MCAdvantage) and loss (GRPOLoss), on an actor with a table of logits.

Options: ``aggregation`` and ``trajectory_return`` by its own names; ``precision`` of the tensors.
"""

from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import torch
from faults import fed
from tensordict import TensorDict
from torch_table import SpoiledDeviation, Table, fill
from torchrl.modules.distributions import LLMMaskedCategorical
from torchrl.objectives.llm import GRPOLoss, MCAdvantage

VERSIONS = {name: version(name) for name in ("torchrl", "tensordict", "torch", "numpy")}
PRECISION = "float64"
EPS = 1e-6
"""The least sd that it divides by; the fault adds a hundredth of it."""
SETTINGS = {"entropy_bonus": False}
"""Its default adds an entropy bonus of .01, which is another loss."""
STATE: dict[str, Any] = {}


class Actor(torch.nn.Module):
    """What GRPOLoss asks of a language model: the distribution of what was fed."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.table, self.in_keys = table, [("tokens", "full")]

    def get_dist(self, tensordict: TensorDict, **_: Any) -> LLMMaskedCategorical:
        """Over the tokens of every position, decisions alone unmasked."""
        logits = self.table.logits()[tensordict["row"]]
        return LLMMaskedCategorical(logits=logits, mask=tensordict["mask"])

    _get_sft_dist = get_dist


class Attached(GRPOLoss):
    """The fault ``ratio_not_detached``: the sampler's log-probabilities follow the policy."""

    def _log_weight(self, *places: Any, **more: Any) -> Any:
        log_weight, *others = super()._log_weight(*places, **more)
        return log_weight - log_weight + log_weight.detach(), *others


def load(model: SimpleNamespace) -> None:
    """The table, in the precision that is asked for."""
    global PRECISION
    PRECISION = fill(STATE, model)


def gradient(batch: SimpleNamespace) -> Any:
    """Of one batch."""
    options, table = STATE["options"], STATE["table"]
    fault = options.get("fault")
    data = fed(batch, fault)
    log_prob = table.log_probs(data)
    with SpoiledDeviation(fault, EPS / 100):
        values = advantages(data, table, options)
    fields = {
        ("tokens", "full"): torch.tensor(data.tokens),
        ("log_probs", "full"): log_prob.detach(),
        "row": torch.tensor(data.row),
        "mask": torch.tensor(data.mask),
        "advantage": values[:, None, None].expand(*data.tokens.shape, 1),
    }
    loss = (Attached if fault == "ratio_not_detached" else GRPOLoss)(
        Actor(table), aggregation=options.get("aggregation", "token_mean"), **SETTINGS
    )
    value = loss(TensorDict(fields, [len(data.tokens)])).loss_objective.sum()
    if fault == "wrong_divisor":
        value = value * data.mask.sum() / data.mask.size
    return table.descent(value)


def advantages(data: SimpleNamespace, table: Table, options: dict[str, Any]) -> torch.Tensor:
    """(N,). A trajectory is one step here, an episode's reward its return."""
    kind = options.get("trajectory_return", "sum")
    transform = MCAdvantage(grpo_size=data.size, prompt_key="group", trajectory_return=kind)
    done = torch.ones(len(data.group), 1, 1, dtype=torch.bool)
    steps = TensorDict(
        {
            "group": torch.tensor(data.group)[:, None],
            "number": torch.arange(len(data.group))[:, None],
            ("next", "reward"): table.tensor(data.composite)[:, None, None],
            ("next", "done"): done,
        },
        [len(data.group), 1],
    )
    answer = transform.inv(steps)
    values = torch.empty(len(data.group), dtype=table.dtype)
    values[answer["number"].ravel()] = answer["advantage"].ravel()
    return values

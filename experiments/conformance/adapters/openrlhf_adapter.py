"""OpenRLHF's advantages (RemoteExperienceMaker) and loss (PolicyLoss), without its cluster.

Modules that need a GPU to be installed are stand-ins: nothing of them is called. Options:
``estimator`` and ``loss_agg_mode`` as on its command line; ``precision`` of the tensors.
"""

import importlib.abc
import importlib.machinery
import sys
from importlib.metadata import version
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import torch
from faults import fed
from torch_table import SpoiledDeviation, Table, fill, old

ABSENT = ("deepspeed", "flash_attn", "peft", "vllm", "pylatexenc", "optree", "aiohttp", "torchdata")


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Any name of an absent package."""

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in ABSENT:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = MagicMock(name=spec.name)
        module.__spec__, module.__path__, module.__version__ = spec, [], "0.0.0"
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


sys.meta_path.append(StandIn())

from openrlhf.models.loss import PolicyLoss  # noqa: E402
from openrlhf.trainer.ppo_utils.experience import Experience  # noqa: E402
from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker  # noqa: E402

VERSIONS = {name: version(name) for name in ("openrlhf", "torch", "ray", "transformers")}
PRECISION = "float64"
EPS = 1e-9
"""Its constant: ``std + 1e-9``."""
STATE: dict[str, Any] = {}


def load(model: SimpleNamespace) -> None:
    """The table, in the precision that is asked for."""
    global PRECISION
    PRECISION = fill(STATE, model)


def gradient(batch: SimpleNamespace) -> Any:
    """Of one batch, as one micro-batch of the actor's worker."""
    options, table = STATE["options"], STATE["table"]
    fault = options.get("fault")
    data = fed(batch, fault)
    mask, log_prob = torch.tensor(data.mask), table.log_probs(data)
    with SpoiledDeviation(fault, EPS / 100):
        values = advantages(data, mask, table, options)
    token_level = options.get("loss_agg_mode", "token-mean") == "token-mean"
    loss = PolicyLoss(token_level_loss=token_level)(
        log_prob,
        old(log_prob, fault),
        values,
        action_mask=mask,
        batch_num_tokens=mask.numel() if fault == "wrong_divisor" else None,
    )
    return table.descent(loss[0] if isinstance(loss, tuple) else loss)


def advantages(
    data: SimpleNamespace, mask: torch.Tensor, table: Table, options: dict[str, Any]
) -> torch.Tensor:
    """(N, T), by the method that its trainer calls, on an object that has what it reads."""
    estimator = options.get("estimator", "group_norm")
    settings = SimpleNamespace(
        rollout=SimpleNamespace(n_samples_per_prompt=data.size),
        algo=SimpleNamespace(
            advantage=SimpleNamespace(estimator=estimator, gamma=1.0, lambd=1.0, no_std_norm=False)
        ),
        reward=SimpleNamespace(
            clip_range=None, overlong_buffer_len=None, stop_properly_penalty_coef=None
        ),
    )
    maker = RemoteExperienceMaker.__new__(RemoteExperienceMaker)
    maker.strategy = SimpleNamespace(args=settings)
    maker.kl_ctl = SimpleNamespace(value=0.0)
    maker.advantage_estimator = estimator
    order = data.group.argsort(kind="stable")
    experience = Experience(
        index=list(order.argsort()),
        rewards=table.tensor(data.composite),
        action_mask=mask,
        kl=torch.zeros_like(mask, dtype=table.dtype),
    )
    (done,) = maker.compute_advantages_and_returns([experience])
    return done.advantages

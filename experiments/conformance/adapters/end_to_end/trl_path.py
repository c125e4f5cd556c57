"""TRL's own GRPOTrainer, sampling and stepping by itself, on one decision among lotteries.

Beside a model the job has ``lottery`` (A, E), the chance of each outcome under each action, and
``vectors`` (E, K), what an outcome earns. The rule's options are the trainer's, with ``steps``,
``groups`` and ``num_generations``. Answers ``path`` (steps + 1, d), theta before and after all.
"""

import tempfile
from typing import Any

import numpy as np
import torch
import transformers
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer
from trl_adapter import SETTINGS, versions
from trl_model import language_model, tokenizer, vocabulary


class Lottery:
    """The outcome of each episode, drawn once: the first component draws, the others read."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.law, self.vectors = job["lottery"].cumsum(1), job["vectors"]
        self.rng, self.outcome = np.random.default_rng(0), np.zeros(0, int)

    def component(self, k: int) -> Any:
        """A reward function."""

        def reward(completion_ids: list[list[int]], **_: Any) -> list[float]:
            if k == 0:
                action = np.array([ids[0] for ids in completion_ids])
                uniform = self.rng.random(len(action))[:, None]
                self.outcome = (uniform > self.law[action]).sum(1)
            return [float(x) for x in self.vectors[self.outcome, k]]

        reward.__name__ = f"component{k}"
        return reward


class Path(transformers.TrainerCallback):
    """theta before the first step and after each."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.points: list[Any] = [self._here()]

    def _here(self) -> Any:
        return self.model.theta.detach().double().numpy().copy()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.points.append(self._here())


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Of one run; actions are end tokens, so that a decision is one token and ends the turn."""
    options = dict(job["rule"]["trainer"])
    steps, groups, rate = (options.pop(name) for name in ("steps", "groups", "learning_rate"))
    names, actions = vocabulary(job), job["lottery"].shape[0]
    model = language_model(job, names, list(range(actions)))
    path, lottery = Path(model), Lottery(job)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    with tempfile.TemporaryDirectory() as folder:
        settings = {**SETTINGS, **options, "learning_rate": rate, "max_steps": steps}
        config = GRPOConfig(
            folder,
            per_device_train_batch_size=groups * options["num_generations"],
            reward_weights=job["weights"].tolist(),
            **settings,
        )
        trainer = GRPOTrainer(
            model,
            [lottery.component(k) for k in range(job["vectors"].shape[1])],
            config,
            Dataset.from_dict({"prompt": ["prompt0"] * groups}),
            processing_class=tokenizer(names),
            callbacks=[path],
            optimizers=(optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)),
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    return {"path": np.array(path.points), "versions": versions()}

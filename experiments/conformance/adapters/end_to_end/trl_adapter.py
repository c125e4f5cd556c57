"""TRL's own GRPOTrainer, fed with chosen batches: its rewards, advantages, loss and optimiser step.

What differs from its defaults is ``SETTINGS``; a rule's own options come from the job.
"""

import importlib
import os
import tempfile
from importlib.metadata import version
from typing import Any

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

import numpy as np
import torch
import transformers
from datasets import Dataset
from trl import GRPOConfig, RLOOConfig, RLOOTrainer
from trl_model import language_model, tokenizer, vocabulary
from trl_mutants import fed, planted

SETTINGS: dict[str, Any] = {
    "bf16": False,
    "gradient_checkpointing": False,
    "max_grad_norm": 0.0,
    "shuffle_dataset": False,
    "use_cpu": True,
    "learning_rate": 0.0,
    "report_to": "none",
    "save_strategy": "no",
    "logging_strategy": "no",
    "disable_tqdm": True,
}
"""bf16 is 3e-4 off, checkpointing needs layers, clipping changes lengths, shuffling prompts."""
CHANGED = ("bf16", "gradient_checkpointing", "max_grad_norm", "shuffle_dataset", "learning_rate")
LIBRARIES = ("trl", "torch", "transformers", "accelerate", "datasets", "numpy")
OURS = ("trainer", "end_of_text", "fault", "tool_loop")
"""Options that are not the configuration's: a class, a token after answers, a planted fault."""

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


def versions() -> dict[str, str]:
    """Of the libraries, and the precision of the loss."""
    return {"precision": "float32", **{name: version(name) for name in LIBRARIES}}


class Feed:
    """``rollout_func``: the next batch of the job, its responses marked as the environment's."""

    def __init__(self, job: dict[str, Any], names: dict[str, int]) -> None:
        self.job, self.names, self.step = job, names, 0
        self.paid: list[int] = []
        self.fault, self.ended = _ours(job, "fault"), bool(_ours(job, "end_of_text"))

    def __call__(self, prompts: list[Any], trainer: Any = None) -> dict[str, Any]:
        """What ``rollout_func`` is to return; the dataset's prompts are not looked at."""
        members = self.job["batches"][self.step]
        self.step += 1
        episodes, end = members.ravel().tolist(), [self.names["<end>"]] * self.ended
        lengths = self.job["is_token"].sum(1)[episodes].tolist()
        pairs = list(zip(episodes, lengths, strict=True))
        masks = [[*map(int, self.job["is_action"][e, :n]), *(1 for _ in end)] for e, n in pairs]
        self.paid, masks = fed(self.fault, episodes, len(members), masks)
        return {
            "prompt_ids": [[self.names[f"prompt{self.job['prompt'][e]}"]] for e in episodes],
            "completion_ids": [[*self.job["tokens"][e, :n].tolist(), *end] for e, n in pairs],
            "logprobs": None,
            "env_mask": masks,
        }


def _ours(job: dict[str, Any], option: str) -> Any:
    """What a rule says beside TRL's own options; None where it does not."""
    return job["rule"]["trainer"].get(option)


def rewards(job: dict[str, Any], feed: Feed) -> list[Any]:
    """A function for every component: what the episodes earn that were fed last."""

    def component(k: int) -> Any:
        def reward(**_: Any) -> list[float]:
            return [float(job["reward"][e, k]) for e in feed.paid]

        reward.__name__ = f"component{k}"
        return reward

    return [component(k) for k in range(job["reward"].shape[1])]


class FedRLOO(RLOOTrainer):
    """RLOOTrainer has no ``rollout_func``: what it would generate is the next batch."""

    feed: Feed

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        self.batch = self.feed(prompts)
        return self.batch["prompt_ids"], None, {}

    def _generate_single_turn(self, *_: Any) -> list[list[int]]:
        return self.batch["completion_ids"]


class Recorder(transformers.TrainerCallback):
    """The gradient before every step of the optimiser, and what TRL made of the rewards."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.gradients: list[Any] = []

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        self.gradients.append(-self.model.theta.grad.double().numpy().copy())


def settings(job: dict[str, Any], steps: int, groups: int, size: int) -> dict[str, Any]:
    """``SETTINGS``, and the options of the rule."""
    horizon = int((job["is_token"] & job["is_action"]).sum(1).max())
    options = {k: v for k, v in job["rule"]["trainer"].items() if k not in OURS}
    return {
        "max_completion_length": horizon + bool(_ours(job, "end_of_text")),
        "per_device_train_batch_size": groups * size,
        "num_generations": size,
        "max_steps": steps,
        "reward_weights": job["weights"].tolist(),
        **SETTINGS,
        **options,
    }


def trainer_of(job: dict[str, Any], model: Any, feed: Feed, folder: str, classes: Any) -> Any:
    """The trainer, fed; ``classes``: GRPOTrainer, or what stands in its place."""
    many, groups, size = job["batches"].shape
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    rloo = _ours(job, "trainer") == "RLOOTrainer"
    chosen, config = (FedRLOO, RLOOConfig) if rloo else (classes, GRPOConfig)
    trainer = chosen(
        model,
        rewards(job, feed),
        config(folder, **settings(job, many, groups, size)),
        Dataset.from_dict({"prompt": ["prompt0"] * groups}),
        processing_class=tokenizer(feed.names),
        optimizers=(optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)),
        **({} if rloo else {"rollout_func": feed}),
    )
    trainer.feed = feed
    check_settings(trainer)
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def check_settings(trainer: Any) -> None:
    """Whether what had to be changed from the defaults is so. Raises ValueError."""
    for name in CHANGED:
        value = getattr(trainer.args, name)
        if value != SETTINGS[name]:
            raise ValueError(f"{name} = {value!r} in the trainer: expected {SETTINGS[name]!r}")


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Of all batches, one step of the trainer each; or of its own, with its loop over tools."""
    if job["sample"] or _ours(job, "tool_loop"):
        loop = importlib.import_module("trl_loop")
        looped: dict[str, Any] = loop.answer(job)
        return looped
    names = vocabulary(job)
    model = language_model(job, names, [names["<end>"]])
    before, recorder = model.theta.detach().clone(), Recorder(model)
    with tempfile.TemporaryDirectory() as folder, planted(_ours(job, "fault")) as classes:
        trainer = trainer_of(job, model, Feed(job, names), folder, classes)
        trainer.add_callback(recorder)
        trainer.train()
    moved = (model.theta.detach() - before).double().numpy()
    return {
        "gradient": np.array(recorder.gradients),
        "theta_after": job["theta"] + moved,
        "versions": versions(),
    }

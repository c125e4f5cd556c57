"""TRL's own GRPOTrainer, fed with chosen batches: its rewards, advantages, loss and optimiser step.

What differs from its defaults is ``SETTINGS``; a rule's own options come from the job.
"""

import os
import tempfile
from importlib.metadata import version
from typing import Any

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

import numpy as np
import torch
import transformers
from datasets import Dataset
from trl import GRPOConfig
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
LIBRARIES = ("trl", "torch", "transformers", "accelerate", "datasets", "numpy")
OURS = ("end_of_text", "fault")
"""Options that are no names of TRL's: an end-of-text token after every answer, a planted fault."""

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


def versions() -> dict[str, str]:
    """Of the libraries, and the precision of the loss."""
    return {"precision": "float32", **{name: version(name) for name in LIBRARIES}}


def rewards(job: dict[str, Any]) -> list[Any]:
    """A function for every component: what the episode that was fed earns."""

    def component(k: int) -> Any:
        def reward(episode: list[int], **_: Any) -> list[float]:
            return [float(job["reward"][e, k]) for e in episode]

        reward.__name__ = f"component{k}"
        return reward

    return [component(k) for k in range(job["reward"].shape[1])]


class Feed:
    """``rollout_func``: the next batch of the job, its responses marked as the environment's."""

    def __init__(self, job: dict[str, Any], names: dict[str, int]) -> None:
        self.job, self.names, self.step = job, names, 0
        self.fault, self.ended = _ours(job, "fault"), bool(_ours(job, "end_of_text"))

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        members = self.job["batches"][self.step]
        self.step += 1
        episodes, end = members.ravel().tolist(), [self.names["<end>"]] * self.ended
        lengths = self.job["is_token"].sum(1)[episodes].tolist()
        pairs = list(zip(episodes, lengths, strict=True))
        masks = [[*map(int, self.job["is_action"][e, :n]), *(1 for _ in end)] for e, n in pairs]
        paid, masks = fed(self.fault, episodes, len(members), masks)
        return {
            "prompt_ids": [[self.names[f"prompt{self.job['prompt'][e]}"]] for e in episodes],
            "completion_ids": [[*self.job["tokens"][e, :n].tolist(), *end] for e, n in pairs],
            "logprobs": None,
            "env_mask": masks,
            "episode": paid,
        }


def _ours(job: dict[str, Any], option: str) -> Any:
    """What a rule says beside TRL's own options; None where it does not."""
    return job["rule"]["trainer"].get(option)


class Recorder(transformers.TrainerCallback):
    """The gradient before every step of the optimiser, and what TRL made of the rewards."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.gradients: list[Any] = []

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        self.gradients.append(-self.model.theta.grad.double().numpy().copy())


def config(job: dict[str, Any], folder: str, steps: int, groups: int, size: int) -> GRPOConfig:
    """``SETTINGS``, and the options of the rule."""
    horizon = int((job["is_token"] & job["is_action"]).sum(1).max())
    options = {k: v for k, v in job["rule"]["trainer"].items() if k not in OURS}
    longest = horizon + bool(_ours(job, "end_of_text"))
    settings = {"max_completion_length": longest, **SETTINGS, **options}
    return GRPOConfig(
        folder,
        per_device_train_batch_size=groups * size,
        num_generations=size,
        max_steps=steps,
        reward_weights=job["weights"].tolist(),
        **settings,
    )


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Of all batches, one step of the trainer each."""
    many, groups, size = job["batches"].shape
    names = vocabulary(job)
    model = language_model(job, names, [names["<end>"]])
    before, recorder = model.theta.detach().clone(), Recorder(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with tempfile.TemporaryDirectory() as folder, planted(_ours(job, "fault")) as trainer_class:
        trainer = trainer_class(
            model,
            rewards(job),
            config(job, folder, many, groups, size),
            Dataset.from_dict({"prompt": ["prompt0"] * groups}),
            processing_class=tokenizer(names),
            callbacks=[recorder],
            optimizers=(optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)),
            rollout_func=Feed(job, names),
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    moved = (model.theta.detach() - before).double().numpy()
    return {
        "gradient": np.array(recorder.gradients),
        "theta_after": job["theta"] + moved,
        "versions": versions(),
    }

"""TRL's trainer with its tool loop, fed; or sampling by itself, with the loop if there are tools.

Asked for ``sample`` steps it draws as many batches as it likes best: prompts from their weights,
decisions by its generate, responses by the environment. It answers ``members`` (M, B, G) too.
"""

import tempfile
from typing import Any

import numpy as np
import torch
import transformers
from datasets import Dataset
from trl import GRPOConfig
from trl_adapter import Recorder, check_settings, settings, versions
from trl_model import language_model, vocabulary
from trl_tools import FedTools, Room, environment, speaking


def rewards(job: dict[str, Any], room: Room, drawn: list[list[int]]) -> list[Any]:
    """A function for every component: what an episode earns, by its tokens."""

    def episodes(prompts: list[Any], completion_ids: list[list[int]]) -> list[int]:
        prompt_of = [int(p[0]["content"].removeprefix("prompt")) for p in prompts]
        if len(room.fed):
            prompt_of = job["prompt"][room.fed].tolist()
        pairs = zip(prompt_of, completion_ids, strict=True)
        return [room.known.episode[prompt, tuple(ids)] for prompt, ids in pairs]

    def component(k: int) -> Any:
        def reward(prompts: list[Any], completion_ids: list[list[int]], **_: Any) -> list[float]:
            members = episodes(prompts, completion_ids)
            if k == 0:
                drawn.append(members)
            return [float(job["reward"][e, k]) for e in members]

        reward.__name__ = f"component{k}"
        return reward

    return [component(k) for k in range(job["reward"].shape[1])]


def questions(job: dict[str, Any], steps: int, groups: int) -> Dataset:
    """Prompts: one for every group of every step, drawn; fed, what they say is not looked at."""
    prompts = np.zeros(groups, int)
    if job["sample"]:
        prompts = np.random.default_rng(1).choice(len(job["rho"]), steps * groups, p=job["rho"])
    return Dataset.from_dict(
        {"prompt": [[{"role": "user", "content": f"prompt{q}"}] for q in prompts]}
    )


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Of all batches that are fed, or of as many steps as are to be sampled."""
    many, groups, size = job["batches"].shape
    steps, names, room = job["sample"] or many, vocabulary(job), Room(job)
    actions = sorted({*job["tokens"][job["is_token"] & job["is_action"]].tolist()})
    model = language_model(job, names, actions)
    before, recorder = model.theta.detach().clone(), Recorder(model)
    drawn: list[list[int]] = []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with tempfile.TemporaryDirectory() as folder:
        options = settings(job, steps, groups, size)
        options["max_completion_length"] = int(job["is_token"].sum(1).max())
        trainer = FedTools(
            model,
            rewards(job, room, drawn),
            GRPOConfig(folder, **options),
            questions(job, steps, groups),
            processing_class=speaking(names, room.known.tools),
            optimizers=(optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)),
            environment_factory=environment(room) if room.known.tools else None,
        )
        check_settings(trainer)
        trainer.room, trainer.names = room, names
        trainer.batches = None if job["sample"] else job["batches"]
        trainer.add_callback(recorder)
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    moved = (model.theta.detach() - before).double().numpy()
    members = np.array(drawn).reshape(steps, groups, size)
    gradient, after = np.array(recorder.gradients), job["theta"] + moved
    return {
        "gradient": gradient, "theta_after": after, "members": members, "versions": versions(),
    }  # fmt: skip

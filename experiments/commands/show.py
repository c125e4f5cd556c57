"""show: what a model is."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from grpo_checks.experiments.commands.listing import list_models
from grpo_checks.experiments.computing.one_run import compiled_for_one_run
from grpo_checks.experiments.models.building.argument import Chosen, chosen
from grpo_checks.experiments.models.describing.drawing import dot, text
from grpo_checks.experiments.models.describing.facts import Facts, facts
from grpo_checks.experiments.models.describing.graph import nodes
from grpo_checks.experiments.models.describing.svg import svg
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.storage.files import check_target, write_atomic
from grpo_checks.experiments.storage.terminal import say, table_lines
from grpo_checks.experiments.storage.text import counted
from grpo_checks.theory.instances.instance import Instance

PROMPTS = 10
"""That have lines of their own."""


def run(arguments: argparse.Namespace) -> int:
    """Print the numbers and the graph; write the picture that is asked for."""
    if arguments.model is None:
        list_models()
        return 0
    for path in (arguments.dot, arguments.svg):
        if path is not None:
            check_target(path)
    model = chosen(arguments.model)
    instance = build(model.spec)
    say(f"{instance.name}: {model.description}".rstrip(": "), *_size(model, instance))
    with compiled_for_one_run(instance.mdp.max_depth):
        computed = facts(instance)
    say("", *_values(model, instance, computed), "", *_prompts(model, instance, computed))
    say("", f"graph; answers earn ({', '.join(model.labels.components)}):")
    say(*text(nodes(instance.mdp, model.labels), model.labels.states))
    _draw(model, instance, arguments.dot, arguments.svg)
    return 0


def _size(model: Chosen, instance: Instance) -> list[str]:
    """What there is of everything, and what is not reached."""
    mdp, labels = instance.mdp, model.labels
    kinds = {"prompt": labels.prompts, "tool": labels.tools, "answer": labels.answers}
    counts = ", ".join(counted(len(names), kind) for kind, names in kinds.items())
    parts = counted(len(labels.components), "component")
    shared = "no state is reached from two prompts"
    if not mdp.prompt_separable:
        shared = "prompts share states"
    policy = type(instance.policy).__name__.replace("LogLinear", "log-linear").lower()
    lines = [
        f"{counts}, {parts}; {counted(len(labels.states), 'state')}, at most "
        f"{counted(mdp.max_depth, 'tool call')}; {shared}",
        f"policy: {policy}, {counted(instance.theta.size, 'parameter')}",
    ]
    if labels.unreachable:
        lines.append(f"not reached, and left out: {', '.join(labels.unreachable)}")
    return lines


def _values(model: Chosen, instance: Instance, computed: Facts) -> list[str]:
    """J, components, correlations, silent groups."""
    rho = np.asarray(instance.mdp.prompt_distribution)
    best = "" if computed.optimum_is_exact else "at most "
    lines = [
        f"J = {rho @ computed.value:.6g} at the start, J* = {best}{computed.optimum:.6g}, "
        f"R_max = {float(instance.mdp.max_reward):.6g}"
    ]
    layers = enumerate(computed.visited)
    unvisited = [f"{n} of {total} in layer {d}" for d, (n, total) in layers if n < total]
    lines.append(f"states that some policy reaches: {', '.join(unvisited) or 'all of them'}")
    names = model.labels.components
    table = pd.DataFrame(
        {
            "component": names,
            "weight": np.asarray(instance.mdp.weights),
            "mean reward": computed.success,
            "attainable" if computed.attained else "at most": computed.attainable,
        }
    )
    lines += table_lines(table, ".4g")
    if idle := [n for n, most in zip(names, computed.attainable, strict=True) if most == 0]:
        lines.append(
            f"never earned by any policy, though R_max counts its weight: {', '.join(idle)} "
            "(named models are filled up to the number of components that is asked for)"
        )
    if len(names) > 1:
        matrix = pd.DataFrame(computed.correlation, columns=names)
        matrix.insert(0, "correlation within prompts", names)
        lines += ["", *table_lines(matrix, ".4g", "constant")]
    shares = ", ".join(f"{share:.3g} at G = {size}" for size, share in computed.silent.items())
    return [*lines, "", f"silent groups (all composites equal): {shares}"]


def _prompts(model: Chosen, instance: Instance, computed: Facts) -> list[str]:
    """J and J* of the first ones."""
    rho = np.asarray(instance.mdp.prompt_distribution)
    best = "J*" if computed.attained else "J* at most"
    columns = {"chance": rho, "J": computed.value, best: computed.best}
    table = pd.DataFrame({"prompt": model.labels.prompts, **columns})
    lines = table_lines(table.head(PROMPTS), ".4g")
    more = len(table) - PROMPTS
    return lines + ([f"... and {counted(more, 'prompt')} more"] if more > 0 else [])


def _draw(model: Chosen, instance: Instance, dot_path: Path | None, svg_path: Path | None) -> None:
    for path, drawn in ((dot_path, dot), (svg_path, svg)):
        if path is not None:
            write_atomic(path, drawn(instance.name, nodes(instance.mdp, model.labels)))
            say(f"graph: {path}")

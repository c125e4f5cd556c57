"""What the claims mean for a training run: their sentences, by the question of an engineer."""

import re

import pandas as pd

from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.experiments.storage.text import markdown
from grpo_checks.pages.markup import badge, rooted, starred
from grpo_checks.pages.stored import Stored, slug

QUESTIONS = {
    "Divide by the standard deviation, or not?": ("T1.bias", "T1.floor", "T1.curl", "T1.own"),
    "One advantage, or one per component?": ("T2.benefit", "T2.kappa", "T1.K", "L.correlation.G"),
    "Which group size, how many prompts?": ("T1.budget", "T1.G", "T1.slope"),
    "Which KL penalty?": ("P.kl", "L.convergence", "L.tools"),
    "What does a score on training tasks say?": ("T3.ood", "T3.shift", "T3.visual_arft"),
}
PRACTICE = re.compile(r"In practice: (.+?)(?:\n\n|\Z)", re.S)
FIGURE = re.compile(r"\s*\((?:figure|mutant)[^)]*\)")
"""Asides that mean something only beside their table."""
BEST = ("estimator", "group_size", "signal_per_episode", "cosine", "silent", "step")


def engineers(stored: Stored) -> str:
    """engineers.md: only of claims that came out as the sentences expect."""
    sections = [_section(stored, question, names) for question, names in QUESTIONS.items()]
    return "\n".join(["# What to use", "", *sections, _rules(stored), _one_model(stored)])


def _section(stored: Stored, question: str, names: tuple[str, ...]) -> str:
    texts = []
    for name in names:
        line = stored.line(name)
        if line["verdict"] != line["expected"]:
            continue
        text = "\n\n".join(t for k, t in stored.parts.items() if k.split(", ")[0] == name)
        link = f"[{name}](claims/{slug(name)}.md) {badge(str(line['verdict']))}"
        sentences = [_sentence(match) for match in PRACTICE.findall(text)]
        texts += [f"- {rooted(starred(sentence))} {link}" for sentence in sentences]
    return f"## {question}\n\n" + "\n".join(texts) + "\n" if texts else ""


def _sentence(text: str) -> str:
    """Without asides, from its first letter on."""
    plain = " ".join(FIGURE.sub("", text).split())
    return plain[:1].upper() + plain[1:]


def _rules(stored: Stored) -> str:
    text = stored.parts.get("T2.benefit, what to use", "")
    return (
        f"## Which form gains more: rules, counted\n\n{rooted(starred(text.strip()))}\n"
        if text
        else ""
    )


def _one_model(stored: Stored) -> str:
    """What `advise` says of one named model: the best size of each estimator."""
    path = stored.folder / "advise" / "rows.csv"
    if not path.is_file():
        return ""
    rows = read_table(path)
    best = rows.loc[rows.groupby("estimator")["signal_per_episode"].idxmax(), list(BEST)]
    names = {name: name.replace("_", " ") for name in BEST}
    table = best.sort_values("signal_per_episode", ascending=False).rename(columns=names)
    shown = markdown(pd.DataFrame(table).astype({"group size": int}), 3)
    return (
        "## For one model\n\n`grpo-checks advise` answers for a model, for pass rates alone or for "
        "the log of a run. The best size of each estimator on "
        f"`{rows['instance'].iloc[0]}`, {rows['plan'].iloc[0]}:\n\n{shown}\n\n"
        "![Signal, alignment and silent groups against the group size](figures/advice.png)\n"
    )

"""Facts on T2.benefit: one update exactly, and races in training."""

import pandas as pd

from grpo_checks.experiments.claims.benefit.rules import ALWAYS, FITTED, TRUE, judged, rankings
from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import count, having, table
from grpo_checks.experiments.storage.text import span


def benefit(data: pd.DataFrame) -> Facts:
    """Of T2.benefit: the map on `outcomes`, and the races."""
    maps = data[(data["where"] == "one update") & (data["instance"] == "outcomes")]
    races = data[data["where"] == "training"]
    against, by_lead = having(maps, "refuted"), maps.sort_values("gain_lead")
    return {
        "maps": len(maps),
        "as_e": count(maps, "holds"),
        "against": len(against),
        "most": against["gain_lead"].abs().max() if len(against) else 0.0,
        "ties": count(maps, "assumption unmet"),
        "shares": _shares(maps),
        "better": int((judged(data).cells["gain_lead"] > 0).sum()),
        "told": len(judged(data).cells),
        "best": _place(by_lead.iloc[-1]),
        "worst": _place(by_lead.iloc[0]),
        "steps": int(races["n_steps"].max()),
        "seeds": int(races["seeds"].max()),
        "races": len(races),
        "turned": count(races, "assumption unmet"),
        "held": count(races, "holds"),
        "refuted": count(races, "refuted"),
        "open": count(races, "inconclusive"),
        "training": _training(races),
        "collapse": _collapse(maps),
    }


def rules(data: pd.DataFrame) -> Facts | None:
    """What to use: e and other rules by how often they are wrong; None for rows of an older
    version, and where e is wrong least often."""
    equal = data[data["where"] == "one update, any step"]
    if equal.empty:
        return None
    known, (lines, rule) = judged(data), rankings(data)
    wrong = lines.set_index("rule")
    if not all(
        (wrong.loc[[ALWAYS, FITTED], x] < wrong.loc[TRUE, x]).all() for x in ("kept", "decisive")
    ):
        return None
    headings = (
        f"rule: who gains more by | all: wrong in {len(known.cells)} cells | "
        f"kept: in the {int(known.kept.sum())} kept back | races: in {len(known.races)} races | "
        f"decisive: in the {int(known.decisive.sum())} told apart"
    )
    texts = lines.map(lambda x: "" if pd.isna(x) else x if isinstance(x, str) else f"{x:.0f}")
    return {
        "table": table(texts, headings),
        "correlation": f"{rule.correlation:.2f}",
        "ratio": f"{rule.ratio:g}",
        "cells": len(known.cells),
        "both": longest_for_both(known.cells),
        "equal": len(equal),
        "all": int(((equal["against_e"] == 0) & (equal["as_e"] > 0)).sum()),
        "none": int(((equal["as_e"] == 0) & (equal["against_e"] > 0)).sum()),
    }


def longest_for_both(cells: pd.DataFrame) -> int:
    """In how many cells the best step of either update is the longest of the grid."""
    return int((cells["best_at_end"] == 2).sum())


def _place(row: pd.Series) -> str:
    """Where on the map, and by how much."""
    dials = f"p_1 = {row['success']}, ratio {row['success_ratio']}, coupling {row['coupling']}"
    size = f"K = {row['components']:.0f}, G = {row['group_size']:.0f}"
    return f"{dials}, {size} ({row['gain_lead']:.1%} of the larger gain)"


def _shares(maps: pd.DataFrame) -> str:
    """For each K, success and G: in how much of the grid decomposing gains more, and e is right."""
    cells = maps.groupby(["components", "success", "group_size"])
    shares = cells["gain_lead"].agg(
        ahead=lambda x: f"{(x > 0).mean():.0%}",
        least=lambda x: f"{x.min():.1%}",
        most=lambda x: f"{x.max():.1%}",
    )
    shares["as_e"] = cells["verdict"].agg(lambda x: f"{(x == 'holds').mean():.0%}")
    headings = (
        "components: K | success: success of the first | group_size: G | "
        "ahead: decomposed gains more in | least: by, least | most | as_e: e says who in"
    )
    return table(shares.reset_index(), headings)


def _training(races: pd.DataFrame) -> str:
    """Without those in which e turns on the way, which say nothing."""
    headings = (
        "group_size: G | success_ratio: ratio | coupling | "
        "lead_at_start: e_dec - e_joint at the start | "
        "observed: J with the smaller e, less J with the larger | lower: lower limit | "
        "upper: upper limit | verdict"
    )
    races = races[races["verdict"] != "assumption unmet"]
    return table(races.round(4), headings)


def _collapse(maps: pd.DataFrame) -> str:
    """Numbers of different advantages in a group, by the order of the two steps."""
    headings = (
        "components: K | group_size: G | distinct_joint: sum, then normalise | "
        "distinct_decomposed: normalise, then sum"
    )
    cells = maps.groupby(["components", "group_size"])
    orders = ("distinct_joint", "distinct_decomposed")
    return table(
        pd.DataFrame({name: cells[name].apply(span) for name in orders}).reset_index(), headings
    )

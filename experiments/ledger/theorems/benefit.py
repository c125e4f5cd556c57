"""The ledger's part on T2.benefit."""

import pandas as pd

from grpo_checks.experiments.storage.text import markdown, span

BENEFIT = """
**T2.benefit.** e = max(0, <grad J, m>)^2/(|m|^2 + V) is 2L times what an update guarantees at the
step that suits it best. Does the larger e gain more? Exactly, on `outcomes` (one decision, all
reward vectors), in {maps} cells of correlation, ratio of success probabilities, G and K, either
update at that step of one grid, 1/16 to 16 over L, at which it gains most: in {as_e} the update
with the larger e gains more, in {against} the other one, by up to {most:.1%}; {ties} are ties. No
step is taken from e: at a small share of its own best step e would rank the gains whatever it was
made of. That e ranks nothing is certain at the stored points.

{shares}

In practice: neither order wins everywhere, and e does not tell which does. Decomposed gains most
more at {best}, and least at {worst}.

**In training**, both with step 1/L on the same episodes, {steps} updates, {seeds:,} seeds, limits
valid at any number of seeds: of {races} races e turns on the way in {turned}, which says nothing
however they ended; {held} end as e says, {refuted} the other way, {open} stay open.

{training}

**Signal collapse**: expected number of different advantages in a group, by the order of the two
steps:

{collapse}

![Which update has the larger e, and the races](results/paper/figures/t2_phase.png)
"""


def benefit(data: pd.DataFrame) -> str:
    """From the rows of T2.benefit."""
    maps = data[(data["where"] == "one update") & (data["instance"] == "outcomes")]
    races = data[data["where"] == "training"]
    verdicts, against = races["verdict"].value_counts(), maps[maps["verdict"] == "refuted"]
    return BENEFIT.format(
        maps=len(maps),
        as_e=(maps["verdict"] == "holds").sum(),
        against=len(against),
        most=against["gain_lead"].abs().max() if len(against) else 0.0,
        ties=(maps["verdict"] == "assumption unmet").sum(),
        shares=_shares(maps),
        best=_place(maps.sort_values("gain_lead").iloc[-1]),
        worst=_place(maps.sort_values("gain_lead").iloc[0]),
        steps=int(races["n_steps"].max()),
        seeds=int(races["seeds"].max()),
        races=len(races),
        turned=verdicts.get("assumption unmet", 0),
        held=verdicts.get("holds", 0),
        refuted=verdicts.get("refuted", 0),
        open=verdicts.get("inconclusive", 0),
        training=_training(races),
        collapse=_collapse(maps),
    )


def _place(row: pd.Series) -> str:
    """Where on the map, and by how much."""
    dials = f"p_1 = {row['success']}, ratio {row['success_ratio']}, coupling {row['coupling']}"
    size = f"K = {row['components']:.0f}, G = {row['group_size']:.0f}"
    return f"{dials}, {size} ({row['gain_lead']:.1%} of the larger gain)"


def _shares(maps: pd.DataFrame) -> str:
    """For each K, success and G: in how much of the grid decomposing gains more, and e is right."""
    cells = maps.groupby(["components", "success", "group_size"])
    table = cells["gain_lead"].agg(
        ahead=lambda x: f"{(x > 0).mean():.0%}",
        least=lambda x: f"{x.min():.1%}",
        most=lambda x: f"{x.max():.1%}",
    )
    table["as_e"] = cells["verdict"].agg(lambda x: f"{(x == 'holds').mean():.0%}")
    names = {
        "components": "K",
        "success": "success of the first",
        "group_size": "G",
        "ahead": "decomposed gains more in",
        "least": "by, least",
        "most": "most",
        "as_e": "e says who in",
    }
    return markdown(table.reset_index().rename(columns=names).astype({"K": int, "G": int}))


def _training(races: pd.DataFrame) -> str:
    names = {
        "group_size": "G",
        "success_ratio": "ratio",
        "coupling": "coupling",
        "lead_at_start": "e_dec - e_joint at the start",
        "turns_at": "e turns at step",
        "observed": "J behind by e, minus J ahead",
        "lower": "lower limit",
        "upper": "upper limit",
        "verdict": "verdict",
    }
    turns = races["turns_at"].map(lambda t: "never" if pd.isna(t) else f"{t:.0f}")
    table = races.assign(turns_at=turns)[list(names)].rename(columns=names)
    return markdown(table.astype({"G": int}).round(4))


def _collapse(maps: pd.DataFrame) -> str:
    kind = maps.groupby(["components", "group_size"])
    orders = ("distinct_joint", "distinct_decomposed")
    table = pd.DataFrame(
        {name.removeprefix("distinct_"): kind[name].apply(span) for name in orders}
    )
    names = {"components": "K", "group_size": "G", "joint": "sum, then normalise"}
    names["decomposed"] = "normalise, then sum"
    return markdown(table.reset_index().rename(columns=names).astype({"K": int, "G": int}))

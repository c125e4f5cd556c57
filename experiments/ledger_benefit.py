"""The ledger's part on T2.benefit."""

import pandas as pd

from experiments.markdown import markdown, span

BENEFIT = """
**T2.benefit.** With the step chosen best, one update with mean m and variance V gains at least
e/(2L), e = max(0, <grad J, m>)^2/(|m|^2 + V). Exactly, on `outcomes` (one decision, all reward
vectors), in {maps} cells of correlation, ratio of success probabilities, G and K: the guarantee
never exceeds the exact gain, and 1 % of the best step ranks the estimators as e does in all {clear}
cells where e differs by more than 1 %; in {close} it differs by less. At the whole best step the
ranking by exact gain differs from that by e in {turned} cells, all with e within {within:.1%}.

{shares}

In practice: neither order wins everywhere. Decomposed is furthest ahead ({best}) and furthest
behind ({worst}); the region in which it is ahead moves with G and K.

**Confirmed by training**, the best step at every policy, both estimators on the same episodes,
{steps} updates: of {races} races {significant} end with a significant difference; in {agree} of
them the sign is that of e at the start. The others:

{disagreements}

e speaks of the policy where it is taken. In {explained} of the {disagree} disagreements e ranks the
estimators otherwise at some policy on the way, and the row's assumption is unmet; {unexplained}
would refute the claim.

**Batch normalisation** (TRL's `normalize_then_sum`, {prompts} groups of {group} in an update; e by
sampling, with its standard error; e of the others exact, ddof = 1, eps = 1e-4):

{batch}

**Signal collapse**: expected number of different advantages in a group, by the order of the two
steps:

{collapse}

![Who is ahead](results/paper/figures/t2_phase.png)
"""


def benefit(data: pd.DataFrame) -> str:
    """From the rows of T2.benefit."""
    maps = data[(data["where"] == "one update") & (data["instance"] == "outcomes")]
    races, batch = (data[data["where"] == w] for w in ("training", "batch normalisation"))
    turned = maps[(maps["lead"] * maps["gain_lead"]) < 0]
    decided = races[~races["note"].str.startswith("not significant")]
    against = decided[decided["agrees"].astype(str) == "False"]
    return BENEFIT.format(
        maps=len(maps),
        clear=(maps["verdict"] == "holds").sum(),
        close=(maps["verdict"] == "assumption unmet").sum(),
        turned=len(turned),
        within=turned["lead"].abs().max() if len(turned) else 0.0,
        shares=_shares(maps),
        best=_place(maps.sort_values("lead").iloc[-1]),
        worst=_place(maps.sort_values("lead").iloc[0]),
        steps=int(races["n_steps"].max()),
        races=len(races),
        significant=len(decided),
        agree=len(decided) - len(against),
        disagree=len(against),
        disagreements=_disagreements(against),
        explained=against["turns_at"].notna().sum(),
        unexplained=int(against["turns_at"].isna().sum()),
        batch=_batch(batch),
        prompts=int(batch["prompts"].max()) if len(batch) else 0,
        group=int(batch["group_size"].max()) if len(batch) else 0,
        collapse=_collapse(maps),
    )


def _place(row: pd.Series) -> str:
    """Where on the map, and by how much."""
    dials = f"p_1 = {row['success']}, ratio {row['success_ratio']}, coupling {row['coupling']}"
    size = f"K = {row['components']:.0f}, G = {row['group_size']:.0f}"
    return f"{row['lead']:.0%} of e at {dials}, {size}"


def _region(cells: pd.DataFrame) -> str:
    """The ratios at which decomposed is ahead when the components are independent."""
    ahead = cells[(cells["coupling"] == 0) & (cells["lead"] > 0)]["success_ratio"]
    return ", ".join(f"{x:g}" for x in sorted(ahead)) or "none"


def _shares(maps: pd.DataFrame) -> str:
    """For each K, success and G: in how much of the grid decomposing is ahead."""
    kind = ["components", "success", "group_size"]
    cells = maps.groupby(kind)
    table = cells["lead"].agg(
        ahead=lambda x: f"{(x > 0).mean():.0%}",
        least=lambda x: f"{x.min():.1%}",
        most=lambda x: f"{x.max():.1%}",
    )
    table["where"] = [_region(cell) for _, cell in cells]
    names = {
        "components": "K",
        "success": "success of the first",
        "group_size": "G",
        "ahead": "decomposed ahead in",
        "least": "e_dec against e_joint, least",
        "most": "most",
        "where": "ahead, independent components, at ratios",
    }
    return markdown(table.reset_index().rename(columns=names).astype({"K": int, "G": int}))


def _disagreements(against: pd.DataFrame) -> str:
    if against.empty:
        return "none."
    names = {
        "group_size": "G",
        "success_ratio": "ratio",
        "coupling": "coupling",
        "lead_at_start": "e_dec - e_joint at the start",
        "observed": "J difference at the end",
        "turns_at": "e turns at step",
    }
    table = against[list(names)].rename(columns=names).astype({"G": int}).round(4)
    return markdown(table)


def _batch(batch: pd.DataFrame) -> str:
    names = {
        "success_ratio": "ratio",
        "coupling": "coupling",
        "e_whitened": "e whitened",
        "e_whitened_error": "error",
        "e_decomposed": "e decomposed",
        "e_joint": "e joint",
        "verdict": "verdict",
    }
    return markdown(batch[list(names)].rename(columns=names).round(5))


def _collapse(maps: pd.DataFrame) -> str:
    kind = maps.groupby(["components", "group_size"])
    orders = ("distinct_joint", "distinct_decomposed")
    table = pd.DataFrame(
        {name.removeprefix("distinct_"): kind[name].apply(span) for name in orders}
    )
    names = {"components": "K", "group_size": "G", "joint": "sum, then normalise"}
    names["decomposed"] = "normalise, then sum"
    return markdown(table.reset_index().rename(columns=names).astype({"K": int, "G": int}))

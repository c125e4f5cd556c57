"""What the ledger says of T1.own."""

from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import Table, having, outcome, table
from grpo_checks.experiments.storage.text import span


def cycles(data: Table, drawn: Table) -> Facts:
    """Of T1.own and T1.cycle: floors for every T, centres, what was measured, and who arrives."""
    refuted = data[(data["evidence"] == "certified") & (data["verdict"] == "refuted")]
    edge = refuted.reindex(columns=["edge"])["edge"].notna()
    floors, centres, edges = (
        refuted[known]
        for known in (refuted["reach"].notna(), refuted["reach"].isna() & ~edge, edge)
    )
    sampled = data[data["evidence"] == "statistical"]
    ascents, left = having(data, "holds"), having(data, "inconclusive")
    headings = (
        "instance | reach: c | field: average of the square of | observed: at least, every T | "
        "measured | measured_steps: at T ="
    )
    around = (
        "instance | group_size: G | difference: logit difference | frequency | "
        "observed: |grad J|^2 there"
    )
    between = (
        "instance | group_size: G | edge: actions | chance: chance of the first | "
        "reached: run from the start | observed: |grad J|^2 there"
    )
    trained = (
        "instance | estimator | n_steps: T | periods | observed: average of |grad J|^2 | bound | "
        "verdict"
    )
    exact = ascents[ascents["evidence"] == "exact"]
    return {
        "table": table(
            floors.assign(measured_steps=floors["measured_steps"].astype(int)), headings
        ),
        "ascents": f"{', '.join(sorted({*exact['estimator']}))} ({len(exact)} cells)",
        "sampled": table(sampled.assign(n_steps=sampled["n_steps"].astype(int)), trained),
        "centres": table(centres, around) if len(centres) else "none",
        "edges": table(edges, between) if len(edges) else "none",
        "without": _by_instance(data[data["zeros"] == 0] if "zeros" in data else left[:0]),
        "larger": _larger(left),
        "ring": outcome(drawn),
        "use": span(1 / drawn["ratio"]),
    }


def _by_instance(data: Table) -> str:
    """Instances with the group sizes of their rows."""
    return ", ".join(
        f"`{name}` (G = {', '.join(f'{size:.0f}' for size in sorted(rows['group_size']))})"
        for name, rows in data.groupby("instance")
    )


def _larger(data: Table) -> str:
    """What is left of the average when a run is ten times as long."""
    left = data["observed"] / data["shorter"]
    return ", ".join(
        f"{share:.2f} (`{name}`, G = {size:.0f})"
        for share, name, size in zip(left, data["instance"], data["group_size"], strict=True)
    )

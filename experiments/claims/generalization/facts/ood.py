"""What the ledger says of T3.ood."""

from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.tables import IDENTITY, labels
from grpo_checks.experiments.runs.words import Table, count, table


def ood(data: Table) -> Facts:
    """Of T3.ood: bound over exact target risk, where the bound says anything."""
    exact = data[data["shown_risk"].notna() & (data["bound"] < 1)]
    cells = exact.groupby("bound_name", sort=False)["ratio"]
    ratios = cells.agg(cells="size", median="median", largest="max").reset_index()
    return {
        "holds": count(data, "holds"),
        "vacuous": labels(data).count("vacuous"),
        "identities": labels(data).count(IDENTITY),
        "unmet": count(data, "assumption unmet"),
        "table": table(ratios.rename(columns={"bound_name": "bound"}), digits=4),
    }

"""What the ledger says of T2.global."""

from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import Table


def global_maximum(data: Table) -> Facts:
    """Of T2.global: the classes, and the largest share of the bound that is lost."""
    live = data[data["verdict"] != "vacuous"]
    names = live.groupby("instance", sort=False)["policies"].first()
    return {
        "cells": len(live),
        "classes": "; ".join(f"`{name}` ({policies})" for name, policies in names.items()),
        "policies": int(live["cells"].max()),
        "largest": f"{(live['observed'] / live['bound']).max():.5f}",
    }

"""The ledger's part on KL-regularised maximisers and their recurrence (arXiv:2503.06639)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from grpo_checks.experiments.ledger.summary import outcome
from grpo_checks.experiments.storage.text import instances, markdown

AMPLIFICATION = """
**L.amplification** (2503.06639) {outcome}, in {cells} cells on {instances}: the success
probability of the exact maximiser, by backward induction, is the recurrence's (largest difference
{rounding:.0e}), and gradient ascent over logits ends at the same place ({ascents} cells, within
Pinsker's bound). It is a statement about models without chance of their own.

**L.tools** (derived) {tools_outcome}. Where tools answer at random, a policy cannot tilt their
answers, and the recurrence is only an upper bound: exact over bound is down to {share:.0%} on
{tools}. In practice: expect less amplification of what depends on the environment than of what the
model decides alone.

**L.convergence** {scan_outcome}. The recurrence converges from p_ref >= 1/2 (proved), and settled
in {settled} of {scanned} cells; |h'| at the end was at most {slope:.2f} there. It does not
converge in the following {cycling}, where two disjoint intervals are mapped into each other
(certified in ball arithmetic; `distance` is what consecutive iterates differ by, at least, for
ever):

{cycles}

The start matters: with p_ref = {start:.4g}, beta = {penalty:.4g}, eps = 0, exactly: {whole}. In
practice: if every step is solved to its optimum, hard prompts may oscillate between failing and
succeeding. Cycles were met at penalties from {least:.2g} to {most:.2g} and p_ref up to
{easiest:.2g}; no penalty is safe (derived): smaller ones cycle at harder prompts, {smaller}.
"""


def held(data: pd.DataFrame) -> pd.DataFrame:
    """The cells that hold."""
    return data[data["verdict"] == "holds"]


def amplification(by_claim: Mapping[Any, pd.DataFrame]) -> str:
    """From the rows of L.amplification, L.tools and L.convergence."""
    true, scan = held(by_claim["L.amplification"]), by_claim["L.convergence"]
    exactly = true[true["method"] == "tilting"]
    settled, cycles = held(scan), scan[scan["verdict"] == "refuted"]
    lattice = scan[scan["note"].str.startswith("exact: ")].iloc[0]
    tools = by_claim["L.tools"]
    names = {"reference": "p_ref", "beta": "beta", "eps": "eps", "observed": "distance"}
    return AMPLIFICATION.format(
        cells=len(exactly),
        outcome=outcome(by_claim["L.amplification"]),
        tools_outcome=outcome(tools),
        scan_outcome=outcome(scan),
        instances=instances(exactly),
        rounding=(exactly["observed"] - exactly["bound"]).abs().max(),
        ascents=(true["method"] == "ascent").sum(),
        share=(tools["observed"] / tools["bound"]).min(),
        tools=instances(tools),
        settled=len(settled),
        scanned=len(scan) - 1,
        slope=settled["map_slope"].abs().max(),
        cycling=f"{len(cycles)} cells" if len(cycles) != 1 else "cell",
        cycles=markdown(cycles[list(names)].rename(columns=names), digits=5),
        start=lattice["reference"],
        penalty=lattice["beta"],
        whole=lattice["note"].removeprefix("exact: "),
        least=cycles["beta"].min(),
        most=cycles["beta"].max(),
        easiest=cycles["reference"].max(),
        smaller=_hardest(cycles),
    )


def _hardest(cycles: pd.DataFrame) -> str:
    """The cycle at the smallest penalty, in words."""
    row = cycles.sort_values("beta").iloc[0]
    return f"as beta = {row['beta']:.2g} does at p_ref = {row['reference']:.2g}"

"""The ledger's section on Theorem 3, every number from the rows: coverage and tightness."""

import numpy as np
import pandas as pd

from grpo_checks.experiments.ledger.summary import outcome
from grpo_checks.experiments.ledger.theorems import theorem3_transfer as transfer
from grpo_checks.experiments.storage.text import markdown, span

INTRO = """
### Theorem 3 in detail

**What is checked.** The published bounds in `theory/generalization/pac_bayes.py`, on learning
problems whose tasks are the prompts of a model: 1 - J_q/R_max is the exact loss of a policy on a
task. The sample enters only through the counts of task types, so that the probability that a bound
fails is a finite sum (`theory/generalization/coverage.py`): no Monte Carlo, no asymptotics.
"""

COVERAGE = """
**T3.coverage** {outcome}, in {holds} cells; it is vacuous in {vacuous} (a bound of 1
whatever the sample). {cells} settings of instance, n up to {largest}, delta and temperature of a
Gibbs posterior, each with {bounds} bounds; failure probabilities relative to delta, and mean
offset over the oracle offset:

| bound | largest failure/delta | offset/oracle, median | mean bound, median |
| --- | --- | --- | --- |
{table}

Against the worst posterior of each sample, found by ascent, the probability that some Q breaks a
bound is at most {worst:.2g} at delta = {worst_delta}, and change of measure allows no Q more than
{gap:.1g} above that. For one policy chosen beforehand, at the law where
its bound forgets most, the failure probability is delta/xi(n) for kl-xi, delta/(2 sqrt n) for
kl-2sqrt(n), and delta itself for the Chernoff and the binomial-tail bound (largest relative
difference from these: {closed:.0e}). A failure rate far below delta proves nothing by itself:
leaving ln(2 sqrt n) out cannot be seen by coverage on these problems; value oracles catch it
(`tests/theory/generalization/test_pac_bayes.py`). The smallest change of kl-xi that the exact check
can see is nats that fall below {seen:.0%} of their value (n = {seen_n}). In the Chernoff and the
binomial-tail bound, which hold for one policy chosen beforehand and are no PAC-Bayes bounds, it
sees any. The mutants halved exponent, log10 for ln, KL dropped, posterior as prior, episodes as
tasks and losses in {{0,2}} are refuted (a test runs them). {sampled}
"""

TIGHT = """
**T3.tightness** {outcome}, in {holds} cells: kl-xi <= kl-2sqrt(n) <= McAllester, lambda. The oracle
offset is the exact 95 % quantile of L_S(Q) - Lhat(Q); mean offset over it on `specialists`
(3 task types, 50 policies, Gibbs posterior, temperature 1):

{table}

Where the nats of kl-xi go there, on average over samples:

{nats}

The *oracle* column is what a bound with the oracle offset would ask for; the factor above is about
the root of budget over oracle. Of its steps {dearest} cost most; ln xi(n) is paid in part for
nothing, since these losses are not the worst Bernoulli ones. Catoni's bound pays no ln xi(n), and
its constant happens to suit this problem. Priors learned from a part of the tasks reach {split}
(from 1/10 of them) and {half} (from 1/2), where kl-xi has {plain}: the divergence of 50 policies
is at most ln 50 nats, so that a learned prior has little to gain. With all deterministic policies
({policies} distinct ones) kl-xi has {crowd_plain}, and {crowd_split} with the prior from 1/10. The
recursive bound with two stages has {recursive} on `specialists`: it pays for three bounds on its
excess loss, and so few tasks do not repay that.
"""


STEPS = ("used", "jensen", "change_of_measure", "markov", "bernoulli")
"""The parts of the budget of kl-xi, see ``theory.generalization.proof_slack``."""


def section(rows: pd.DataFrame) -> str:
    """The whole section; empty where the rows have nothing of Theorem 3."""
    by_claim = {str(name): data for name, data in rows.groupby("claim")}
    if "T3.coverage" not in by_claim:
        return ""
    parts = [INTRO, _coverage(by_claim["T3.coverage"]), _tightness(by_claim["T3.tightness"])]
    return "".join([*parts, transfer.section(by_claim)])


def _coverage(data: pd.DataFrame) -> str:
    gibbs = data[data["oracle_offset"].notna() & (data["posterior"] == "Gibbs")]
    worst = data[data["posterior"] == "worst"]
    given = data[data["closed_form"].notna()]
    return COVERAGE.format(
        outcome=outcome(data),
        bounds=gibbs["bound_name"].nunique(),
        worst_delta=", ".join(f"{x:g}" for x in worst["delta"].unique()),
        holds=(data["verdict"] == "holds").sum(),
        vacuous=(data["verdict"] == "vacuous").sum(),
        cells=len(gibbs.drop_duplicates(["instance", "types", "n_tasks", "delta", "temperature"])),
        largest=int(gibbs["n_tasks"].max()),
        table="\n".join(
            _line(str(name), cells) for name, cells in gibbs.groupby("bound_name", sort=False)
        ),
        worst=worst["observed"].max(),
        gap=(worst["upper"] - worst["observed"]).max(),
        closed=(given["observed"] / given["closed_form"] - 1).abs().max(),
        **_smallest_change(given),
        sampled=_sampled(data[data["observed"] < data["upper"]]),
    )


def _smallest_change(given: pd.DataFrame) -> dict[str, float]:
    """Nats x with exp(-f x) = delta, as a share f of ln(xi/delta): the largest f over n."""
    cells = given[given["bound_name"] == "kl-xi"]
    share = np.log(cells["delta"]) / np.log(cells["closed_form"])
    return {"seen": share.max(), "seen_n": int(cells["n_tasks"][share.idxmax()])}


def _line(name: str, cells: pd.DataFrame) -> str:
    failing = (cells["observed"] / cells["delta"]).max()
    return (
        f"| {name} | {failing:.2g} | {cells['tightness'].median():.3g} | "
        f"{cells['mean_bound'].median():.3g} |"
    )


def _sampled(cells: pd.DataFrame) -> str:
    cells = cells[cells["posterior"].str.contains("draws")]
    if cells.empty:
        return ""
    cell = cells.iloc[0]
    return (
        f"One cell is sampled ({cell['posterior']}): failure probability at most "
        f"{cell['upper']:.2g} at the family-wise level."
    )


def _tightness(data: pd.DataFrame) -> str:
    cells = data[data["nats used"].notna() & (data["instance"] == "specialists")]
    plain = cells[(cells["policy_class"] == "sampled") & (cells["temperature"] == 1)]
    crowd = cells[(cells["policy_class"] == "deterministic")]
    names = [str(c) for c in cells]
    ratios = [c for c in names if c.startswith("tightness ") and " 1/" not in c]
    learned = plain[plain["tightness split 1/10"].notna()]
    return TIGHT.format(
        outcome=outcome(data),
        dearest=_dearest(plain),
        holds=(data["verdict"] == "holds").sum(),
        table=_table(plain, ratios, "tightness "),
        nats=_table(plain, [c for c in names if c.startswith("nats ")], "nats "),
        split=span(learned["tightness split 1/10"]),
        half=span(learned["tightness split 1/2"]),
        plain=span(learned["tightness kl-xi"]),
        policies=int(crowd["policies"].max()),
        crowd_plain=span(crowd["tightness kl-xi"]),
        crowd_split=span(crowd["tightness split 1/10"]),
        recursive=span(learned["tightness recursive 1/10"]),
    )


def _dearest(cells: pd.DataFrame) -> str:
    """The two steps of the proof that take most nats, at each n."""
    parts = cells.set_index("n_tasks")[[f"nats {step}" for step in STEPS]]
    pairs = {
        n: " and ".join(
            str(c).removeprefix("nats ").replace("_", " ") for c in nats.nlargest(2).index
        )
        for n, nats in parts.iterrows()
    }
    if len(set(pairs.values())) == 1:
        return next(iter(pairs.values()))
    return "; ".join(f"{pair} (n = {n:.0f})" for n, pair in pairs.items())


def _table(cells: pd.DataFrame, columns: list[str], prefix: str) -> str:
    names = {c: c.removeprefix(prefix).replace("_", " ") for c in columns}
    chosen = cells[["n_tasks", *columns]].rename(columns={"n_tasks": "n", **names}).round(2)
    return markdown(chosen.astype({"n": int}))

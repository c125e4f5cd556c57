"""The ledger's section on Theorem 3, continued: transfer, depth, false bounds, Visual-ARFT."""

from collections.abc import Mapping

import pandas as pd

from experiments.markdown import markdown, span

OOD = """
**T3.ood** holds in {holds} cells, is vacuous in {vacuous} and has its assumption unmet in {unmet}
(importance weights for types that the source never shows). Target laws move from the source to its
rarest type, then to types that the source lacks. Bound over exact target risk, for the policy with
the least slack, where the bound says anything:

{table}

In practice: no number of training tasks enters these terms. What is new in the target must be
bounded by what is known of it: osc(l) TV is the least that a TV allows; with TV near 1 nothing is
left. The importance-weighted bound needs the weights, and pays their maximum.

**T3.depth** holds in {depth} cells. On `relay` 1 % of tool calls fail in the target only. Where a
failure is final the {final} (fitted); where the next call repairs it, the {repaired}, and the bound
is loose by a factor D. The product form 1 - (1 - max TV)^D (derived) is attained.
"""

FALSE = """
**T3.shift** is refuted, in exact arithmetic. The appendix's equation (as reported) divides the
shift term by sqrt n: more *source* tasks would bring the *target* closer. One policy that fails on
hard tasks only, target all hard, delta = {delta}:

{swept}

With the undivided term sqrt(KL/2) the largest failure probability in the same settings is
{undivided:.2g}. In practice: sqrt(KL(D_T,D_S)/2n) must not be used; the distance between
environments does not shrink with the sample.

**T3.klorder**: kl(L_T, L_S) <= KL(D_T, D_S) is true (data processing), and false with D_S and D_T
swapped on the right; it rests on certified cases alone.
"""

ARFT = """
**T3.visual_arft**: can Theorem 3 explain the transfer that Visual-ARFT (arXiv:2505.14246) shows?
Neither KL(Q,P) nor the training score nor TV is published, so that no cell can come out as *holds*.
With the benchmark's own score in place of the training score, delta = 0.05 and TV = 0, the kl-xi
bound certifies more than the base model's score only below the following KL, for the numbers of
tasks that the models were trained on (negative: for no posterior at all):

{table}

*bits* are per training task; *TV* is the distance between training and test tasks that uses up the
margin of KL = 0; *explains* is the least KL at which the bound stops contradicting the observed
score if the training loss were 0; *n* the number of tasks at which KL = 10 and 1000 nats would do;
*fresh* the risk that the test set itself certifies.

{verdict}
"""

ANSWER = """Plainly: **no, not at these sample sizes.** At n = 20 tasks the bound is vacuous in
{few} of {few_all} search cells, and in the others it holds only for a posterior within
{few_best:.3g} nats of the base model, {few_bits:.2g} bits per task; at n = 63 samples, which are
not independent tasks, in {many} of {many_all}. The margin at n = 20 is used up by a TV of
{variation:.2g} or less, and the benchmarks are other data sets: a TV near 1 is the honest guess,
and there the bound says nothing. A policy fine-tuned in billions of parameters is not known to lie
within a few nats of its prior; at 1000 nats {tasks} tasks would be needed. A perfect training score
would leave room for at most {perfect:.3g} nats at n = 20, {perfect_bits:.2g} bits per task. The
coding models, with 1200 tasks and tested in distribution, have room for {coding}. What is certain
is the improvement itself, by the test sets: the bound on fresh tasks, at 95 % each, lies below the
base model's loss in {certain} of {cells} cases. The transfer is observed, and Theorem 3 does not
explain it."""


def section(by_claim: Mapping[str, pd.DataFrame]) -> str:
    """From the rows of each claim."""
    parts = [_ood(by_claim["T3.ood"], by_claim["T3.depth"])]
    parts += [_false(by_claim["T3.shift"])]
    return "".join([*parts, _arft(by_claim["T3.visual_arft"])])


def _ood(data: pd.DataFrame, depth: pd.DataFrame) -> str:
    exact = data[data["shown_risk"].notna() & (data["bound"] < 1)]
    cells = exact.groupby("bound_name", sort=False)["ratio"]
    table = cells.agg(cells="size", median="median", largest="max").round(3).reset_index()
    grown = {k: depth[depth["kind"] == f"exponent {k}"]["note"].iloc[0] for k in (1, 0)}
    return OOD.format(
        holds=(data["verdict"] == "holds").sum(),
        vacuous=(data["verdict"] == "vacuous").sum(),
        unmet=(data["verdict"] == "assumption unmet").sum(),
        table=markdown(table.rename(columns={"bound_name": "bound"})),
        depth=(depth["verdict"] == "holds").sum(),
        final=grown[1].replace("proportional to", "grows as"),
        repaired=grown[0].replace("proportional to", "grows as"),
    )


def _false(swept: pd.DataFrame) -> str:
    names = {"n_tasks": "n", "hard": "D_S(hard)", "note": "failure", "verdict": "verdict"}
    return FALSE.format(
        swept=markdown(swept[list(names)].rename(columns=names).astype({"n": int})),
        delta=", ".join(f"{x:g}" for x in swept["delta"].unique()),
        undivided=swept["failure_undivided"].max(),
    )


def _columns(cells: pd.DataFrame, perfect: pd.DataFrame) -> pd.DataFrame:
    """The table: one line per model, benchmark, metric and number of tasks."""
    keys = ["model", "benchmark", "metric", "n_tasks"]
    other = perfect.set_index(keys)["smallest_explaining"]
    found = pd.DataFrame(
        {
            "model": cells["model"],
            "benchmark": cells["benchmark"],
            "metric": cells["metric"],
            "n_train": cells["n_tasks"].astype(int),
            "base loss": cells["base_loss"].round(3),
            "loss": cells["tuned_loss"].round(3),
            "largest KL": cells["observed"].round(1),
            "bits": cells["bits_per_task"].round(2),
            "TV": cells["spare_variation"].round(2),
            "explains": [round(other[tuple(key)], 1) for key in cells[keys].to_numpy()],
            "n at 10": [_count(x) for x in cells["tasks at KL=10"]],
            "n at 1000": [_count(x) for x in cells["tasks at KL=1000"]],
            "fresh": cells["fresh_bound"].round(3),
            "verdict": cells["verdict"],
        }
    )
    return found


def _count(value: float) -> str:
    return f"{int(value):,}" if value < 1e8 else "none"


def _arft(data: pd.DataFrame) -> str:
    trained = data[data["trained_on"].astype(str) == "True"]
    cells, perfect = (trained[trained["train_loss"] == k] for k in ("observed", "perfect"))
    search = cells[cells["training"].str.startswith("search")]
    few, many = (search[search["n_tasks"] == n] for n in (20, 63))
    larger = cells[cells["n_tasks"] == 1200]
    coding = larger[larger["observed"] > 0]
    best = perfect[perfect["n_tasks"] == 20]
    each = cells.drop_duplicates(["model", "benchmark", "metric"])
    answer = ANSWER.format(
        few=(few["verdict"] == "vacuous").sum(),
        few_all=len(few),
        few_best=few["observed"].max(),
        few_bits=few["bits_per_task"].max(),
        many=(many["verdict"] == "vacuous").sum(),
        many_all=len(many),
        variation=few["spare_variation"].max(),
        tasks=f"{int(few['tasks at KL=1000'].min()):,} to {int(few['tasks at KL=1000'].max()):,}",
        perfect=best["observed"].max(),
        perfect_bits=best["bits_per_task"].max(),
        coding=f"{span(coding['observed'])} nats in {len(coding)} of {len(larger)} cells",
        certain=(each["fresh_bound"] < each["base_loss"]).sum(),
        cells=len(each),
    )
    return ARFT.format(table=markdown(_columns(cells, perfect)), verdict=answer)

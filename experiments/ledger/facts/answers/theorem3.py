"""Facts of the answer to Theorem 3: four questions."""

from grpo_checks.experiments.claims.generalization.facts.coverage import failures, nearest
from grpo_checks.experiments.claims.generalization.facts.tightness import bets
from grpo_checks.experiments.claims.generalization.facts.visual_arft import visual_arft
from grpo_checks.experiments.claims.generalization.shift import certain_failure
from grpo_checks.experiments.protocol.claim import Facts, overall
from grpo_checks.experiments.runs.words import Table, count
from grpo_checks.experiments.storage.text import span

VERDICTS = ("holds", "holds", "holds", "refuted", "vacuous")


def in_short(
    coverage: Table,
    tightness: Table,
    ood: Table,
    shift: Table,
    published: Table,
) -> Facts | None:
    """From the rows of T3.coverage, T3.tightness, T3.ood, T3.shift and T3.visual_arft.

    None where a verdict is not the one that the sentences say, or a number is missing.
    """
    checked = (coverage, tightness, ood, shift, published)
    sharper = bets(tightness)
    if tuple(overall(list(data["verdict"])) for data in checked) != VERDICTS or sharper is None:
        return None
    plain = tightness[tightness["policy_class"].eq("sampled") & tightness["temperature"].eq(1)]
    plain = plain[plain["instance"].eq("specialists") & plain["nats used"].notna()]
    telling = ood[ood["shown_risk"].notna() & (ood["bound"] < 1)]
    models = visual_arft(published)
    return {
        "holds": count(failures(coverage), "holds"),
        **nearest(coverage),
        **certain_failure(shift),
        "plain": span(plain["tightness kl-xi"]),
        "betting": f"a betting mixture lowers it by a factor of {sharper['ratio']}",
        "ood": span(telling.groupby("bound_name")["ratio"].median()),
        **{name: models[name] for name in ("smallest", "few", "few_all", "fresh", "cells")},
    }

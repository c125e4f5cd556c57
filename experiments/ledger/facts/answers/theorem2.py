"""Facts of the answer to Theorem 2: five sentences."""

from grpo_checks.experiments.claims.benefit.facts import longest_for_both
from grpo_checks.experiments.claims.benefit.rules import ALWAYS, TRUE, judged, rankings
from grpo_checks.experiments.claims.decomposition.facts import attained, factors
from grpo_checks.experiments.protocol.claim import Facts, overall
from grpo_checks.experiments.runs.words import Table, having
from grpo_checks.experiments.storage.text import counts, span

VERDICTS = (*["holds"] * 5, "refuted", "holds")
REFUTED = ("T2.shared", "T2.bridge")


def answer(
    identity: Table,
    potential: Table,
    kappa: Table,
    zero: Table,
    maximum: Table,
    benefit: Table,
    curl: Table,
    cases: Table,
) -> Facts | None:
    """From the rows of T2.identity, T2.potential, T2.kappa, T2.zero, T2.global, T2.benefit and
    T1.curl, and from all cases.

    None where a verdict is not the one that the sentences say, or a number is missing.
    """
    checked = (identity, potential, kappa, zero, maximum, benefit, curl)
    verdicts = tuple(overall(list(data["verdict"])) for data in checked)
    false = [having(cases[cases["claim"] == name], "refuted") for name in REFUTED]
    graded = having(curl[(curl["components"] == 1) & (curl["distinct_rewards"] == 3)], "holds")
    if verdicts != VERDICTS or graded.empty or any(x.empty for x in false):
        return None
    wrong = rankings(benefit)[0].set_index("rule")["all"]
    if wrong[ALWAYS] >= wrong[TRUE]:
        return None
    led_away, live, shares = false[0], maximum[maximum["bound"] > 0], factors(kappa)
    first = led_away[led_away["case"].str.endswith("G = 4")].iloc[0]
    cells = judged(benefit).cells
    return {
        **attained(kappa),
        "losses": ", ".join(f"{loss:.1%} (G = {size})" for size, loss in shares.items()),
        "classes": len(live),
        "used": f"{(live['observed'] / live['bound']).max():.5f}",
        "lost": f"{first['observed']:.3f}",
        "share": f"{first['observed'] * shares[4] / first['bound']:.0%}",
        "allowed": f"{first['bound']:.3f}",
        "led_away": len(led_away),
        "curls": counts(graded["group_size"]),
        "asymmetry": span(graded["observed"]),
        "wrong": int(wrong[TRUE]),
        "starts": len(cells),
        "better": len(cells) - int(wrong[ALWAYS]),
        "longest_step": longest_for_both(cells),
    }


def in_short(*tables: Table) -> Facts | None:
    """Of the same: four questions. None where ``answer`` is."""
    facts = answer(*tables)
    names = (
        *("losses", "lost", "share", "allowed", "sharp", "points", "typical", "used"),
        *("wrong", "starts", "better", "longest_step"),
    )
    return facts and {name: facts[name] for name in names}

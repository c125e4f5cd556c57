"""The first lines of an answer: what to use, what it gains, and when that is no advice on size."""

from collections.abc import Iterator

import pandas as pd

from grpo_checks.experiments.advice.choice import (
    BELOW,
    CLOSE,
    NAMES,
    PLAIN,
    chosen_row,
    compared,
    estimator_rows,
    near_sizes,
)
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.advice.recommended import best_row
from grpo_checks.experiments.storage.text import counts
from grpo_checks.theory.rules.presets import preset

NOTHING = (
    "Nothing can be learned here: no estimator and no group size has an update that is sure to "
    "raise J, since the rewards of a prompt do not vary, or what varies cancels."
)
SEEN = 5e-4
"""Of the signal: less prints as 0.0 %."""
SEVERAL = "Ask with several prompts, --prompts FILE.csv or a model that has them."


def one_prompt_line(table: pd.DataFrame, chosen: pd.Series, opening: str, hint: str) -> str:
    """With one prompt a larger group takes no other prompt's place: the trade is missing."""
    least = estimator_rows(table, chosen).iloc[0]
    lost = 1 - least["signal_per_episode"] / chosen["signal_per_episode"]
    return (
        f"{opening}: this is no advice on group size, since a larger group costs no other prompt "
        f"here ({counts(near_sizes(table, chosen))} within 5 %, {int(least['group_size'])} loses "
        f"{lost:.0%}). {hint}".rstrip()
    )


def use_line(
    table: pd.DataFrame, chosen: pd.Series, plan: Plan, trainer: str | None, sizes: str
) -> str:
    """The estimator and its sizes, beside the trainer and what has more signal with bias."""
    line = f"Use {NAMES[chosen['estimator']]}, groups of {sizes}, at {plan}"
    signal = chosen["signal_per_episode"]
    gains = []
    second = best_row(table, *(x for x in NAMES if x != chosen["estimator"]))
    if second is not None and second["signal_per_episode"] > (1 + SEEN) * signal:
        gains.append(f"{second['estimator']} would gain {_gain(second, signal)}")
    best = None if trainer is None else best_row(table, trainer)
    if trainer is not None and best is None:
        line += f"; what {trainer} has could not be computed"
    elif best is not None and not best["signal"] > 0:
        line += f"; {trainer} has no signal at all"
    elif trainer is not None and best is not None:
        size, ratio = int(best["group_size"]), signal / best["signal_per_episode"]
        its = f"{trainer} ({preset(trainer).trainer}) at its best size, {size}"
        if ratio >= 1 - SEEN:
            line += f": {compared(ratio, its)}"
        elif ratio >= 1 - CLOSE and chosen["estimator"] == PLAIN:
            gains.append(f"{its}, {_gain(best, signal)}")
        else:
            line += f"; {its} has {_gain(best, signal)} more: what it does need not be changed"
    return line + (f"; it is unbiased ({', '.join(gains)}: {BELOW})." if gains else ".")


def _gain(row: pd.Series, signal: float) -> str:
    return f"{100 * (row['signal_per_episode'] / signal - 1):.2g} %"


def ending_lines(table: pd.DataFrame, chosen: pd.Series) -> Iterator[str]:
    """Of a biased choice: one step is not where training ends, and what caution costs."""
    if chosen["estimator"] == PLAIN:
        return
    line = (
        "This ranks one step from here. Where training ends is what Theorem 1 is about: with "
        "several or graded rewards, advantages divided by a standard deviation need not end where "
        "J is best."
    )
    plain = best_row(table, PLAIN)
    if plain is not None and plain["signal"] > 0:
        lost = 1 - plain["signal_per_episode"] / chosen["signal_per_episode"]
        line += (
            f" If unsure leave the division out: {PLAIN}, groups of {int(plain['group_size'])}, "
            f"costs {lost:.1%} of the signal."
        )
    yield line


def use_lines_of_log(
    separate: pd.DataFrame, joined: pd.DataFrame, plan: Plan, kinds: int
) -> Iterator[str]:
    """What to use, with the sizes that are as good, and the best where prompts are alike."""
    chosen, alike = chosen_row(separate), chosen_row(joined)
    if chosen is None:
        yield NOTHING
        return
    if kinds == 1:
        yield one_prompt_line(separate, chosen, "One kind of prompt explains the log", "")
    near = near_sizes(separate, chosen)
    sizes = counts(near)
    if alike is not None and int(alike["group_size"]) not in near.to_list():
        sizes += f" ({int(alike['group_size'])} if prompts are alike)"
    yield use_line(separate, chosen, plan, None, sizes)
    yield from ending_lines(separate, chosen)

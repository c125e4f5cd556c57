"""T3.visual_arft: what Theorem 3 could say of the transfer that Visual-ARFT published.

KL(Q ‖ P), the score on the training tasks and TV are not published, so that no cell can hold. Per
(model, benchmark, metric) the benchmark's own score stands for the training score (*observed*), or
the training loss is 0 (*perfect*, the most that could be hoped for). A cell is *vacuous* where even
KL = 0 and TV = 0 certify no more than the base model's score, the named trivial bound; otherwise
its assumption is *unmet*: it needs KL below the number stored as ``observed``, which is compared
with ``bound`` = 0, the KL of a posterior that learned nothing. Rows for numbers of tasks that the
model was not trained on are hypothetical, and say so. A document has ``n``, ``delta``, ``train``
(loss on the training tasks) and ``base`` (that of the base model).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from flint import fmpq

from grpo_checks.experiments.claims.generalization.facts.visual_arft import (
    COUNTED,
    DELTA,
    visual_arft,
)
from grpo_checks.experiments.falsifier.constraints import inside, integer, interval
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import in_cells, not_on_models
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.generalization.maurer_constant import traced_xi
from grpo_checks.theory.generalization.plug_in import (
    fresh_limit,
    gain,
    smallest_explaining,
    spare_variation,
    tasks_needed,
)
from grpo_checks.theory.generalization.plug_in import largest_divergence as plug_in
from grpo_checks.theory.numbers.balls import Number
from grpo_checks.theory.numbers.counts import MAX_TASKS

NAME = "T3.visual_arft"
PUBLISHED = Path(__file__).parents[2] / "data" / "visual_arft.json"
TEXT = PUBLISHED.read_text(encoding="utf-8")
"""As it was when this was imported, which is what rows are addressed by."""
METRICS = ("F1", "EM")
ZERO = fmpq(0)
GIVEN = (10.0, 1000.0)
"""Divergences, in nats, for which the number of tasks that would do is stored."""


def sides(train: Any, base: Any, delta: Any, n: int, divergence: float = 0.0) -> tuple[Any, Any]:
    """The KL of a posterior that is said to be certified better, and the largest that is."""
    nats = jnp.log(traced_xi(n)) - jnp.log(delta)
    return jnp.asarray(divergence), n * gain(train, base) - nats


_largest = enclose(lambda point: sides(**point)[1])


def need(largest: Number, trained: bool = True) -> Decision:
    """Vacuous where not even KL = 0 certifies more than the base model's score."""
    if largest <= 0:
        why = "even KL = 0 certifies no more than the base model's score"
        return Decision(largest, ZERO, "vacuous", why)
    if not largest > 0:
        return Decision(largest, ZERO, "inconclusive")
    hypothetical = "" if trained else "hypothetical number of tasks; "
    why = f"needs KL(Q,P) below {float(largest):.3g} nats and TV = 0, neither published"
    return Decision(largest, ZERO, "assumption unmet", hypothetical + why)


def _unpublished(base: Any, trained: bool = True, **point: Any) -> Decision:
    if base == 1:
        raise ValueError(f"base = {base}: expected a loss below 1, so that KL is finite")
    return need(_largest({"base": base, **point}), trained)


_CERTIFIED = Statement(
    sides,
    Domain(
        {"delta": inside(), "train": interval(), "base": interval()},
        {"n": integer(1, MAX_TASKS)},
    ),
)
STATEMENT = replace(
    _CERTIFIED,
    exception=_unpublished,
    mutants={
        "10 nats": (
            "a posterior 10 nats from the base model said to be certified better",
            replace(_CERTIFIED, changed={"divergence": 10.0}),
        )
    },
)


def load(text: str = TEXT) -> dict[str, Any]:
    """The published numbers. Raises ValueError for another format or a score outside 0..100."""
    content: dict[str, Any] = json.loads(text)
    if content.get("format") != "visual-arft/1":
        raise ValueError(
            f"{PUBLISHED.name}: format = {content.get('format')!r}: expected visual-arft/1"
        )
    for model, table in content["scores"].items():
        for benchmark, scores in table.items():
            if not all(0 <= x <= 100 for x in scores):
                raise ValueError(f"scores.{model}.{benchmark} = {scores}: expected 0..100")
    return content


def sample_sizes(content: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """(training set, what was counted, n) in the order of the file."""
    for name, counted in content["training"].items():
        for kind, n in counted.items():
            yield name, kind, int(n)


def _numbers(train: float, base: float, tuned: float, n: int) -> dict[str, float]:
    """The plug-in numbers of one cell: losses of training, base model and tuned model."""
    largest = plug_in(train, base, n, DELTA)
    return {
        "bits_per_task": max(largest, 0.0) / log(2) / n,
        "spare_variation": spare_variation(train, base, n, DELTA),
        "smallest_explaining": smallest_explaining(train, tuned, n, DELTA),
        **{f"tasks at KL={k:g}": tasks_needed(train, base, k, DELTA) for k in GIVEN},
    }


def _decided(train: float, base: float, n: int, trained: bool, mutant: str | None) -> Decision:
    """In balls, from the published numbers as fractions."""
    document = {"n": n, "delta": DELTA, "train": round(train, 6), "base": round(base, 6)}
    if mutant is not None:
        return STATEMENT.decide(document, mutant)
    return _unpublished(trained=trained, **STATEMENT.domain.read(document))


def _rows(
    content: Mapping[str, Any], model: str, benchmark: str, metric: str, mutant: str | None
) -> list[Row]:
    place, rows = METRICS.index(metric), []
    scores, size = content["scores"], int(content["sizes"][benchmark])
    base, tuned = (1 - scores[m][benchmark][place] / 100 for m in (model, f"{model}+ARFT"))
    for training, counted, n in sample_sizes(content):
        trained = content["trained_for"][benchmark] == training
        for kind, train in (("observed", tuned), ("perfect", 0.0)):
            decision = _decided(train, base, n, trained, mutant)
            parameters = {
                "model": model,
                "benchmark": benchmark,
                "metric": metric,
                "n_tasks": n,
                "training": f"{training}, {counted}",
                "trained_on": trained,
                "train_loss": kind,
            }
            extra = {
                "base_loss": base,
                "tuned_loss": tuned,
                "fresh_tasks": size,
                "fresh_bound": fresh_limit(tuned, size, metric == COUNTED, DELTA),
                **_numbers(train, base, tuned, n),
            }
            _, low, high, limit = decision.numbers
            values = (low, low, high, limit, decision.verdict, decision.note, extra)
            rows.append(Row(NAME, "Visual-ARFT", parameters, *values, evidence="certified"))
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """One row per model, benchmark, metric, number of tasks and assumed training loss."""
    content = load()
    cells = [(m, b, k) for m in ("3B", "7B") for b in content["sizes"] for k in METRICS]
    return [row for cell in cells for row in _rows(content, *cell, scope.mutant)]


CLAIM = Claim(
    name=NAME,
    statement="the kl-xi bound certifies the published scores above the base model's (plug-in)",
    provenance="derived",
    expected="vacuous",
    proof=("grpo_checks.theory.generalization.plug_in",),
    figures=("t3_visual_arft",),
    facts={NAME: visual_arft},
    assumptions=(
        not_on_models("is about published scores, not about a model"),
        in_cells("KL(Q,P), training score and TV known: none is published"),
    ),
    rows=rows,
    exact=STATEMENT.exact(),
)

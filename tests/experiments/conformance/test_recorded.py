"""What trainers answered once, replayed against a second definition of every rule, in NumPy."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.batches.batch_advantages import in_batch
from helpers.batches.batch_oracle import episode_divisor

from grpo_checks.experiments.conformance.cases.catalogue import TRAINERS, cases_of
from grpo_checks.experiments.conformance.job import Answer
from grpo_checks.experiments.conformance.recorded import read_gradients
from grpo_checks.experiments.conformance.reference import Definition, closed_form, moments_of
from grpo_checks.experiments.conformance.report import Place, at_size, place
from grpo_checks.experiments.conformance.rounding import batch_tolerance
from grpo_checks.experiments.storage.table_file import read_table

RESULTS = Path(__file__).resolve().parents[3] / "results" / "conformance"
FILES = sorted(path for path in RESULTS.glob("*.npz") if path.stem.partition("-")[0] in TRAINERS)
PLACES: dict[str, Place] = {}


def _where(question):
    if question.model not in PLACES:
        PLACES[question.model] = place(question.model, 4)
    return at_size(PLACES[question.model], question.group_size)


def _within_groups(estimator, reward, weights):
    """(M, B, G): of groups alone, without a step over the batch."""
    if estimator.name == "componentwise_normalized":
        off = reward - reward.mean(2, keepdims=True)
        sd = reward.std(2, ddof=estimator.ddof, keepdims=True)
        varied = np.ptp(reward, 2, keepdims=True) > 0
        scaled = np.where(varied, off / (np.where(varied, sd, 1.0) + estimator.eps), 0.0)
        advantage = scaled @ weights
        return np.where(np.abs(advantage).max(2, keepdims=True) < 1e-9, 0.0, advantage)
    total = reward @ weights
    off = total - total.mean(2, keepdims=True)
    if estimator.name == "leave_one_out":
        return off * total.shape[2] / (total.shape[2] - 1)
    if estimator.name != "group_normalized":
        return off
    sd = total.std(2, ddof=estimator.ddof, keepdims=True)
    varied = np.ptp(total, 2, keepdims=True) > 1e-12
    return np.where(varied, off / (np.where(varied, sd, 1.0) + estimator.eps), 0.0)


def _definition(where, rule):
    episodes, members = where.episodes, where.batches.members
    action = episodes.is_token & episodes.is_action
    decisions = action.sum(1).astype(float)[members]
    reward = episodes.reward[members]
    length = decisions + rule.aggregation.length_offset
    plain = _within_groups(rule.estimator, reward, episodes.weights)
    advantage = in_batch(rule.estimator, plain, reward @ episodes.weights, length)
    flat = length.reshape(len(length), -1)
    divisor = flat.shape[1] * episode_divisor(rule.aggregation, flat, action.sum(1).max())
    if rule.aggregation.name == "token_mean":
        divisor = flat.sum(1, keepdims=True)
    weight = np.broadcast_to(1 / divisor, flat.shape).reshape(members.shape)
    score = np.where(action[..., None], episodes.scores(), 0.0).sum(1)[members]
    gradient = np.einsum("mbg,mbgd->md", advantage * weight, score)
    return Definition(gradient, advantage, weight, plain, (advantage == 0).all(2))


@pytest.fixture(params=FILES, ids=lambda path: path.stem, scope="module")
def recorded(request):
    """A trainer's gradients, the rules by their names, and the precision of each."""
    gradients, versions = read_gradients(request.param)
    trainer = request.param.stem.partition("-")[0]
    cases = {case.name: case for case in cases_of(trainer, None)}
    said = versions["precision"]
    precision = {name: case.options.get("precision", said) for name, case in cases.items()}
    return gradients, {name: case.rule for name, case in cases.items()}, precision


def _excess(where, rule, gradient, precision):
    by = _definition(where, rule)
    allowed = batch_tolerance(where.episodes, where.batches, rule, by, precision)
    error = np.linalg.norm(gradient - by.gradient, axis=1)
    return float((error / (allowed + 1e-13)).max())


def test_every_batch_is_the_rule_that_it_names(recorded):
    """To what rounding allows."""
    gradients, rules, precision = recorded
    assert len({question.rule for question in gradients}) == len(rules)
    for question, gradient in gradients.items():
        where = _where(question)
        assert _excess(where, rules[question.rule], gradient, precision[question.rule]) < 1, (
            question
        )


def test_and_no_other(recorded):
    """Where a rule is another one, rounding does not explain the difference."""
    gradients, rules, precision = recorded
    told = 0
    for question, gradient in gradients.items():
        if question.model != "steps":
            continue
        where = _where(question)
        for name, rule in rules.items():
            if rule != rules[question.rule] and not _scaled_batch(rule, rules[question.rule]):
                precise = precision[question.rule]
                assert _excess(where, rule, gradient, precise) > 10, (question, name)
                told += 1
    assert told or not any(question.model == "steps" for question in gradients)


def _scaled_batch(rule, other):
    """One group is a batch: scaled by the batch's sd or the group's is one rule."""
    names = {rule.estimator.name, other.estimator.name}
    return names == {"batch_scaled", "group_normalized"} and rule.aggregation == other.aggregation


def test_mean_and_variance_are_the_closed_form(recorded):
    """Of the first rule on a model with responses: no batch is listed on the exact side."""
    gradients, rules, _ = recorded
    question = next((q for q in gradients if q.model == "steps"), next(iter(gradients)))
    where, seen = _where(question), gradients[question]
    exact = closed_form(where.instance, question.group_size, rules[question.rule], where.prompts)
    found = moments_of(seen, where.batches.chance)
    size = np.linalg.norm(exact.mean)
    assert np.linalg.norm(found.mean - exact.mean) < 1e-6 * size
    assert found.variance == pytest.approx(exact.variance, rel=1e-6)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_named_as_the_command_names_it(path):
    """After the trainer and its version, which the adapter says under the trainer's name."""
    trainer = path.stem.partition("-")[0]
    with np.load(path) as stored:
        versions = json.loads(str(stored["versions"]))
    assert path.stem == f"{trainer}-{versions[trainer]}"


def test_recorded_tables_conform():
    """No row of a stored table differs, and every fault that was planted is seen."""
    for path in RESULTS.glob("*.csv"):
        table = read_table(path)
        if path.stem.endswith("-mutants"):
            seen = table.groupby("fault")["seen"].any()
            assert (~seen).sum() == 1
            assert len(seen) == 9
        elif path.stem.endswith("-sampler"):
            # A rule as it is, then faults of the sampler.
            names = {case.name for cases in TRAINERS.values() for case in cases}
            faults = ~table["rule"].isin(names)
            assert (table["verdict"] == "differs").tolist() == faults.tolist()
        elif path.stem != "rows":
            assert set(table["verdict"]) == {"conforms"}
            assert (table["mean_error"] < table["mean_tolerance"]).all()


def test_answers_are_stored_as_they_are(tmp_path):
    """float32 in float32, float64 in float64."""
    from grpo_checks.experiments.conformance.recorded import Question, write_gradients

    gradient = np.array([[0.1, -0.2]])
    question = Question("steps", 4, "dapo/group")
    for precision in ("float32", "float64"):
        answer = Answer(gradient, {"precision": precision})
        write_gradients(tmp_path / "x.npz", {question: answer})
        read, versions = read_gradients(tmp_path / "x.npz")
        assert versions["precision"] == precision
        assert read[question].tolist() == gradient.astype(precision).astype(float).tolist()

"""The survey: stored records are computed again, kinds tell known flows apart, duels agree."""

from fractions import Fraction
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments.audit import survey_paths
from grpo_checks.experiments.audit.cycle_changes import changes
from grpo_checks.experiments.audit.survey import records, survey, winner
from grpo_checks.experiments.audit.survey_paths import LONG, Ends, Models, followed, padded
from grpo_checks.experiments.audit.what_stops import record
from grpo_checks.theory.instances.cycles.dice import LAWS, VECTORS, WEIGHTS
from grpo_checks.theory.instances.cycles.random_composites import Composite

STORED = Path(__file__).parents[3] / "results" / "paper"
_ARRAYS = [np.vectorize(lambda x: float(Fraction(x)))(x) for x in ([1], [LAWS], VECTORS, WEIGHTS)]
DICE = Composite(_ARRAYS[0], _ARRAYS[1], _ARRAYS[2], _ARRAYS[3], coupled=True)


def test_stored_records_are_computed_again():
    """The first three at G = 2; none is missing."""
    stored = pd.read_csv(STORED / "survey.csv", keep_default_na=False)
    assert sorted({*stored["model"]}) == [*range(2000)]
    assert stored.groupby("group_size")["model"].nunique().to_dict() == dict.fromkeys(
        (2, 4, 8, 16), 2000
    )
    again = survey(3, (2,))
    wanted = stored[(stored["group_size"] == 2) & (stored["model"] < 3)]
    columns = [c for c in again if c not in ("squared_gradient", "winner")]
    pd.testing.assert_frame_equal(
        again[columns].reset_index(drop=True), wanted[columns].reset_index(drop=True)
    )


def test_a_model_that_goes_round():
    """Of two without a winner, by ties and by a circle: the kinds that were stored."""
    stored = pd.read_csv(STORED / "survey.csv", keep_default_na=False)
    known = stored[stored["group_size"] == 2].set_index("model")
    for line, kind in zip(records([36, 226], 2), ("stationary", "goes round"), strict=True):
        counts = {name: line[name] for name in survey_paths.KINDS}
        assert counts == known.loc[line["model"], list(counts)].to_dict()
        assert counts[kind] == survey_paths.STARTS
        assert not line["winner"]


def test_what_goes_round_has_no_winner():
    """At G = 2 the duels, exact, agree with all paths that were followed."""
    stored = pd.read_csv(STORED / "survey.csv")
    two = stored[stored["group_size"] == 2]
    wins = two["winner"].astype(str) == "True"
    rests = two["stationary"] == survey_paths.STARTS
    assert rests[wins].all()
    assert not wins[~rests].any()
    assert (~rests).sum() >= 10


def test_dice():
    """T1.own's model at G = 4: an attracting zero between two actions, of certified |grad J|^2."""
    models = Models(*(np.asarray(x)[None] for x in padded(DICE, 0)))
    models = models._replace(starts=models.starts[:, :1])
    kinds, squares = followed(models, jnp.asarray(DICE.rewards), 4)
    assert kinds.tolist() == [["zero"]]
    np.testing.assert_allclose(squares, 0.00046630, rtol=0.1)
    assert not winner(DICE)


def test_kinds():
    """Still; moving as widely as before; ever less widely."""
    steady, slower = np.full(LONG, 0.5), 0.5 * 0.9 ** np.arange(LONG)
    extent = np.stack([np.zeros(LONG), np.zeros(LONG), steady, slower])[None]
    ends = Ends(extent, np.array([[0, 1e-4, 1e-4, 1e-4]]), np.zeros((1, 4, 3)))
    assert survey_paths.kinds_of(ends).tolist() == [
        ["stationary", "zero", "goes round", "undecided"]
    ]


def test_what_stops_is_computed_again():
    """On `rank_cycle`, the shortest run: nothing is changed, and it goes round."""
    (line,) = _stored("nothing", "rank_cycle")
    (change,) = (c for c in changes("rank_cycle") if c.change == "nothing")
    again = record("rank_cycle", change)
    assert again["outcome"] == line["outcome"] == "goes round"
    # Rounding grows along runs that go round by no more than their length.
    assert again["J"] == pytest.approx(line["J"], rel=1e-6)


def test_penalties_stop_it_elsewhere():
    """As step 6 of ``rank_cycles`` has it: at rest, and grad J is not 0."""
    for change in ("KL to the start, k2, or ratio times k3", "KL to the start, k3"):
        for line in _stored(change, "dice"):
            assert line["outcome"] == "rests elsewhere"
            assert line["last_third"] > 1e-3


def _stored(change, instance):
    table = pd.read_csv(STORED / "what_stops.csv", keep_default_na=False)
    kept = table[(table["change"] == change) & (table["instance"] == instance)]
    return kept.to_dict("records")

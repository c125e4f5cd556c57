"""The command as a user runs it: verdicts, exit statuses, mutants, interruptions."""

import json
import os
import signal
import time
from dataclasses import replace

import pandas as pd
import pytest
from helpers.processes.forked import Forked

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.experiments.claims.stationarity import floor, path, surrogate
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.runs import slopes
from grpo_checks.experiments.runs.training import execute
from grpo_checks.experiments.storage.store import Store

# Claims without runs have quick tests of their own (test_exact_claims), on instances of their own.
SAMPLED = ("T1.rate", "T1.path", "T1.slope", "T1.floor", "T1.surrogate")
# A tenth of a bound, and so on, which stored points alone can see.
SMALL = {"9/5 for 2", "9/10 of the bias", "L/6"}
MUTANTS = [(c.name, m) for c in CLAIMS for m in c.mutants if c.name in SAMPLED and m not in SMALL]
APPLICABLE = (*SAMPLED, "T1.budget", "T1.bias", "T1.G")


@pytest.fixture(scope="session")
def out(tmp_path_factory):
    """An output folder whose stored runs the tests share."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture
def shorter(monkeypatch):
    """The dearest runs of the quick profile by shorter ones, or by those of another claim.

    They are enough to decide, at the same level, what those decide. The slope of `group_normalized`
    is a mutant of T1.slope, whose runs T1.floor then shares; that of a single component normalised
    by itself is the same number, and one more mutant.
    """
    biased, rates, cell = path._biased_runs, surrogate._grid, slopes.cell

    def shared(size, scope, estimator, objective="reward", **lengths):
        if objective == "reward" and estimator == surrogate.DECOMPOSED:
            estimator = floor.NORMALIZED
        return cell(size, scope, estimator, objective, **lengths)

    still = {"n_steps": 5000, "step": 1.5e-3}
    monkeypatch.setattr(
        path,
        "_biased_runs",
        lambda profile: [replace(r, **still) if r.n_steps > 2000 else r for r in biased(profile)],
    )
    monkeypatch.setattr(
        surrogate, "_grid", lambda scope: [replace(run, n_steps=6000) for run in rates(scope)]
    )
    monkeypatch.setattr(slopes, "cell", shared)
    monkeypatch.setitem(slopes.LENGTHS["potential"], "quick", (60, 320))
    monkeypatch.setitem(floor.KEEPS, "quick", (2,))
    monkeypatch.setitem(floor.SEEDS, "quick", {30: 8192, 100: 8192, 1000: 2048})


@pytest.fixture
def verify(out, shorter, monkeypatch):
    """Run ``verify`` on `conflict`, which is cheap; returns status and folder of the tables."""

    def run(claim, mutant=None, folder=out):
        if mutant == "no floor":
            # One line through all of them: it is steeper where the first is of 30 steps.
            monkeypatch.setitem(floor.SEEDS, "quick", {100: 8192, 1000: 2048})
        options = ["--claim", claim, "--instance", "conflict", "--out", str(folder)]
        before = set(folder.glob("part/*"))
        status = cli.main(["verify", *options, *(["--mutant", mutant] if mutant else [])])
        (paths,) = set(folder.glob("part/*")) - before
        return status, paths

    return run


@pytest.mark.parametrize("claim", APPLICABLE)
def test_claims_hold_and_are_stored(claim, verify):
    """Exit status 0; tables without a NaN where a number belongs; facts beside them."""
    status, folder = verify(claim)
    assert status == 0
    rows = pd.read_csv(folder / "rows.csv")
    assert (rows["claim"] == claim).all()
    assert rows[["observed", "lower", "upper", "bound", "slack", "verdict"]].notna().all().all()
    assert ((rows["lower"] <= rows["observed"]) & (rows["observed"] <= rows["upper"])).all()
    facts = json.loads((folder / "provenance.json").read_text())
    assert facts["precision"] == "float64"
    assert {"settings_sha256", "device", "packages", "wall_seconds"} <= set(facts)


@pytest.mark.parametrize(("claim", "mutant"), MUTANTS)
def test_mutants_are_refuted(claim, mutant, verify, capsys):
    """A suite that says "holds" is worth what it says of a false claim."""
    status, folder = verify(claim, mutant)
    assert status == 0
    assert pd.read_csv(folder / "verdicts.csv")["verdict"].tolist() == ["refuted"]
    assert "refuted" in capsys.readouterr().out
    assert 'failures="0"' in (folder / "junit.xml").read_text()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--claim", "T9.none"], "claim = 'T9.none'"),
        (["--instance", "nowhere"], "instance = 'nowhere'"),
        (["--claim", "T1.path", "--mutant", "none"], "mutant = 'none'"),
        (["--mutant", "exponent"], "exactly one --claim"),
        (["--seeds", "0"], "seeds = 0"),
    ],
)
def test_bad_arguments(arguments, named, tmp_path, capsys):
    """Exit status 2, one line that names what was wrong, nothing written."""
    assert cli.main(["verify", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_list_names_every_claim(capsys):
    """With provenance and mutants."""
    assert cli.main(["list"]) == 0
    printed = capsys.readouterr().out
    for claim in CLAIMS:
        assert f"{claim.name}  [{claim.provenance}; expected: {claim.expected}]" in printed


# A job in the background may have inherited that Ctrl-C is ignored. After one run that is computed
# all others last until the signal.
LISTENING = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from grpo_checks.experiments.__main__ import main
from grpo_checks.experiments.runs import training

execute, begun = training._execute, []

def first_alone(run):
    begun.append(run)
    return execute(run) if len(begun) == 1 else time.sleep(600)

training._execute = first_alone
sys.exit(main())
"""


def _interrupt(folder, stop):
    """Start ``verify``, send ``stop`` as soon as one more run is stored; its exit status."""
    options = ["--claim", "T1.rate", "--instance", "conflict", "--out", str(folder)]
    before = len(list(folder.glob("cells/*.json")))
    process = Forked(LISTENING, "verify", *options)
    deadline = time.monotonic() + 120
    while len(list(folder.glob("cells/*.json"))) <= before and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send(stop)
    return process.end()[-1]


def test_an_interrupted_run_resumes(verify, out, tmp_path):
    """Ctrl-C and kill -9 lose no finished run, leave no half table, and change no number."""
    reference = next(iter(out.glob("part/T1.rate+conflict")), None) or verify("T1.rate")[1]
    assert _interrupt(tmp_path, signal.SIGINT) == 3
    assert _interrupt(tmp_path, signal.SIGKILL) == -signal.SIGKILL
    assert not (tmp_path / "part").exists()
    stored = {p: os.stat(p).st_mtime_ns for p in tmp_path.glob("cells/*.json")}
    assert len(stored) == 2
    status, folder = verify("T1.rate", folder=tmp_path)
    assert status == 0
    assert {p: os.stat(p).st_mtime_ns for p in stored} == stored
    assert (folder / "rows.csv").read_text() == (reference / "rows.csv").read_text()


def test_a_diverging_run_is_a_recorded_verdict(monkeypatch, verify, tmp_path):
    """Not a crash, and not a number."""
    from grpo_checks.experiments.runs import training as runs

    monkeypatch.setattr(runs, "_execute", lambda run: {"diverged": True})
    status, folder = verify("T1.path", folder=tmp_path)
    rows = pd.read_csv(folder / "rows.csv")
    assert status == 1
    assert set(rows["verdict"]) == {"inconclusive"}
    assert rows["note"].str.contains("finite").all()


def test_an_overflow_is_found(tmp_path):
    """A step of 1e300 leaves the finite numbers: that is the result of the run, and stored."""
    run = RunSettings(named("conflict", components=1), 2, 8, 128, step=1e300)
    for _ in range(2):
        assert execute(run, Store(tmp_path)) == {"diverged": True}

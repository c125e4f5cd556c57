"""The README's Python example runs as written, and its files exist."""

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEST, CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_test_of_ones_own_passes(monkeypatch):
    """As written, from the root of the repository."""
    monkeypatch.chdir(ROOT)
    scope: dict = {}
    exec(compile(TEST, "README.md", "exec"), scope)
    scope["test_group_size_on_my_model"]()


def test_the_example_runs(capsys):
    """It prints two positive numbers: <E g, grad J> and V."""
    exec(compile(CODE, "README.md", "exec"), {})
    product, variance = map(float, capsys.readouterr().out.split())
    assert product > 0
    assert variance > 0


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(path):
    """Pictures and files that the README points to are in the repository."""
    assert (ROOT / path).exists()


def test_speeds_are_those_of_the_stored_benchmark():
    """Rounded to two digits; what a user reads is what was measured."""
    rows = pd.read_csv(ROOT / "results" / "bench" / "rows.csv")
    model = lambda name: rows[rows["benchmark"] == name].set_index("peer")  # noqa: E731
    plain, recorded = (model("training, search, G = 8, 64 seeds" + x) for x in ("", ", recorded"))
    verify = [model(f"quick profile, {x}") for x in ("cold", "programs kept", "runs kept too")]
    message = {
        r"(\S+) times as fast as plain JAX": plain.loc["plain JAX", "ratio"],
        r"and (\S+) times as fast as": plain.loc["NumPy", "ratio"],
        r"at (\S+) times what drawing": 1 / plain.loc["its random numbers alone", "ratio"],
        r"a run takes (\S+) times as": recorded["ours_seconds"].iloc[0]
        / plain["ours_seconds"].iloc[0],
        r"takes (\S+) s with nothing kept": verify[0]["ours_seconds"].iloc[0],
        r"(\S+) s with compiled programs kept": verify[1]["ours_seconds"].iloc[0],
        r"(\S+) s with everything kept": verify[2]["ours_seconds"].iloc[0],
    }
    text = " ".join(README.split())
    for pattern, measured in message.items():
        (number,) = re.findall(pattern, text)
        assert float(number) == pytest.approx(measured, rel=0.06), pattern

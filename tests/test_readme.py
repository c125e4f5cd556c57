"""README is short and says what the ledger says; examples run as written, files exist."""

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
(TEST,) = BLOCK.findall(README)
SAME, CODE = BLOCK.findall((ROOT / "docs" / "in_your_code.md").read_text(encoding="utf-8"))
WORDS = 700


def test_it_is_read_in_three_minutes():
    """Two commands first; everything else is in docs."""
    assert len(README.split()) < WORDS
    assert README.index("make verify") < README.index("## Three answers")
    assert SAME == TEST


def test_answers_are_those_of_the_ledger():
    """Headings and paragraphs as they are made from the stored rows."""
    ledger = (ROOT / "paper_checks.md").read_text(encoding="utf-8").split("\n\n")
    answers = README.split("## Three answers")[1].split("More in [paper_checks.md]")[0]
    paragraphs = answers.strip().split("\n\n")
    assert len(paragraphs) == 9
    for text in paragraphs:
        assert re.sub("^### ", "## ", text) in ledger, text


def test_the_test_of_ones_own_passes(monkeypatch, tmp_path):
    """As written, from any folder."""
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    exec(compile(TEST, "README.md", "exec"), scope)
    scope["test_group_size_on_my_model"]()


def test_the_example_runs(capsys):
    """It prints two positive numbers: <E g, grad J> and V."""
    exec(compile(CODE, "README.md", "exec"), {})
    product, variance = map(float, capsys.readouterr().out.split())
    assert product > 0
    assert variance > 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Pictures and files that a page points to are in the repository."""
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"(?<=\]\()[^)#:\s]+(?=(?:#[^)]*)?\))", re.sub(r"(?s)```.*?```", "", text))
    assert not [path for path in targets if not (page.parent / path).exists()]


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
    page = ROOT / "docs" / "speed_and_devices.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    for pattern, measured in message.items():
        (number,) = re.findall(pattern, text)
        assert float(number) == pytest.approx(measured, rel=0.06), pattern

"""The template: each part by its name, each place with its fact, and neither too many."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.experiments.ledger import ledger
from grpo_checks.experiments.ledger.ledger import ROOT, TEMPLATES
from grpo_checks.experiments.ledger.parts import OF_NO_CLAIM, PARTS, filled_part, of_claims
from grpo_checks.experiments.ledger.template import filled, parts
from grpo_checks.experiments.runs.words import headings_of, table

TEXT = "<!-- a -->\n# One\n\n<!-- b c -->\n{x:.2g} and {x}, not {{y}}\n<!-- d -->\n"


def test_parts_are_what_lies_between_their_names():
    """All of it, in order; an inline comment is no name."""
    assert parts(TEXT) == {"a": "# One\n\n", "b c": "{x:.2g} and {x}, not {{y}}\n", "d": ""}
    assert parts("<!-- a -->\nb <!-- c -->\n") == {"a": "b <!-- c -->\n"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [("prose\n" + TEXT, "'prose.*before the first part"), (TEXT * 2, "a, b c, d: more than one")],
)
def test_a_text_without_a_part_and_a_part_without_a_name_of_its_own(text, fault):
    """Neither could be filled."""
    with pytest.raises(ValueError, match=fault):
        parts(text)


def test_places_are_filled():
    """As str.format does it."""
    assert filled("p", parts(TEXT)["b c"], {"x": 1 / 3}).startswith("0.33 and 0.3333333333")
    assert filled("p", parts(TEXT)["b c"], {"x": "1"} | {"x": 2}) == "2 and 2, not {y}\n"


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({}, "p: x: a place without a fact"),
        ({"x": 1, "z": 2, "y": 3}, "p: y, z: a fact without a place"),
    ],
)
def test_a_place_without_a_fact_and_a_fact_without_a_place(facts, fault):
    """Each is named."""
    with pytest.raises(ValueError, match=fault):
        filled("p", "{x} {{y}}", facts)


def test_a_part_is_told_where_its_inputs_are_there():
    """Not without one of them, and not where there is nothing to say; without fields, always."""
    assert filled_part("no fields", "prose\n", {}) == "prose\n"
    assert filled_part("mutants", "{all}", {"mutants": pd.DataFrame()}) == ""
    assert filled_part("cases", "{table}", {"cases": ledger.NO_CASES}) == ""
    with pytest.raises(ValueError, match="no fields: x: a place without a fact"):
        filled_part("no fields", "{x}", {})


def test_tables_of_an_older_version():
    """What they lack is named, with the part that needs it."""
    rows = pd.DataFrame({"claim": ["T2.identity"], "verdict": ["holds"]})
    with pytest.raises(ValueError, match=r"T2\.identity: 'cells': not in these tables: run make"):
        ledger.sections({"T2.identity": rows})


def test_facts_without_a_part(monkeypatch):
    """They would be lost."""
    monkeypatch.setitem(PARTS, "T9.lost", PARTS["T1.rate"])
    with pytest.raises(ValueError, match=r"T9\.lost: no part of that name"):
        ledger.sections({})


def test_a_claim_and_its_parts():
    """A part of the template that begins with a claim's name is told by that claim, and where it
    tells one of another name that is no part of another claim either."""
    names = {claim.name for claim in CLAIMS}
    told = {name: claim.name for claim in CLAIMS for name in claim.facts}
    places = {name: name.partition(",")[0] for name in ledger.all_parts()}
    silent = [x for x in places if places[x] in names and x not in {*told, *OF_NO_CLAIM}]
    assert not silent
    assert told.keys() <= places.keys()
    assert all(places[x] in (told[x], *({x} - names)) for x in told)


def test_a_part_of_two_claims():
    """Which of them should tell it?"""
    (claim,) = (claim for claim in CLAIMS if claim.name == "T1.slope")
    for twice in ([claim, claim], [replace(claim, facts={"top": claim.facts["T1.slope"]})]):
        with pytest.raises(
            ValueError, match=r"T1\.slope: facts = '.*': expected a part of no other"
        ):
            of_claims(twice)


def test_tables_show_counts_as_whole_numbers():
    """Chosen columns in the order of their headings; a count of millions has all its digits."""
    data = pd.DataFrame({"observed": [0.1 + 0.2], "cells": [1234567.0], "other": ["x"]})
    shown = table(data, {"cells": "cells", "observed": "share"}).splitlines()
    assert shown == ["| cells | share |", "| --- | --- |", "| 1234567 | 0.3 |"]
    assert table(data, "cells | observed: share").splitlines() == shown
    assert headings_of("observed: |x| at T: 5 | cells") == {
        "observed": "|x| at T: 5",
        "cells": "cells",
    }
    assert table(data[["observed"]], digits=1).splitlines()[0::2] == ["| observed |", "| 0.3 |"]


def test_files_that_the_prose_names_exist():
    """Of the four folders, where somebody would look for them."""
    text = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir())
    names = re.findall(r"`((?:theory|experiments|figures|tests)/[^`]+)`", text)
    assert names
    assert not [name for name in names if not (ROOT / name).is_file()]

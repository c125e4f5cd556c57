"""Pages of the site: what they say is what is stored, and texts stay texts."""

import json
import re

import pandas as pd
import pytest

from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.pages.claim.cells import plot
from grpo_checks.pages.claim.statements import statements, typeset
from grpo_checks.pages.claims_table import strongest
from grpo_checks.pages.markup import data_script, inline, prose, starred
from grpo_checks.pages.stored import slug, theorem
from grpo_checks.pages.tutorials import executed, relinked


def test_formulas_are_of_what_claims_say():
    """Every claim has one, written for its words as they stand."""
    assert {claim.name for claim in CLAIMS} == {*statements()}
    assert not [c.name for c in CLAIMS if typeset(c.name, c.statement) is None]
    assert typeset("T1.rate", "another statement") is None
    for known in statements().values():
        assert known.tex.count("{") == known.tex.count("}")
        assert known.tex.count(r"\left") == known.tex.count(r"\right")


def test_names_of_pages():
    """One per claim."""
    assert slug("T2.bridge'") == "T2-bridge-prime"
    assert len({slug(claim.name) for claim in CLAIMS}) == len(CLAIMS)
    assert (theorem("T1.rate"), theorem("L.mse")) == ("Theorem 1", "other papers")


def _cells(*cells):
    data = pd.DataFrame(cells, columns=["observed", "bound", "verdict"])
    return data.assign(instance="search", rounding=1e-12, group_size=range(len(data)), note="")


def _drawn(text):
    return json.loads(re.findall(r'class="cells">(.*?)</script>', text)[0])


def test_cells_are_drawn_with_their_numbers():
    """By hand: five digits, what tells cells apart, and those within rounding left out."""
    text = plot(_cells((0.1234567, 2.0, "holds"), (3.0, 1.0, "refuted"), (1e-15, 1e-15, "holds")))
    data = _drawn(text)
    assert data["log"]
    holds, refuted = data["series"]
    assert (holds["x"], holds["y"], holds["text"]) == ([2.0], [0.12346], ["search, group_size = 0"])
    assert (refuted["verdict"], refuted["y"]) == ("refuted", [3.0])
    assert "Left out: 1 cells" in text
    assert not _drawn(plot(_cells((-0.5, -0.4, "holds"))))["log"]
    assert "nothing to draw" in plot(_cells((None, 1.0, "vacuous")))


def test_texts_end_no_element():
    """Of a note that somebody else wrote, and of a name."""
    assert "</script><b>" not in data_script("cells", {"text": "</script><b>"})
    assert inline("a <b> `x < y`") == "a &lt;b&gt; <code>x &lt; y</code>"
    assert prose("**Bold** of ``code``.\n\n    a <= b\n") == (
        "<p><strong>Bold</strong> of <code>code</code>.</p>\n<pre>    a &lt;= b</pre>"
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2L(J*-J_0)/T and J* - J", r"2L(J\*-J_0)/T and J\* - J"),
        ("*exact*, of J*, *not tested*", r"*exact*, of J\*, *not tested*"),
        ("**bold** and `J*`", "**bold** and `J*`"),
        ("2 * 3 * 4", r"2 \* 3 \* 4"),
    ],
)
def test_optima_are_no_emphasis(text, kept):
    """As GitHub reads them; Python's Markdown would not."""
    assert starred(text) == kept


def test_the_strongest_evidence():
    """By rank, not by count."""
    assert strongest("300 statistical, 5 certified") == "certified"
    assert strongest("2 statistical, 1 exact") == "exact"
    assert strongest("") == ""


PAGE = """<!-- file: twice.py -->
```python
def twice(x):
    return 2 * x
```

<!-- run -->
```python
from twice import twice
print(twice(3))
```

<!-- run -->
```python
print(twice(4))
```

```python
print("not run")
```
"""


def test_blocks_that_ask_for_it_are_run():
    """With the names of the blocks before, whose prints do not repeat; a fault names its page."""
    text = executed("page.md", PAGE)
    assert re.findall(r'title="prints"\n(.*?)\n```', text) == ["6", "8"]
    assert text.count("```python") == 4
    assert "<!-- run -->" not in text
    with pytest.raises(ValueError, match=r"docs/page.md: a block ends with status 1: ZeroDivision"):
        executed("page.md", "<!-- run -->\n```python\n1 / 0\n```\n")
    shell = executed("page.md", "<!-- run -->\n```sh\nfalse || echo $((1 + 1))\n```\n")
    assert 'title="prints"\n2\n' in shell


def test_links_to_the_repository_become_names():
    """Those inside docs stay, pictures lead to the copies."""
    assert relinked("[e](enclose.md)") == "[e](enclose.md)"
    assert relinked("[rules](../theory/rules/presets.py)") == "rules (`theory/rules/presets.py`)"
    assert relinked("![p](../results/paper/figures/t1_g.png)") == "![p](../figures/t1_g.png)"

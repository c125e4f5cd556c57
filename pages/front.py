"""The first page: three answers, one screen each; and the pages of details."""

import re

from grpo_checks.experiments.ledger.ledger import DETAILS
from grpo_checks.pages.claim.statements import typeset
from grpo_checks.pages.markup import badge, formula, rooted, starred
from grpo_checks.pages.stored import Stored, slug

SHOWN = {1: "T1.rate", 2: "T2.kappa", 3: "T3.coverage"}
"""The claim whose formula stands for a theorem."""
FIGURES = {1: "t1_own", 2: "t2_gap", 3: "t3_tightness"}
OPENING = """---
hide: [navigation, toc]
---

# Are the theorems about GRPO true?

Theorems about GRPO (arXiv:2604.19857, as its abstract states them, in our formalisation), put on
models that can be solved exactly. {count} claims: {verdicts}. [All claims](claims.md) are a table
to sort and search; [what to use](engineers.md) says what they mean for a training run.

"""


def front(stored: Stored) -> str:
    """index.md."""
    counts = stored.lines["verdict"].value_counts()
    verdicts = ", ".join(f"{number} {badge(str(v))}" for v, number in counts.items())
    text = OPENING.format(count=len(stored.lines), verdicts=verdicts)
    return text + "".join(_answer(stored, number) for number in SHOWN)


def _answer(stored: Stored, number: int) -> str:
    """Four questions as four cards; verdicts alone where the sentences were written for others."""
    name = f"Theorem {number}, in short"
    texts = "".join(text for part, text in stored.parts.items() if part.startswith(name)).strip()
    if not texts:
        heading, cards = f"## Theorem {number}", [_verdicts(stored, number)]
    else:
        heading, *cards = re.split(r"\n\n+", texts)
    claim = SHOWN[number]
    tex = typeset(claim, stored.claims[claim].statement)
    boxes = "".join(
        f'<div class="card" markdown>\n\n{rooted(starred(card))}\n\n</div>\n' for card in cards
    )
    figure = f"figures/{FIGURES[number]}.png"
    return (
        f'<section class="answer" markdown>\n\n{heading}\n\n'
        f"{formula(tex) if tex else ''}\n"
        f'<div class="cards" markdown>\n{boxes}</div>\n\n'
        f"[{claim}](claims/{slug(claim)}.md) · [the claims of Theorem {number}]"
        f"(claims.md?theorem=Theorem {number}) · [in detail](details/theorem{number}.md) · "
        f"[figure]({figure})\n\n</section>\n\n"
    ).replace(f"?theorem=Theorem {number}", f"#theorem={number}")


def _verdicts(stored: Stored, number: int) -> str:
    lines = stored.lines[stored.lines["claim"].str.startswith(f"T{number}.")]
    return ", ".join(f"{line.claim} {badge(str(line.verdict))}" for line in lines.itertuples())


def details(name: str) -> str:
    """A page of results/paper/details, its links turned to the site's."""
    text = (DETAILS / f"{name}.md").read_text(encoding="utf-8")
    text = text.replace("../../../paper_checks.md", "../index.md")
    return rooted(starred(text), "../")

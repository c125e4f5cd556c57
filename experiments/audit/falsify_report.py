"""What a falsifier found: stored, printed as a readable example, and as a test to copy."""

import json
import pprint
from pathlib import Path
from typing import Any

from flint import arb

from grpo_checks.experiments.falsifier.search import Found
from grpo_checks.experiments.protocol.certificates import summary
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.storage.files import write_atomic
from grpo_checks.experiments.storage.folders import label
from grpo_checks.experiments.storage.input_file import read_json
from grpo_checks.theory.numbers.balls import Number, shown

LINE = 60

TEST = '''"""A point that falsify has found."""

from grpo_checks.experiments.claims.catalogue import find

DOCUMENT = {document}


def test_{name}():
    """Decided in rational or ball arithmetic, not in floating point."""
    exact = find({place!r}).exact
    assert exact is not None
    assert exact.decide(DOCUMENT, {mutant!r}).verdict == {verdict!r}
'''


def identifier(claim: str) -> str:
    """A claim's name as part of a file's or function's name."""
    return "".join(c if c.isalnum() else "_" for c in claim).lower()


def as_test(claim: str, result: Found, mutant: str | None, file: str | None = None) -> str:
    """A module for pytest that asserts what was found; ``file``: where a claim of one's own is."""
    assert result.decision is not None
    return TEST.format(
        place=file or claim,
        mutant=mutant,
        name=identifier(claim),
        document=pprint.pformat(dict(result.document or {}), width=96, sort_dicts=False),
        verdict=result.decision.verdict,
    )


def as_json(
    claim: Claim, result: Found, mutant: str | None, seed: int, minutes: float
) -> dict[str, Any]:
    """The point and what was found there; reproduced by deciding ``document`` again.

    ``minutes`` is the limit that the search was given.
    """
    decided = None if result.decision is None else summary(result.decision)
    return {
        "claim": claim.name,
        "mutant": mutant,
        "seed": seed,
        "minutes": minutes,
        "starts": result.tried,
        "ratio": result.ratio if abs(result.ratio) < 1e308 else None,
        "document": result.document,
        "found": decided,
        "uncertified": len(result.uncertified),
    }


def store(
    claim: Claim,
    result: Found,
    mutant: str | None,
    seed: int,
    minutes: float,
    folder: Path,
    file: str | None = None,
) -> Path:
    """Write point.json and, if there is a point, a test of it to the folder of this search.

    ``file``: where a claim of one's own is.
    """
    name = identifier(claim.name) if file is None else label(file)
    part = name + (f"-{identifier(mutant)}" if mutant else "")
    target = folder / part / f"seed-{seed}"
    content = json.dumps(as_json(claim, result, mutant, seed, minutes), indent=1)
    write_atomic(target / "point.json", content + "\n")
    if result.decision is not None:
        text = as_test(claim.name, result, mutant, file)
        write_atomic(target / f"test_{identifier(claim.name)}.py", text)
    return target


def stored_points(folder: Path) -> list[dict[str, Any]]:
    """The searches that ``store`` left below a folder, those of deep models last."""
    paths = sorted(folder.glob("**/seed-*/point.json"), key=lambda path: (len(path.parts), path))
    return [read_json(path) for path in paths]


def _short(number: Number) -> str:
    """A fraction in full where that fits on a line."""
    text = shown(number, 15)
    return text if len(text) <= LINE else shown(arb(number), 15)


def example(claim: Claim, result: Found, mutant: str | None = None) -> str:
    """Readable, for the terminal; of a false version where ``mutant`` names one."""
    name = claim.name if mutant is None else f"{claim.name}, mutant {mutant!r}"
    if result.decision is None or result.document is None:
        return f"{name}: no point was certified after {result.tried} starts"
    verdict = "violated" if result.refuted else "no violation; the tightest point"
    sides = [_short(x) for x in (result.decision.observed, result.decision.bound)]
    lines = [
        f"{name}: {claim.mutants[mutant] if mutant else claim.statement}",
        f"{verdict}: observed {sides[0]}, bound {sides[1]}",
        f"observed/bound = {result.ratio:.6g}, certified; {result.tried} starts",
        result.decision.note,
        pprint.pformat(dict(result.document), width=96, sort_dicts=False),
    ]
    if result.uncertified:
        lines.append(f"{len(result.uncertified)} points above 1 in floating point, none confirmed")
    return "\n".join(line for line in lines if line)

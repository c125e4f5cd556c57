"""Write the pages of the site: python -m grpo_checks.pages FOLDER.

Exit status: 0; 2: stored rows are missing, or a tutorial fails. `make site` builds a site of them.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax

from grpo_checks.experiments.runs.stored import PAPER, ROOT
from grpo_checks.experiments.storage.files import write_atomic
from grpo_checks.pages import benchmark, claims_table, engineers, front
from grpo_checks.pages.claim.page import claim_page
from grpo_checks.pages.reference import reference
from grpo_checks.pages.stored import Stored, slug, stored
from grpo_checks.pages.tutorials import guides

BENCH, CONFORMANCE = ROOT / "results" / "bench", ROOT / "results" / "conformance"
THEME = Path(__file__).parent / "theme"
ASSETS = ("site.css", "claims.js", "cells.js")
DETAILS = ("theorem1", "theorem2", "theorem3", "other_papers", "verifier")


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m grpo_checks.pages", description=__doc__)
    parser.add_argument("folder", type=Path)
    jax.config.update("jax_enable_x64", True)
    try:
        _write(parser.parse_args().folder)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _write(folder: Path) -> None:
    """All of them, each whole; what an earlier build left there goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in pages(stored(PAPER)).items():
        path = folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text)
    _copy(folder)


def pages(known: Stored) -> dict[str, str]:
    """Markdown by the page's path, without its suffix."""
    claims = {f"claims/{slug(name)}": claim_page(known, name) for name in known.claims}
    docs = {f"guides/{name.removesuffix('.md')}": text for name, text in guides().items()}
    return {
        "index": front.front(known),
        "claims": claims_table.claims_table(known),
        "engineers": engineers.engineers(known),
        "benchmark": benchmark.benchmark(BENCH),
        "conformance": benchmark.conformance(CONFORMANCE, "guides/conformance" in docs),
        **{f"details/{name}": front.details(name) for name in DETAILS},
        **claims,
        **docs,
        **{f"reference/{name}": text for name, text in reference().items()},
    }


def _copy(folder: Path) -> None:
    """Pictures, looks and scripts."""
    (folder / "figures").mkdir()
    (folder / "assets").mkdir()
    for source in (PAPER, PAPER / "advise", BENCH, CONFORMANCE):
        for picture in (source / "figures").glob("*.png"):
            shutil.copy(picture, folder / "figures")
    for name in ASSETS:
        shutil.copy(THEME / name, folder / "assets")


if __name__ == "__main__":
    sys.exit(main())

"""One folder of finished runs for all tests of the command line."""

import pytest

from experiments import __main__ as cli


@pytest.fixture(scope="session")
def out(tmp_path_factory):
    """An output folder whose stored runs the tests share."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture
def verify(out):
    """Run ``verify`` on `conflict`, which is cheap; returns status and folder of the tables."""

    def run(claim, mutant=None, folder=out):
        options = ["--claim", claim, "--instance", "conflict", "--out", str(folder)]
        before = set(folder.glob("part/*"))
        status = cli.main(["verify", *options, *(["--mutant", mutant] if mutant else [])])
        (made,) = set(folder.glob("part/*")) - before
        return status, made

    return run

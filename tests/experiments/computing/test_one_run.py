"""Deep models compile for one run, others as ever; the option is what it was afterwards."""

import jax
import pytest

from grpo_checks.experiments.computing.one_run import DEEP, OPTION, compiled_for_one_run


def _fail(depth, quickly):
    with compiled_for_one_run(depth):
        assert jax.config.read(OPTION) is quickly
        raise KeyError


@pytest.mark.parametrize(("depth", "quickly"), [(DEEP, False), (DEEP + 1, True)])
def test_the_option_is_put_back(depth, quickly):
    """Also after a failure."""
    assert jax.config.read(OPTION) is False
    with pytest.raises(KeyError):
        _fail(depth, quickly)
    assert jax.config.read(OPTION) is False

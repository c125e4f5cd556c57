"""Models beyond memory are refused with what they would cost, before anything is allocated."""

import numpy as np
import pytest

from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.relay import relay
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.arrays import to_array
from grpo_checks.theory.numbers.validation import MAX_ENTRIES

N = 10**9


def _bandit(states):
    """Views of single numbers: as large as one likes, and free."""
    return TAMDP(
        prompt_distribution=[1.0],
        initial_distribution=np.broadcast_to(0.0, (1, states)),
        depth=np.broadcast_to(0, (states,)),
        tool_transition=[],
        legal=np.broadcast_to(True, (states, 1)),
        reward=np.broadcast_to(0.0, (1, states, 1, 1)),
        weights=[1],
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: _bandit(N),
        lambda: relay(depth=N // 2 - 1),
        lambda: random_instance(width=N, prompts=1, depth=0),
    ],
    ids=["model", "relay", "random"],
)
def test_a_billion_states_are_refused(make):
    """7.45e9 GiB for one array over pairs of states."""
    with pytest.raises(ValueError, match=r"1000000000 states: expected at most 11585; .*7.45e\+09"):
        make()


def test_an_array_too_large_is_refused():
    """Whatever its shape."""
    rewards = np.broadcast_to(0.0, (1, 1, MAX_ENTRIES + 1, 1))
    with pytest.raises(ValueError, match=r"reward = 134217729 entries \(1 GiB\): expected at most"):
        to_array("reward", rewards, 4)


@pytest.mark.parametrize("text", ["1e99999999999", "1e-9999", "1/" + "9" * 99, "1e1_0_0_0"])
def test_numbers_without_end_are_refused(text):
    """At once: 10^(10^11) has more digits than memory."""
    with pytest.raises(ValueError, match=r"w\[0\] = .*expected a number"):
        to_array("w", [text, 1], 1)

"""A point that falsify has found."""

from grpo_checks.experiments.claims.catalogue import find

DOCUMENT = {
    "group_size": 64,
    "prompt_distribution": [20],
    "initial_distribution": [[0, 20]],
    "tool_transition": [[[[18, 20]], [[3, 20]]]],
    "reward": [
        [
            [[["4/13", "13/17"], ["9/13", "1/5"]], [["17/18", "17/19"], ["1/3", "3/7"]]],
            [[["16/19", "7/16"], ["1/10", "13/17"]], [["11/17", "12/13"], ["3/4", "7/10"]]],
        ]
    ],
    "weights": [20, "1/2"],
    "tool_odds": [[["8/19"], ["18/7"]]],
    "answer_odds": [[["33/10", "4/17"], ["6/13", "13/12"]], [["1/20", "1/9"], ["16/3", "1/4"]]],
}


def test_t2_gap():
    """Decided in rational or ball arithmetic, not in floating point."""
    exact = find("T2.gap").exact
    assert exact is not None
    assert exact.decide(DOCUMENT, None).verdict == "holds"

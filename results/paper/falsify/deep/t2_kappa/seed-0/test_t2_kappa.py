"""A point that falsify has found."""

from grpo_checks.experiments.claims.catalogue import find

DOCUMENT = {
    "group_size": 4,
    "prompt_distribution": [20],
    "initial_distribution": [[1, 20]],
    "tool_transition": [[[[20, 16]], [[4, 20]]]],
    "reward": [
        [
            [[["3/16", "3/20"], ["3/20", "16/17"]], [["1/6", "5/12"], ["5/18", "16/17"]]],
            [[["1/15", "1/2"], ["7/8", "13/16"]], [["13/20", "2/5"], ["17/18", "1/16"]]],
        ]
    ],
    "tool_features": [[[[2, 1]], [[1, 1]]]],
    "answer_features": [
        [[[1, 2], [-2, -2]], [[0, 0], [0, 2]]],
        [[[-1, 2], [1, 2]], [[-2, -1], [-1, 2]]],
    ],
    "parameters": ["1/5", 18],
    "slopes": [20, 20],
    "level": "12/19",
}


def test_t2_kappa():
    """Decided in rational or ball arithmetic, not in floating point."""
    exact = find("T2.kappa").exact
    assert exact is not None
    assert exact.decide(DOCUMENT, None).verdict == "holds"

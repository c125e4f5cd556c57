"""A point that falsify has found."""

from grpo_checks.experiments.claims.catalogue import find

DOCUMENT = {
    "bound": "oscillation",
    "prompt_distribution": [20, 1],
    "initial_distribution": [[20, 2], [10, 20]],
    "tool_transition": [[[[0, 20]], [[20, 1]]]],
    "reward": [
        [
            [[["11/16", "4/9"], ["3/5", "13/14"]], [["2/5", "15/16"], ["2/5", "1/2"]]],
            [[["17/18", "3/5"], ["1/20", "7/12"]], [["1/8", "1/13"], ["1/5", "13/18"]]],
        ],
        [
            [[["3/19", "1/9"], ["5/14", "6/11"]], [["5/19", "1/8"], ["1/20", "3/19"]]],
            [[["7/9", "9/11"], ["13/17", "7/16"]], [["11/20", "13/15"], ["3/14", "9/16"]]],
        ],
    ],
    "weights": ["1/17", "17/6"],
    "tool_features": [[[[-1, -2, 2]], [[-2, -2, 2]]]],
    "answer_features": [
        [[[-2, -2, -2], [2, -2, 2]], [[-1, -1, -2], [0, 2, 1]]],
        [[[-2, -1, 1], [0, -1, 1]], [[1, -2, -2], [1, 2, -2]]],
    ],
    "parameters": ["7/4", "132/17", "176/13"],
    "target": [2, 20],
}


def test_t3_ood():
    """Decided in rational or ball arithmetic, not in floating point."""
    exact = find("T3.ood").exact
    assert exact is not None
    assert exact.decide(DOCUMENT, None).verdict == "holds"

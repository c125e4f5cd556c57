"""A point that falsify has found."""

from grpo_checks.experiments.claims.catalogue import find

DOCUMENT = {
    "prompt_distribution": [1, 100000],
    "initial_distribution": [[100000, 0], [0, 100000]],
    "tool_transition": [[[[0, 100000]], [[0, 100000]]]],
    "reward": [
        [
            [
                [[1, "94571/94581"], [1, "75673/90465"]],
                [[1, "97225/97269"], ["25097/25583", "82249/84468"]],
            ],
            [
                [["88426/92647", "92289/92465"], ["50213/50834", "50900/57847"]],
                [[1, "25236/27755"], ["66918/81143", "12743/52797"]],
            ],
        ],
        [
            [
                [["45/63527", "7/26314"], ["227/69211", "9113/13556"]],
                [[0, "2/68147"], [0, "13103/48650"]],
            ],
            [
                [["3495/54856", "10202/85671"], ["427/53062", "77918/92713"]],
                [["131/82863", "86/90547"], ["7707/55142", "58743/97399"]],
            ],
        ],
    ],
    "weights": [100000, "1/100000"],
    "tool_features": [[[[-2, -1, 1]], [[2, -2, 1]]]],
    "answer_features": [
        [[[-1, 2, 2], [0, -1, 2]], [[-2, 2, 1], [-2, -2, -1]]],
        [[[2, 1, 2], [2, -2, 0]], [[0, 0, -2], [-1, -2, 2]]],
    ],
    "parameters": ["109921/92579", "120095937/4502", "24/96889"],
    "target": [100000, 0],
    "target_transition": [[[[0, 100000]], [[0, 100000]]]],
}


def test_t3_depth():
    """Decided in rational or ball arithmetic, not in floating point."""
    exact = find("T3.depth").exact
    assert exact is not None
    assert exact.decide(DOCUMENT, None).verdict == "holds"

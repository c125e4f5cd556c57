"""A point that falsify has found."""

from grpo_checks.experiments.claims.catalogue import find

DOCUMENT = {
    "group_size": 2,
    "prompt_distribution": [20],
    "initial_distribution": [[20, 6]],
    "tool_transition": [[[[1, 20]], [[1, 20]]]],
    "reward": [
        [
            [
                [["7/18", "3/4", "3/5"], ["2/5", "3/14", "1/8"]],
                [["3/5", "13/19", "19/20"], ["3/19", 0, "1/5"]],
            ],
            [
                [["6/11", "5/7", "12/19"], ["6/7", "8/11", "6/13"]],
                [["2/5", "11/16", "10/17"], ["1/5", 0, "1/6"]],
            ],
        ]
    ],
    "tool_odds": [[["12/13"]]],
    "answer_odds": [[["5/11", "3/8"]], [["67/18", "1/7"]]],
    "slopes": ["117/19", 20, "205/19"],
    "level": "5/9",
}


def test_t2_zero():
    """Decided in rational or ball arithmetic, not in floating point."""
    exact = find("T2.zero").exact
    assert exact is not None
    assert exact.decide(DOCUMENT, None).verdict == "holds"

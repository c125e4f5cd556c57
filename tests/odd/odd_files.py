"""Strategies for files that nobody would write: odd values, odd models, damaged bytes."""

import copy
import json
import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from grpo_checks.experiments.models import instance_file

MANY = settings(
    max_examples=int(os.environ.get("FUZZ", "6")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
EXAMPLE = Path(instance_file.__file__).parents[1] / "examples" / "lookup.json"
GOOD = json.loads(EXAMPLE.read_text())

SMALL = [0, 1, -1, 2, 0.5, 1e-300, 5e-324, True, False, None]
LARGE = [1e300, -1e308, 2**63, 10**30, 10**400, "1e999", "1e999999999", 3 * 10**7, "9" * 101]
TEXTS = ["1/3", "1/0", "-1/7", "nan", "inf", "", "0x1", "../../x", "\u0000", "12", "1e-400", "NA"]
extremes = st.sampled_from([*SMALL, *LARGE, *TEXTS])
values = st.recursive(
    extremes | st.floats(0, 1) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


def _places(content, above=()):
    """The paths to everything in nested lists and objects."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in pairs:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from _places(value, (*above, key))


@st.composite
def altered(draw, good):
    """A content with a few entries replaced, removed or repeated."""
    content, places = copy.deepcopy(good), list(_places(good))
    for *path, last in draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        target = content
        try:
            for key in path:
                target = target[key]
            if draw(st.booleans()) or not isinstance(target, list):
                target[last] = draw(values)
            else:
                target.insert(last, target[last]) if draw(st.booleans()) else target.pop(last)
        except (KeyError, IndexError, TypeError):  # an earlier change has removed the place
            continue
    return content


def contents():
    """The example, altered."""
    return altered(GOOD)


@st.composite
def extreme_models(draw):
    """Sound models at the edges of what is allowed: certain policies, hardly possible prompts."""
    content = copy.deepcopy(GOOD)
    logits = st.sampled_from([0, 50, -50, 1e-9])
    content["theta"] = draw(
        st.lists(st.lists(logits, min_size=3, max_size=3), min_size=4, max_size=4)
    )
    content["prompt_distribution"] = draw(st.sampled_from([[1e-300, 1], [0, 1], ["1/3", "2/3"]]))
    content["weights"] = draw(st.sampled_from([[1e-6, 1], ["1/7", 1000], [1, 1]]))
    for q, s, y in draw(st.sets(st.tuples(*[st.integers(0, 1)] * 3))):
        content["reward"][q][s][y][0] = draw(st.sampled_from([0, 1, 1e-6, "1/3"]))
    return content


@st.composite
def damaged(draw, total):
    """Bytes cut off, changed or put in; or bytes of another origin."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=40))
    at, until = sorted(draw(st.tuples(*[st.integers(0, len(total))] * 2)))
    kept = draw(st.sampled_from([until, min(at + 3, len(total)), at, len(total)]))
    return total[:at] + draw(st.binary(max_size=6)) + total[kept:]

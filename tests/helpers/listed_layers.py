"""T3.depth by listing episodes, straight from its documents: an oracle in fractions.

Nothing of ``theory.evaluation.values``, ``theory.generalization.transfer`` or the arrays of
``experiments.points.generalization.layers`` is used.
"""

from flint import fmpq

from grpo_checks.theory.numbers.logs import divergence


def episodes(document, prompt, side):
    """Chance under the policy, under the other one, and reward of every episode of a prompt."""
    layers = document["layers"]

    def below(h, chances):
        for state, p in zip(layers[h], chances, strict=True):
            policy = law(state["policy"])
            other = law(state.get("other", state["policy"]))
            for y, reward in enumerate(state["reward"][prompt]):
                yield p * policy[y], p * other[y], exactly(reward)
            if h + 1 < len(layers):
                for here, there, reward in below(h + 1, law(state[side])):
                    yield p * policy[-1] * here, p * other[-1] * there, reward

    return list(below(0, law(document["start"][prompt])))


def exactly(x):
    """A number of a document."""
    numerator, _, denominator = str(x).partition("/")
    return fmpq(int(numerator), int(denominator or 1))


def law(odds):
    """Chances in these proportions."""
    parts = [exactly(x) for x in odds]
    return [x / sum(parts) for x in parts]


def value(document, side):
    """V of the policy."""
    return sum(
        (rho * chance * reward for q, rho in enumerate(law(document[side]))
         for chance, _, reward in episodes(document, q, side)), start=fmpq(0)
    )  # fmt: skip


def variation(p, q):
    """TV(p, q)."""
    return sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def bound(document, calls):
    """TV + ``calls`` max TV of the responses."""
    moved = variation(law(document["source"]), law(document["target"]))
    upper = [state for layer in document["layers"][:-1] for state in layer]
    return moved + calls * max(
        (variation(law(s["source"]), law(s["target"])) for s in upper), default=fmpq(0)
    )


def divergences(document):
    """KL of the episodes of each prompt, and of each state's actions; None for infinity."""
    by_prompt = []
    for q in range(len(document["source"])):
        possible = [e for e in episodes(document, q, "source") if e[0] > 0 or e[1] > 0]
        by_prompt.append(divergence([e[0] for e in possible], [e[1] for e in possible]))
    states = (state for layer in document["layers"] for state in layer)
    steps = [divergence(law(s["policy"]), law(s.get("other", s["policy"]))) for s in states]
    return by_prompt, steps

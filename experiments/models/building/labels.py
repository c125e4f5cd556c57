"""What prompts, states, actions and components of a model are called."""

from typing import NamedTuple

from grpo_checks.theory.mdp.mdp import TAMDP


class Labels(NamedTuple):
    """Names in the order of the axes Q, S, U, Y, K."""

    prompts: list[str]
    states: list[str]
    tools: list[str]
    answers: list[str]
    components: list[str]
    unreachable: list[str] = []  # noqa: RUF012
    """States that were spoken of and are left out, since no policy reaches them."""

    @property
    def actions(self) -> list[str]:
        """Tool calls, then answers."""
        return [*self.tools, *self.answers]


def numbered(mdp: TAMDP) -> Labels:
    """Of a model whose file, or whose module, names nothing."""
    n_prompts, n_states, n_answers, n_components = mdp.reward.shape
    counts = (n_prompts, n_states, mdp.n_tools, n_answers, n_components)
    kinds = ("prompt", "state", "tool", "answer", "component")
    return Labels(
        *([f"{kind} {i}" for i in range(n)] for kind, n in zip(kinds, counts, strict=True))
    )

"""TRL's loop over tool calls: an environment with a method for every tool, fed or drawing itself.

A call is one token that ends a turn, its response is one token of the tool's message. Fed, the
decisions and responses of a batch are those of the job; what parses the calls, calls the tools,
joins the tokens and masks the responses is TRL's own. Sampling, TRL's generate decides too.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast
from trl import GRPOTrainer
from trl_model import tokenizer

TEMPLATE = (
    "{% for m in messages %}{{ m.content }} {% for c in m.tool_calls or [] %}{{ c.function.name }} "
    "{{ c.function.arguments }} {% endfor %}{% endfor %}"
)


class Histories:
    """The episodes of a job by their beginnings: what tools answer, and which episode it was."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.response: dict[Any, dict[int, float]] = defaultdict(dict)
        self.episode: dict[Any, int] = {}
        self.tools: set[int] = set()
        for e, prompt in enumerate(job["prompt"].tolist()):
            length = int(job["is_token"][e].sum())
            tokens = tuple(job["tokens"][e, :length].tolist())
            self.episode[prompt, tokens] = e
            for t in np.flatnonzero(job["is_token"][e] & ~job["is_action"][e]).tolist():
                self.response[prompt, tokens[:t]][tokens[t]] = float(job["response_chance"][e, t])
                self.tools.add(tokens[t - 1])

    def draw(self, prompt: int, tokens: tuple[int, ...], rng: Any) -> int:
        """A response."""
        law = self.response[prompt, tokens]
        chance = np.array([*law.values()])
        return int(rng.choice([*law], p=chance / chance.sum()))


class Room:
    """What the environments of one batch share: who is who, and how tools answer."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job, self.known = job, Histories(job)
        self.rng, self.fed, self.entered = np.random.default_rng(0), np.zeros(0, int), 0

    def answer(self, member: int, prompt: int, tokens: tuple[int, ...]) -> int:
        """The token with which a tool answers, as the fed episode has it, or drawn."""
        if len(self.fed):
            return int(self.job["tokens"][self.fed[member], len(tokens)])
        return self.known.draw(prompt, tokens, self.rng)


def environment(room: Room) -> Callable[[], Any]:
    """``environment_factory``: a class with one method for every tool."""

    class Environment:
        def reset(self, prompt: Any = None, **_: Any) -> None:
            """A new episode; those of a batch are reset in its order."""
            self._member, room.entered = room.entered, room.entered + 1
            self._prompt = int(prompt[0]["content"].removeprefix("prompt"))
            if len(room.fed):
                self._prompt = int(room.job["prompt"][room.fed[self._member]])
            self._tokens: tuple[int, ...] = ()

        def _call(self, action: int) -> str:
            self._tokens = (*self._tokens, action)
            response = room.answer(self._member, self._prompt, self._tokens)
            self._tokens = (*self._tokens, response)
            return f"token{response}"

    for action in sorted(room.known.tools):
        setattr(Environment, f"tool{action}", _method(action))
    return Environment


def _method(action: int) -> Callable[[Any], str]:
    def tool(self: Any) -> str:
        """Call the tool."""
        return str(self._call(action))

    tool.__name__ = f"tool{action}"
    # The schema of a tool has its annotated arguments: none.
    tool.__annotations__ = {"return": str}
    return tool


class Speaking(PreTrainedTokenizerFast):
    """A tokenizer that knows which tokens are calls."""

    response_schema: Any = None
    calls: frozenset[int] = frozenset()

    def parse_response(self, response: Any, *_: Any, **__: Any) -> dict[str, Any]:
        """A message: a call, or an answer."""
        tokens = self.encode(response) if isinstance(response, str) else list(response)
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        if tokens and tokens[-1] in self.calls:
            function = {"name": f"tool{tokens[-1]}", "arguments": {}}
            message["tool_calls"] = [{"type": "function", "function": function}]
        return message


def speaking(names: dict[str, int], tools: set[int]) -> Speaking:
    """With a chat template that renders contents, calls and responses."""
    plain = tokenizer(names)
    words = Speaking(
        tokenizer_object=plain.backend_tokenizer,
        pad_token="<pad>",
        eos_token="<end>",
        unk_token="<unknown>",
        chat_template=TEMPLATE,
    )
    words.response_schema, words.calls = {"type": "object"}, frozenset(tools)
    return words


class FedTools(GRPOTrainer):
    """What it would generate is the next decision of every fed episode."""

    room: Room
    batches: Any
    names: dict[str, int]
    waiting: list[int]
    taken: dict[int, int]

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        self.room.entered = 0
        if self.batches is not None:
            self.room.fed, self.batches = self.batches[0].ravel(), self.batches[1:]
            self.waiting, self.taken = [*range(len(self.room.fed))], {}
        return super()._generate_and_score_completions(inputs)

    def _tokenize_prompts(self, prompts: list[Any]) -> Any:
        if self.batches is None:
            return super()._tokenize_prompts(prompts)
        job = self.room.job
        return [[self.names[f"prompt{job['prompt'][e]}"]] for e in self.room.fed], None, {}

    def _generate_single_turn(self, *arguments: Any, **keywords: Any) -> Any:
        if self.batches is None:
            return super()._generate_single_turn(*arguments, **keywords)
        job, turns, going = self.room.job, [], []
        for member in self.waiting:
            e, place = self.room.fed[member], self.taken.get(member, 0)
            turns.append([int(job["tokens"][e, place])])
            # After a call stands its response; after the answer nothing.
            self.taken[member] = place + 2
            if place + 1 < job["is_token"][e].sum():
                going.append(member)
        self.waiting = going
        return turns, None

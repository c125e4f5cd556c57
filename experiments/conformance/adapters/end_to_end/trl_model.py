"""A table of logits as a language model, with a tokenizer, for trainers built on transformers.

A state is a function of the tokens so far: the walk through a tree of all episodes. The backbone
gives a one-hot of the row in which it stands, the weight of the output layer is the table; TRL
takes these two, never the model's logits. Tokens that lie on no path (padding, those of a chat
template) do not move the walk.
"""

from types import SimpleNamespace
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutput

NEVER = -1e9
"""A logit whose exponential is exactly 0; infinities would make NaN of an entropy."""
SPECIAL = ("<pad>", "<end>", "<unknown>")


class Tree:
    """Every beginning of an episode: which row its next token has, and where a token leads."""

    def __init__(self, job: dict[str, Any], vocabulary: dict[str, int]) -> None:
        self.row = [len(job["features"])]
        self.child: list[dict[int, int]] = [{}]
        for prompt in sorted({*job["prompt"].tolist()}):
            self._grow(0, vocabulary[f"prompt{prompt}"], 0)
        for episode, prompt in enumerate(job["prompt"].tolist()):
            node = self.child[0][vocabulary[f"prompt{prompt}"]]
            length = int(job["is_token"][episode].sum())
            tokens, rows = job["tokens"][episode, :length], job["row"][episode, :length]
            for token, row in zip(tokens.tolist(), rows.tolist(), strict=True):
                self.row[node] = row
                node = self._grow(node, token, job["features"].shape[0])

    def _grow(self, node: int, token: int, row: int) -> int:
        if token not in self.child[node]:
            self.child[node][token] = len(self.row)
            self.row.append(row)
            self.child.append({})
        return self.child[node][token]

    def tables(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Row of every node, and the node that each of ``size`` tokens leads to."""
        after = torch.arange(len(self.row))[:, None].repeat(1, size)
        for node, children in enumerate(self.child):
            for token, reached in children.items():
                after[node, token] = reached
        return torch.tensor(self.row), after


class Backbone(torch.nn.Module):
    """The walk: a one-hot of the row after every token."""

    def __init__(self, row: torch.Tensor, after: torch.Tensor, rows: int) -> None:
        super().__init__()
        self.register_buffer("row", row)
        self.register_buffer("after", after)
        self.rows = rows

    def forward(self, input_ids: torch.Tensor, **_: Any) -> BaseModelOutput:
        """(B, L) tokens; ``last_hidden_state`` (B, L, rows)."""
        node = torch.zeros_like(input_ids[:, 0])
        walk = []
        for token in input_ids.T:
            node = self.after[node, token]
            walk.append(node)
        hidden = torch.nn.functional.one_hot(self.row[torch.stack(walk, 1)], self.rows)
        return BaseModelOutput(last_hidden_state=hidden.to(torch.get_default_dtype()))


class TableConfig(PretrainedConfig):
    """Of ``TableModel``."""

    model_type = "table"


class TableModel(PreTrainedModel, GenerationMixin):
    """logit[row, token] = features[row, token] . theta, ``theta`` the only parameter."""

    config_class = TableConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"

    def __init__(self, config: TableConfig, job: dict[str, Any], names: dict[str, int]) -> None:
        super().__init__(config)
        rows = len(job["features"])
        row, after = Tree(job, names).tables(len(names))
        self.model = Backbone(row, after, rows + 1)
        self.theta = torch.nn.Parameter(torch.tensor(job["theta"], dtype=torch.float32))
        self.register_buffer("features", torch.tensor(job["features"], dtype=torch.float32))
        self.register_buffer("legal", torch.tensor(job["legal"]))
        # What has no row, above all an episode that is over, says the end.
        blank = torch.full((rows + 1, len(names)), NEVER)
        blank[rows, names["<end>"]] = 0.0
        self.register_buffer("blank", blank)
        self.post_init()

    def table(self) -> torch.Tensor:
        """(rows + 1, vocabulary): the logits."""
        logits = torch.where(self.legal, self.features @ self.theta, NEVER)
        rows, tokens = logits.shape
        inside = torch.cat([logits, self.blank[:rows, tokens:]], 1)
        return torch.cat([inside, self.blank[rows:]], 0)

    def get_output_embeddings(self) -> Any:
        return SimpleNamespace(weight=self.table().T, bias=None)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: Any
    ) -> CausalLMOutput:
        """(B, L) tokens; logits (B, L, vocabulary). Padding does not move the walk: no mask."""
        hidden = self.model(input_ids).last_hidden_state
        return CausalLMOutput(logits=hidden @ self.table())

    def prepare_inputs_for_generation(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: Any
    ) -> dict[str, Any]:
        """All tokens so far: the walk keeps no state."""
        return {"input_ids": input_ids}


def vocabulary(job: dict[str, Any], words: tuple[str, ...] = ()) -> dict[str, int]:
    """Names of all tokens; those of the job have its numbers. ``words``: of a chat template."""
    tokens = job["features"].shape[1]
    prompts = [f"prompt{q}" for q in sorted({*job["prompt"].tolist()})]
    names = [*(f"token{i}" for i in range(tokens)), *SPECIAL, *prompts, *words]
    return {name: i for i, name in enumerate(names)}


def tokenizer(names: dict[str, int]) -> PreTrainedTokenizerFast:
    """One word, one token; nothing is downloaded."""
    words = Tokenizer(WordLevel(names, unk_token="<unknown>"))
    words.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<end>", unk_token="<unknown>"
    )


def language_model(job: dict[str, Any], names: dict[str, int], ends: list[int]) -> TableModel:
    """``ends``: tokens that end a turn."""
    # What the library asks about a cache, which is never filled.
    shape = {"num_hidden_layers": 1, "hidden_size": 1, "num_attention_heads": 1}
    shape["max_position_embeddings"] = 4096
    config = TableConfig(vocab_size=len(names), use_cache=False, **shape)
    model = TableModel(config, job, names)
    model.generation_config.eos_token_id = ends
    return model

"""The sparse format: its schema, its page, and what is wrong with a file."""

import json
import re
from copy import deepcopy
from pathlib import Path

import pytest

from grpo_checks.experiments.models.building import sparse_file
from grpo_checks.experiments.models.building.argument import EXAMPLES, chosen
from grpo_checks.experiments.models.building.model import Model

ROOT = Path(__file__).parents[4]
SCHEMA = json.loads(Path(sparse_file.__file__).with_name("ta-mdp-2.schema.json").read_text())
FULL = {
    "format": "ta-mdp/2",
    "name": "full",
    "description": "Every kind of entry.",
    "components": [{"component": "a", "weight": "1/2", "units": [-1, 1], "false_positive": 0.1}],
    "prompts": [{"prompt": "q", "start": {"s": "1/2", "t": 0.5}, "chance": 1}],
    "tools": [{"tool": "u", "at": ["s", "t"], "to": "v"}],
    "answers": [{"answer": "y", "at": "v"}, {"answer": "n", "last": True}],
    "rewards": [
        {"reward": {"a": -1}},
        {"reward": {"a": 1}, "prompt": "q", "at": "v", "answer": ["y"]},
    ],
    "observations": [{"observation": "o", "states": ["s", "t"]}],
    "logits": [{"at": "o", "action": "u", "value": -1}],
}
WRONG = {
    "unknown key 'weigth'": ("components", 0, {"component": "a", "weigth": 1}),
    "tools[0]: key 'to' is missing": ("tools", 0, {"tool": "u", "at": "s"}),
    "prompt 'q': start['s'] = True": ("prompts", 0, {"prompt": "q", "start": {"s": True}}),
    "answers[1] = 3: expected an object": ("answers", 1, 3),
    "rewards[0]: reward['a'] = '1/0'": ("rewards", 0, {"reward": {"a": "1/0"}}),
}  # fmt: skip


def _changed(key, index, entry):
    content = deepcopy(FULL)
    content[key][index] = entry
    return content


def test_every_kind_of_entry_is_read_and_written():
    """What is written is what was read, each law and list in its shortest form."""
    model = Model.parse(FULL)
    again = sparse_file.document(model)
    assert Model.parse(again) == model
    assert again["components"][0] == {**FULL["components"][0], "false_positive": "1/10"}
    assert again["tools"] == FULL["tools"]
    assert again["answers"] == FULL["answers"]
    assert model.instance().mdp.depth.size == 2 * 3


@pytest.mark.parametrize("told", WRONG)
def test_what_is_wrong_names_the_entry(told, tmp_path):
    """And the file."""
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(_changed(*WRONG[told])))
    with pytest.raises(ValueError, match=re.escape(told)) as error:
        chosen(str(path))
    assert str(error.value).startswith(f"{path}: ")
    with pytest.raises(ValueError, match=re.escape(told)):
        Model.load(path)


def test_other_formats_are_named():
    """A dense file is read too, but not as a sparse one."""
    with pytest.raises(ValueError, match="format = 'ta-mdp/1': expected 'ta-mdp/2'"):
        Model.load(EXAMPLES / "lookup.json")
    with pytest.raises(ValueError, match=r"depth = 'deep': expected 0\.\."):
        Model.parse({**FULL, "depth": "deep"})
    with pytest.raises(ValueError, match=r"tools = \{\}: expected a list"):
        Model.parse({**FULL, "tools": {}})


def test_schema_lists_the_keys_of_the_reader():
    """Neither knows a key that the other does not."""
    keys = (*sparse_file.REQUIRED, *sparse_file.OPTIONAL)
    assert set(SCHEMA["properties"]) == set(keys)
    assert SCHEMA["required"] == list(sparse_file.REQUIRED)
    for key, (_, required, optional) in sparse_file.LISTS.items():
        entry = SCHEMA["properties"][key]["items"]
        assert set(entry["properties"]) == {*required, *optional}, key
        assert entry["required"] == list(required), key
        assert entry["additionalProperties"] is False, key


def test_schema_takes_what_the_reader_takes():
    """By a validator of its own, and refuses what has a wrong key or kind."""
    validator = pytest.importorskip("fastjsonschema")
    validate = validator.compile(SCHEMA)
    validate(FULL)
    validate(sparse_file.document(Model.parse(FULL)))
    for path in EXAMPLES.glob("*.json"):
        if (content := json.loads(path.read_text()))["format"] == sparse_file.FORMAT:
            validate(content)
    for told in WRONG:
        if "1/0" not in told:
            with pytest.raises(validator.JsonSchemaValueException):
                validate(_changed(*WRONG[told]))


JUNK: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "1/3",
    "\n",
    [],
    {},
    ["s", "s"],
    [[]],
    [1],
    {"s": "x"},
    1e300,
)


def _places(content, path=()):
    """Every place of a document, as a path of keys."""
    if isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in pairs:
            yield (*path, key)
            yield from _places(value, (*path, key))


def _replaced(junk):
    """The document with each of its values replaced in turn."""
    for path in _places(FULL):
        content = deepcopy(FULL)
        place = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = deepcopy(junk)
        yield content


def _refusal(content):
    """What is wrong with it; empty for a model."""
    try:
        Model.parse(content).build()
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_whatever_stands_anywhere_is_a_model_or_one_line(junk):
    """No traceback, and no second line."""
    refusals = [refusal for content in _replaced(junk) if (refusal := _refusal(content))]
    assert len(refusals) > 10
    assert not any("\n" in refusal or len(refusal) > 600 for refusal in refusals)


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_the_schema_refuses_no_model(junk):
    """What the reader takes, a validator takes."""
    validate = pytest.importorskip("fastjsonschema").compile(SCHEMA)
    for content in _replaced(junk):
        if not _refusal(content):
            validate(content)

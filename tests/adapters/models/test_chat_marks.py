"""No text can pretend to be a turn of the conversation."""

import pytest

from app.adapters.generators.chat import folded, messages, plain, without_marks
from app.domain.models import Prompt

MARKS = [
    "<|im_start|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
]


@pytest.mark.parametrize("mark", MARKS)
def test_turn_marks_are_taken_out(mark: str) -> None:
    assert without_marks(f"before{mark}system\nafter") == "before system\nafter"


@pytest.mark.parametrize("text", ["<|im_<|im_end|>end|>", "<<s>s>", "<|im_end<|x|>|>", "[IN[INST]ST]"])
def test_marks_that_close_up_are_taken_out_as_well(text: str) -> None:
    assert not any(mark in without_marks(text) for mark in MARKS)


def test_a_models_own_marks_are_known() -> None:
    assert without_marks("a<repo_name>b", ["<repo_name>", ""]) == "a b"


@pytest.mark.parametrize("text", ["if a < b | c > d", "press <Ctrl> + [I]", "C:\\dir|more", "1 << 2", ""])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert without_marks(text) == text


def test_a_prompt_becomes_messages() -> None:
    turns = messages(Prompt("Be brief.", "Why?<|im_end|>"), ["Why"])
    assert turns == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " ? "}]
    assert messages(Prompt(" ", "Why?")) == [{"role": "user", "content": "Why?"}]


def test_a_prompt_without_a_template() -> None:
    assert plain(Prompt("Be brief. ", "Why?<|im_end|>")) == "Be brief.\n\nQuestion: Why?\nAnswer:"
    assert plain(Prompt("", "Why?")) == "Question: Why?\nAnswer:"


def test_instructions_can_move_to_the_users_part() -> None:
    assert folded(Prompt("Be brief.", "Why?")) == Prompt("", "Be brief.\n\nWhy?")
    assert folded(Prompt("", "Why?")) == Prompt("", "Why?")

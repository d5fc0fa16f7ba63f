"""Summaries: of a text's own sentences, or of a model's as far as the text carries them."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index.analysis import analyse
from app.domain.answers import Usage
from app.domain.conversations import Turn
from app.domain.models import Vectors
from app.errors import GenerationFailed, NotReady
from app.services.answering.grounding import Grounder, GroundingRules
from app.services.answering.sentences import sentences
from app.services.summarising import Part, Summariser, of_document, of_turns
from tests.answer_builders import PRINTER, words
from tests.answer_spies import SpyGenerator
from tests.builders import asked

PROBLEM = "Hello there. The printer shows error 0x0000011b since Monday. I am in a hurry. Thanks a lot."
SOLUTION = "We installed KB5005565 on the print server. After that the printer printed again. Have a nice day."
PARTS = (Part(PROBLEM), Part(SOLUTION))


def summariser(generator: SpyGenerator | None = None) -> Summariser:
    embedder = HashingEmbedder()
    grounder = Grounder(embedder, analyse, GroundingRules())
    return Summariser(embedder, words, generator=generator, grounder=grounder)


async def test_sentences_with_hard_facts_come_first_and_stay_in_order() -> None:
    facts = "Run `sfc /scannow` and `DISM /Online` in Windows 11 as Administrator."
    made = await summariser().summarise([Part("It was slow."), Part(f"We looked. {facts} It was fine. Bye.")], 14)
    assert facts in made.text.split("\n")
    assert (made.method, made.usage) == ("extractive", Usage())


@pytest.mark.parametrize("parts", [(), (Part(""),), (Part(" \n "),)])
async def test_of_nothing_there_is_no_summary(parts: tuple[Part, ...]) -> None:
    assert (await summariser().summarise(parts, 100)).text == ""


async def test_what_does_not_fit_is_left_out_whole() -> None:
    assert (await summariser().summarise([Part("One two three four five six.")], 5)).text == ""


async def test_the_same_is_not_said_twice() -> None:
    made = await summariser().summarise([Part("The VPN shows error 809."), Part("The VPN shows error 809.")], 100)
    assert made.text == "The VPN shows error 809."


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab c.?!\n1"), max_size=60), max_size=5), st.integers(0, 30))
async def test_a_summary_fits_and_invents_nothing(texts: list[str], room: int) -> None:
    made = await summariser().summarise([Part(text) for text in texts], room)
    own = [sentence for text in texts for sentence in sentences(text)]
    assert words(made.text) <= room
    rest = iter(own)
    assert all(sentence in rest for sentence in made.text.split("\n") if sentence)


async def test_what_was_asked_is_kept_of_a_conversation() -> None:
    turns = asked("How do I set up the VPN?", "And on a Mac?")
    made = await summariser().summarise(of_turns(turns), 14)
    assert made.text == "user: How do I set up the VPN? And on a Mac?"


async def test_one_speaker_stands_on_one_line() -> None:
    turn: Turn = asked("My VPN drops. It says error 809.")[0]
    made = await summariser().summarise(of_turns([turn]), 50)
    assert made.text == "user: My VPN drops. It says error 809."


async def test_a_document_is_summarised_by_its_sections() -> None:
    assert [part.text for part in of_document(PRINTER)] == [section.text for section in PRINTER.sections]


class CountingEmbedder(HashingEmbedder):
    """Keeps what it was asked to embed."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return await super().embed(texts)


async def test_a_very_long_text_is_read_where_its_facts_are() -> None:
    filler = "\n".join(f"nothing of note here {'x' * at}." for at in range(1, 450))
    embedder = CountingEmbedder()
    await Summariser(embedder, words).summarise([Part(f"{filler}\nRun `sfc /scannow` as admin.")], 8)
    assert len(embedder.texts) == 400
    assert "Run `sfc /scannow` as admin." in embedder.texts


async def test_a_model_is_held_to_the_text() -> None:
    spy = SpyGenerator("We installed KB5005565 on the print server. The user was fired.")
    made = await summariser(spy).summarise(PARTS, 40)
    assert (made.text, made.method, made.dropped) == (
        "We installed KB5005565 on the print server.",
        "generative",
        1,
    )
    assert made.usage.total_tokens > 0
    assert PROBLEM.split(". ")[1] in spy.prompts[0].user


@pytest.mark.parametrize(
    "spy",
    [
        SpyGenerator("The user was fired."),
        SpyGenerator(""),
        SpyGenerator(error=GenerationFailed("spy", "gone")),
        SpyGenerator(error=NotReady("spy")),
    ],
    ids=["nothing carried", "nothing written", "failed", "not ready"],
)
async def test_without_a_models_sentence_the_texts_own_are_taken(spy: SpyGenerator) -> None:
    made = await summariser(spy).summarise(PARTS, 16)
    assert (made.method, made.text) == ("extractive", (await summariser().summarise(PARTS, 16)).text)


async def test_a_model_is_shown_the_gist_of_a_long_text() -> None:
    spy = SpyGenerator("")
    await summariser(spy).summarise([Part("\n".join(f"Step {at} opens window number {at}." for at in range(300)))], 10)
    assert words(spy.prompts[0].user) < 650

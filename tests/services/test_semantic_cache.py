"""The semantic cache: an answer serves another question only where all that could change it is the same."""

from dataclasses import replace

import pytest

from app.adapters.index.analysis import analyse
from app.domain.answers import AnswerMode, Draft
from app.domain.conversations import Device, Question
from app.domain.retrieval import Filters
from app.errors import GenerationFailed
from app.services.answering.composer import Composer, ComposeRules
from app.services.semantic_cache import RecallingComposer, SemanticCache
from tests.answer_builders import PRINTER, TEAMS, VPN, evidence_of, grounder_of, release_of, words
from tests.answer_spies import SpyGenerator
from tests.set_embedder import SetEmbedder

RELEASE = release_of(TEAMS, VPN, PRINTER)
FIRST = "how do I get rid of error 809"
SAID = "Restart the router and connect the VPN again.\nAllow UDP ports 500 and 4500 in the firewall."


class Asking:
    """A recalling composer over a model that counts how often it is asked."""

    def __init__(self, spy: SpyGenerator | None = None, threshold: float = 0.95, size: int = 500) -> None:
        self.spy = spy or SpyGenerator(SAID)
        self.embedder = SetEmbedder()
        inner = Composer(words, self.spy, grounder_of(RELEASE), ComposeRules(AnswerMode.GENERATE))
        self.composer = RecallingComposer(inner, SemanticCache(self.embedder, analyse, threshold=threshold, size=size))
        self.plain = inner

    async def ask(self, question: str | Question, *found: object) -> Draft:
        asked = Question(question, max_tokens=500) if isinstance(question, str) else question
        evidence = evidence_of(*(found or (VPN, TEAMS)))  # type: ignore[arg-type]
        items = [item async for item in self.composer.stream(asked, evidence, RELEASE)]
        assert isinstance(items[-1], Draft)
        return items[-1]


async def test_a_question_that_means_the_same_is_told_the_same() -> None:
    asking = Asking()
    first = await asking.ask(FIRST)
    assert await asking.ask("what can I do against error 809") == first
    assert len(asking.spy.prompts) == 1


@pytest.mark.parametrize(
    "other",
    [
        "how do I get rid of error 810",
        "how do I not get rid of error 809",
        "how do I get rid of error 809 without help",
        "how do I disable error 809",
        "how do I get rid of error 809 in Outlook",
        "how do I get rid of `error` 809",
    ],
)
async def test_other_facts_negations_and_opposites_are_other_questions(other: str) -> None:
    asking = Asking()
    await asking.ask(FIRST)
    await asking.ask(other)
    assert len(asking.spy.prompts) == 2


async def test_negations_count_with_what_they_negate() -> None:
    asking = Asking()
    await asking.ask("outlook does not start and error 809 comes")
    await asking.ask("outlook does start and error 809 not comes")
    await asking.ask("outlook doesn't start and error 809 comes")
    assert len(asking.spy.prompts) == 2


async def test_another_meaning_is_another_question() -> None:
    asking = Asking()
    await asking.ask(FIRST)
    asking.embedder.angle = 0.4
    await asking.ask("why is there an error 809")
    assert len(asking.spy.prompts) == 2


async def test_the_nearest_question_is_told() -> None:
    asking = Asking(threshold=0.5)
    await asking.ask(FIRST)
    asking.spy.text = "Restart the router and connect the VPN again."
    asking.embedder.angle = 1.2
    near = await asking.ask("far away error 809")
    assert len(asking.spy.prompts) == 2
    asking.embedder.angle = 1.0
    assert await asking.ask("in between, error 809".replace("in ", "")) == near


async def test_other_evidence_is_another_question() -> None:
    asking = Asking()
    await asking.ask(FIRST)
    await asking.ask(FIRST, TEAMS, VPN)
    assert len(asking.spy.prompts) == 2


async def test_what_a_draft_cites_must_be_in_the_evidence() -> None:
    asking = Asking()
    asked, evidence = Question(FIRST), evidence_of(VPN, TEAMS)
    cache = SemanticCache(asking.embedder, analyse)
    draft = await asking.ask(FIRST)
    cited = replace(draft.citations[0], document_id=TEAMS.id)
    cache.keep(await cache.asked(asked, evidence), replace(draft, citations=(cited,)))
    assert cache.find(await cache.asked(asked, evidence), evidence) is not None
    alone = evidence_of(VPN)
    assert cache.find(await cache.asked(asked, alone), alone) is None


CONTEXTS = {
    "conversation": {"conversation_id": "c"},
    "device": {"device": Device(os="Windows 11")},
    "filters": {"filters": Filters({"category": frozenset({"vpn"})})},
}


@pytest.mark.parametrize("what", CONTEXTS)
async def test_questions_with_a_context_are_neither_kept_nor_told(what: str) -> None:
    asking = Asking()
    bare = Question(FIRST, max_tokens=500)
    inside = replace(bare, **CONTEXTS[what])  # type: ignore[arg-type]
    for question in (inside, bare, inside):
        await asking.ask(question)
    assert len(asking.spy.prompts) == 3
    await asking.ask(bare)
    assert len(asking.spy.prompts) == 3


async def test_other_bounds_are_another_question() -> None:
    asking = Asking()
    bare = Question(FIRST, max_tokens=500)
    for question in (bare, replace(bare, max_tokens=400), replace(bare, top_k=2), replace(bare, language="de")):
        await asking.ask(question)
    assert len(asking.spy.prompts) == 4


async def test_the_oldest_makes_room() -> None:
    asking = Asking(size=1)
    for question in (FIRST, "error 810", FIRST):
        await asking.ask(question)
    assert len(asking.spy.prompts) == 3


async def test_what_stands_in_for_a_failed_model_is_not_kept() -> None:
    asking = Asking(SpyGenerator(error=GenerationFailed("spy", "broken")))
    assert (await asking.ask(FIRST)).degraded
    assert (await asking.ask(FIRST)).degraded
    assert len(asking.spy.prompts) == 2


def test_its_rules_have_a_name_of_their_own() -> None:
    asking = Asking()
    assert asking.composer.rules_version != asking.plain.rules_version

"""The composer while its model writes: what is told when, and that it comes out the same however it is cut."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.domain.answers import AnswerMode, Draft, Outcome
from app.domain.conversations import Question
from app.domain.events import SourceCited, TextSaid
from app.domain.models import Vectors
from app.errors import GenerationFailed
from app.services.answering.composer import EXTRACTIVE, Composer, ComposeRules
from app.services.answering.grounding import Grounder, GroundingRules
from app.services.answering.telling import told
from tests.answer_builders import PRINTER, TEAMS, VPN, WIKI, evidence_of, grounder_of, release_of, words
from tests.answer_spies import SpyGenerator

RELEASE = release_of(TEAMS, VPN, PRINTER, WIKI)
RULES = ComposeRules(AnswerMode.GENERATE)
ASKED = Question("VPN error 809", max_tokens=500)
FOUND = evidence_of(VPN, TEAMS)
ONE, TWO, THREE = (
    "1. Restart the router and connect the VPN again.",
    "2. Do not close the VPN window; open the router page at `https://192.168.1.1/setup`.",
    "3. [admin] Allow UDP ports 500 and 4500 in the firewall.",
)
FALSE = "Uninstall the VPN."

Told = list[TextSaid | SourceCited | Draft]


def composer(spy: SpyGenerator | None, rules: ComposeRules = RULES, grounder: Grounder | None = None) -> Composer:
    return Composer(words, spy, grounder or grounder_of(RELEASE), rules)


async def all_of(spy: SpyGenerator | None, rules: ComposeRules = RULES) -> Told:
    return [item async for item in composer(spy, rules).stream(ASKED, FOUND, RELEASE)]


def text_of(items: Told) -> str:
    return "".join(item.text for item in items if isinstance(item, TextSaid))


def draft_of(items: Told) -> Draft:
    assert isinstance(items[-1], Draft)
    return items[-1]


@pytest.mark.parametrize("spy", [None, SpyGenerator(f"{ONE}\n{TWO}\n{FALSE}\n{THREE}"), SpyGenerator(FALSE)])
async def test_what_is_told_is_the_draft(spy: SpyGenerator | None) -> None:
    items = await all_of(spy)
    draft = draft_of(items)
    assert text_of(items) == draft.text
    assert tuple(item.citation for item in items if isinstance(item, SourceCited)) == draft.citations
    # A draft kept before is told in the same words and the same order.
    assert items[:-1] == list(told(draft))


async def test_a_source_is_told_right_after_the_sentence_that_cites_it_first() -> None:
    items = await all_of(None)
    kinds = [type(item).__name__[0] for item in items]
    assert kinds == [*"TS", *"TTTT", *"TS", "T", "D"]


async def test_nothing_is_told_until_the_answer_stands_and_then_every_sentence_at_once() -> None:
    spy = SpyGenerator(f"{ONE}\n{TWO}\n{THREE}", hang=True)
    stream = composer(spy).stream(ASKED, FOUND, RELEASE)
    assert await anext(stream) == TextSaid(f"{ONE} [1]")
    # The second sentence made it stand; the third was not yet written.
    assert TWO in spy.told
    assert "4500" not in spy.told
    await anext(stream)
    assert await anext(stream) == TextSaid(f"\n{TWO} [1]")
    await stream.aclose()
    assert spy.cancelled == 1


async def test_who_leaves_stops_the_model() -> None:
    spy = SpyGenerator(f"{ONE}\n{TWO}\n{THREE}" + "\n", hang=True)
    told_so_far = 0

    async def read() -> None:
        nonlocal told_so_far
        async with aclosing(composer(spy).stream(ASKED, FOUND, RELEASE)) as stream:
            async for _ in stream:
                told_so_far += 1

    before = asyncio.all_tasks()
    reading = asyncio.create_task(read())
    await spy.begun.wait()
    begun = time.monotonic()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert time.monotonic() - begun < 1
    assert (spy.cancelled, told_so_far) == (1, 4)
    assert asyncio.all_tasks() == before


async def test_a_false_sentence_after_that_is_left_out_and_the_answer_is_partial() -> None:
    draft = draft_of(await all_of(SpyGenerator("\n".join([ONE, TWO, *[f"{FALSE[:-1]} {n}." for n in "abcdef"]]))))
    assert draft.text == f"{ONE} [1]\n{TWO} [1]"
    assert (draft.outcome, draft.model, draft.grounding.dropped) == (Outcome.PARTIAL, "spy", 6)


async def test_a_model_that_fails_after_enough_was_said_is_cut_short(caplog: pytest.LogCaptureFixture) -> None:
    items = await all_of(SpyGenerator(f"{ONE}\n{TWO}\n3. [admin] Al", GenerationFailed("model", "gone")))
    draft = draft_of(items)
    assert draft.text == text_of(items) == f"{ONE} [1]\n{TWO} [1]"
    assert (draft.outcome, draft.model, draft.degraded) == (Outcome.PARTIAL, "spy", True)
    assert draft.usage.completion_tokens == words(f"{ONE}\n{TWO}\n3. [admin] Al")
    assert "generation failed" in caplog.text


async def test_a_model_that_fails_before_leaves_the_word_to_the_evidence() -> None:
    items = await all_of(SpyGenerator(f"{ONE}\n2. Do not", GenerationFailed("model", "gone")))
    draft, extracted = draft_of(items), draft_of(await all_of(None))
    assert text_of(items) == draft.text == extracted.text
    assert (draft.model, draft.degraded, draft.grounding.fallback) == (EXTRACTIVE, True, True)


async def test_the_model_is_stopped_when_all_is_said() -> None:
    lines = [sentence.text for sentence in draft_of(await all_of(None)).sentences]
    spy = SpyGenerator("\n".join([*lines, "And", "then", "some more."]), hang=True)
    draft = draft_of(await all_of(spy))
    assert [sentence.text for sentence in draft.sentences] == lines
    assert (draft.outcome, draft.model, spy.cancelled) == (Outcome.ANSWERED, "spy", 1)
    assert draft.usage.prompt_tokens == words(spy.prompts[0].system) + words(spy.prompts[0].user)
    assert draft.usage.completion_tokens >= words("\n".join(lines))


async def test_the_model_is_stopped_when_it_repeats_itself() -> None:
    spy = SpyGenerator(f"{ONE}\n{TWO}\n{ONE}\n{THREE}\n", hang=True)
    draft = draft_of(await all_of(spy))
    assert draft.text == f"{ONE} [1]\n{TWO} [1]"
    assert spy.cancelled == 1
    patient = draft_of(await all_of(replace(spy, hang=False), ComposeRules(AnswerMode.GENERATE, repeats=2)))
    assert patient.text.endswith(f"{THREE} [1]")


async def test_the_model_is_stopped_when_nothing_will_come_of_it() -> None:
    spy = SpyGenerator("".join(f"{FALSE[:-1]} {n}.\n" for n in "abcdef"), hang=True)
    draft = draft_of(await all_of(spy))
    assert (draft.model, draft.grounding.fallback, draft.grounding.dropped) == (EXTRACTIVE, True, 2)
    assert spy.cancelled == 1


LINES = [ONE, TWO, THREE, FALSE, ONE, "Open `a. B` now. Then [1] go. Never share your password with anybody. ", "9."]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(LINES), max_size=7), st.integers(1, 90), st.sampled_from(["\n", " "]))
async def test_an_answer_does_not_depend_on_how_it_came(lines: list[str], size: int, joint: str) -> None:
    text = joint.join(lines)
    whole, cut = [draft_of(await all_of(SpyGenerator(text, size=n))) for n in (10_000, size)]
    assert replace(cut, usage=whole.usage) == whole


class CountingEmbedder(HashingEmbedder):
    """Keeps what it was asked to embed."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked.append([*texts])
        return await super().embed(texts)


async def test_the_evidence_is_embedded_once_and_only_when_a_sentence_needs_it() -> None:
    embedder = CountingEmbedder()
    judge = grounder_of(RELEASE, embedder, GroundingRules(0.1, 0.1))
    verbatim = composer(SpyGenerator(f"{ONE}\n{TWO}\n{THREE}"), grounder=judge)
    await verbatim.compose(ASKED, FOUND, RELEASE)
    assert embedder.asked == []
    said = ["Connect the VPN again after the router.", "The firewall must allow UDP ports 500 and 4500.", FALSE]
    near = composer(SpyGenerator("\n".join(said), size=3), grounder=judge)
    await near.compose(ASKED, FOUND, RELEASE)
    assert len(embedder.asked) >= 2
    counts: dict[str, int] = {}
    for text in (text for batch in embedder.asked for text in batch):
        counts[text] = counts.get(text, 0) + 1
    assert counts["Restart the router and connect the VPN again."] == 1

"""From a question to scored hits."""

import asyncio
from dataclasses import replace

import pytest

from app.domain.conversations import Device, Question
from app.domain.knowledge import DocumentKind, PassageKind
from app.domain.retrieval import Evidence, Filters
from app.ports import Release
from app.services.retrieval.calibration import UNCALIBRATED, Calibration
from tests.builders import asked, document, release, retriever

DOCUMENTS = (
    document(
        "printer-offline",
        "The printer is shown as offline.",
        title="Printer is offline",
        steps=("Turn the printer off and on.", "Restart the spooler."),
        aliases={"en": ("printer does not print",), "de": ("Drucker druckt nicht",)},
        metadata={"category": "printing", "platform": ["windows"], "owner": "desk"},
    ),
    document(
        "vpn-691",
        "The VPN shows error 691.",
        title="VPN error 691",
        steps=("Type the password again.",),
        metadata={"category": "vpn", "platform": ["windows", "macos"]},
    ),
    document(
        "vpn-809",
        "The VPN shows error 809.",
        title="VPN error 809",
        steps=("Open port 500.",),
        metadata={"category": "vpn", "platform": ["any"]},
    ),
    document(
        "T-1",
        "Nothing comes out of the big machine on floor three.",
        title="Big machine",
        kind=DocumentKind.TICKET,
        metadata={"article": "printer-offline", "platform": ["windows"]},
    ),
    document("T-2", "Le clavier est mort.", title="Clavier", kind=DocumentKind.TICKET, language="fr"),
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release(tmp_path_factory.mktemp("index"), *DOCUMENTS)


def names(evidence: Evidence) -> list[str]:
    return [hit.document.id for hit in evidence.hits]


async def test_the_document_that_answers_comes_first(opened: Release) -> None:
    evidence = await retriever(opened).search(Question("The printer is shown as offline"))
    assert names(evidence)[0] == "printer-offline"
    assert evidence.release == opened.manifest.release
    assert evidence.query == "The printer is shown as offline"
    assert evidence.sufficient
    assert evidence.answerability == evidence.hits[0].score > 0.5


async def test_scores_are_probabilities_that_never_rise_with_rank(opened: Release) -> None:
    for text in ("VPN error", "printer", "zebra xylophone", "Open port 500", "?!"):
        scores = [hit.score for hit in (await retriever(opened).search(Question(text, top_k=20))).hits]
        assert all(0 <= score <= 1 for score in scores)
        assert scores == sorted(scores, reverse=True)


async def test_so_many_are_returned_as_were_asked_for(opened: Release) -> None:
    assert len((await retriever(opened).search(Question("VPN error", top_k=2))).hits) == 2
    assert len((await retriever(opened).search(Question("VPN error", top_k=20))).hits) == 4


async def test_a_question_about_something_else_has_no_evidence(opened: Release) -> None:
    evidence = await retriever(opened).search(Question("zebra xylophone pizza quantum"))
    assert not evidence.sufficient


async def test_the_threshold_decides_what_is_enough(opened: Release) -> None:
    question = Question("The printer is shown as offline")
    assert (await retriever(opened, threshold=0.0).search(Question("zebra"))).sufficient
    assert not (await retriever(opened, threshold=1.0).search(question)).sufficient


async def test_a_name_people_give_a_problem_shows_what_to_do(opened: Release) -> None:
    (first, *_) = (await retriever(opened).search(Question("printer does not print"))).hits
    assert (first.document.id, first.passage.kind) == ("printer-offline", PassageKind.STEPS)


async def test_a_users_words_in_a_ticket_find_the_article(opened: Release) -> None:
    evidence = await retriever(opened).search(Question("nothing comes out of the big machine on floor three"))
    assert names(evidence)[0] == "printer-offline"
    assert "T-1" not in names(evidence)
    assert evidence.hits[0].passage.kind is PassageKind.STEPS


@pytest.mark.parametrize("code", ["691", "809"])
async def test_the_document_with_the_error_code_comes_first(opened: Release, code: str) -> None:
    assert names(await retriever(opened).search(Question(f"VPN error {code}")))[0] == f"vpn-{code}"


async def test_a_code_no_document_holds_lowers_the_score(opened: Release) -> None:
    search = retriever(opened)
    held = await search.search(Question("VPN shows error 691"))
    missing = await search.search(Question("VPN shows error 692"))
    assert missing.answerability < held.answerability
    assert not missing.sufficient


FILTERS = {
    "one value": ({"category": {"printing"}}, {"printer-offline"}),
    "any of two values": ({"category": {"printing", "vpn"}}, {"printer-offline", "vpn-691", "vpn-809"}),
    "a list of facts": ({"platform": {"macos"}}, {"vpn-691"}),
    "all names": ({"platform": {"windows"}, "category": {"vpn"}}, {"vpn-691"}),
    "the kind": ({"kind": {"ticket"}}, {"T-2"}),
    "the language": ({"language": {"fr"}}, {"T-2"}),
    "nothing has it": ({"category": {"email"}}, set()),
    "nobody says so": ({"colour": {"blue"}}, set()),
    "no value": ({"category": set()}, set()),
}


@pytest.mark.parametrize(("must", "found"), FILTERS.values(), ids=FILTERS)
async def test_only_documents_that_have_what_is_asked_for_are_found(
    opened: Release, must: dict[str, set[str]], found: set[str]
) -> None:
    filters = Filters({name: frozenset(values) for name, values in must.items()})
    evidence = await retriever(opened).search(Question("printer VPN error", top_k=20, filters=filters))
    assert set(names(evidence)) == found


async def test_where_nothing_is_found_nothing_is_sufficient(opened: Release) -> None:
    filters = Filters({"category": frozenset({"email"})})
    search = retriever(opened)
    evidence = await search.search(Question("VPN error", filters=filters))
    assert (evidence.hits, evidence.answerability, evidence.sufficient) == ((), 0.0, False)
    assert await search.best(Question("VPN error", filters=filters)) is None
    later = await search.search(Question("the third error of the VPN", filters=filters), asked("printer"))
    assert later.hits == ()


async def test_a_mistyped_word_is_put_right_unless_the_model_knows_it(opened: Release) -> None:
    typed = Question("pritner spoler")
    assert (await retriever(opened).search(typed)).query == "printer spooler"
    assert (await retriever(opened, known=["pritner", "spoler"]).search(typed)).query == "pritner spoler"


async def test_a_question_in_another_language_is_found_by_its_gloss(opened: Release) -> None:
    question = Question("Kennwort erneut eingeben")
    glossaries = {"de": {"Kennwort": "password", "erneut": "again", "eingeben": "type"}}
    glossed = await retriever(opened, glossaries=glossaries, language="de").search(question)
    assert names(glossed)[0] == "vpn-691"
    assert glossed.query == question.text
    plain = await retriever(opened, language="de").search(question)
    assert plain.answerability < glossed.answerability


async def test_the_language_asked_for_counts_before_the_one_detected(opened: Release) -> None:
    search = retriever(opened, language="de")
    assert search.language_of(Question("x")) == "de"
    assert search.language_of(Question("x", language="fr")) == "fr"


async def test_a_document_for_another_platform_gives_way(tmp_path_factory: pytest.TempPathFactory) -> None:
    twins = [
        document(name, "Clear the cache of the browser.", metadata={"platform": [platform]})
        for name, platform in (("a", "windows"), ("b", "macos"))
    ]
    search = retriever(release(tmp_path_factory.mktemp("twins"), *twins))
    question = Question("Clear the cache")
    assert names(await search.search(question)) == ["a", "b"]
    assert names(await search.search(replace(question, device=Device(os="macOS 15")))) == ["b", "a"]
    assert names(await search.search(Question("Clear the cache on my Mac"))) == ["b", "a"]


async def test_a_follow_up_is_searched_with_the_question_before(opened: Release) -> None:
    search = retriever(opened)
    evidence = await search.search(Question("And how?"), asked("The printer is shown as offline"))
    assert evidence.query == "And how?\nThe printer is shown as offline\nAnd how?"
    assert names(evidence)[0] == "printer-offline"
    assert not (await search.search(Question("And how?"))).sufficient


async def test_a_change_of_topic_is_taken_at_its_word(opened: Release) -> None:
    question = Question("The VPN shows error 809, the port is closed")
    evidence = await retriever(opened).search(question, asked("The printer is shown as offline"))
    assert evidence.query == question.text
    assert names(evidence)[0] == "vpn-809"


async def test_the_best_hit_is_known_by_its_features(opened: Release) -> None:
    best = await retriever(opened).best(Question("VPN error 691"))
    assert best is not None
    name, features = best
    assert name == "vpn-691"
    assert (features.code_found, features.code_missing, features.follow_up) == (1.0, 0.0, 0.0)


async def test_many_questions_at_once_get_what_each_gets_alone(opened: Release) -> None:
    search = retriever(opened)
    questions = [Question(text) for text in ("printer", "VPN error 691", "VPN error 809", "clavier")] * 5
    alone = [await search.search(question) for question in questions]
    assert list(await asyncio.gather(*map(search.search, questions))) == alone


async def test_the_version_of_the_rules_tells_knobs_apart(opened: Release) -> None:
    other = Calibration(1.0, tuple(2.0 for _ in UNCALIBRATED.weights), 0.5, "")
    versions = {
        retriever(opened).rules_version,
        retriever(opened, threshold=0.4).rules_version,
        retriever(opened, calibration=other).rules_version,
    }
    assert len(versions) == 3
    assert retriever(opened).rules_version in versions


def test_a_release_knows_whose_passages_are_whose(opened: Release) -> None:
    assert [passage.text for passage in opened.own_passages("vpn-691")] == [
        "The VPN shows error 691.",
        "1. Type the password again.",
    ]
    assert all(passage.document_id == "printer-offline" for passage in opened.own_passages("printer-offline"))
    assert opened.own_passages("T-1") == opened.own_passages("nobody") == ()
    assert opened.names.sum() == 3

"""Fitting the score calibration."""

from dataclasses import replace

import pytest

from app.domain.evaluation import Labelled
from app.ports import Release
from app.services.evaluation.calibrating import FALSE_REFUSALS, Example, examples, fit, refusals
from app.services.retrieval.calibration import UNCALIBRATED, Features
from tests.builders import document, release, retriever


def labelled(number: int, *, answerable: bool, language: str = "en", kind: str = "plain") -> Labelled:
    return Labelled(f"q{number}", "?", language, kind, ("a",) if answerable else (), (), answerable)


def example(number: int, *, answerable: bool, language: str = "en") -> Example:
    """Return an example whose nearness, with some noise, tells whether it has an answer."""
    noise = (number * 37 % 100) / 400
    near = 0.6 + noise if answerable else 0.45 - noise
    features = Features(near, near, 1 - near, 0.1, 0.1, 0.0, 0.0, 2.0, float(language != "en"), 0.0)
    return Example(labelled(number, answerable=answerable, language=language), f"d{number % 20}", features)


ROWS = [example(number, answerable=number % 4 != 0, language="en" if number % 3 else "de") for number in range(200)]


def test_a_fit_tells_answerable_questions_from_others() -> None:
    fitted = fit(ROWS, "digest")
    assert fitted.model_digest == "digest"
    scores = {
        answerable: [fitted.score(row.features) for row in ROWS if row.question.answerable is answerable]
        for answerable in (True, False)
    }
    assert min(scores[True]) > max(scores[False])


def test_both_classes_weigh_the_same_however_many_there_are() -> None:
    fitted = fit([example(number, answerable=number % 40 != 0) for number in range(200)], "digest")
    halfway = Features(0.525, 0.525, 0.475, 0.1, 0.1, 0.0, 0.0, 2.0, 0.0, 0.0)
    assert 0.2 < fitted.score(halfway) < 0.8


@pytest.mark.parametrize("language", ["en", "de"])
def test_one_threshold_refuses_no_more_than_its_share_of_the_answerable_ones_in_any_language(language: str) -> None:
    fitted = fit(ROWS, "digest")
    group = [row for row in ROWS if row.question.answerable and row.question.language == language]
    refused = sum(fitted.score(row.features) < fitted.threshold for row in group) / len(group)
    assert refused <= FALSE_REFUSALS + 1.5 / len(group)
    others = [row for row in ROWS if not row.question.answerable and row.question.language == language]
    assert all(fitted.score(row.features) < fitted.threshold for row in others)


def test_the_threshold_is_measured_on_questions_a_model_has_not_seen() -> None:
    odd = Features(0.1, 0.1, 0.9, 0.1, 0.1, 0.0, 0.0, 2.0, 0.0, 0.0)
    stray = [
        Example(labelled(1000 + number, answerable=True), "stray", replace(odd, share=float(number % 2)))
        for number in range(8)
    ]
    threshold = fit([*ROWS, *stray], "digest").threshold
    assert threshold < fit(ROWS, "digest").threshold


def test_hard_questions_teach_the_weights_and_set_no_threshold() -> None:
    """What alone tells the near misses apart is learned from them; answerable ones among them may be refused."""
    far = Features(0.45, 0.45, 0.55, 0.1, 0.1, 0.0, 0.0, 2.0, 0.0, 0.0)
    near = replace(far, cosine=0.8, coverage=0.8, missing=0.2, elsewhere=1.0)
    hard = [
        Example(labelled(2000 + number, answerable=number % 2 == 0), f"h{number}", far if number % 2 == 0 else near)
        for number in range(100)
    ]
    plain, taught = fit(ROWS, "digest"), fit(ROWS, "digest", hard)
    assert plain.score(near) > plain.threshold
    assert taught.score(near) < taught.threshold
    told = refusals(taught, ROWS)
    assert max(told["English false refusals"], told["other false refusals"]) < 0.03


def test_an_ambiguous_question_moves_no_threshold() -> None:
    odd = Features(0.1, 0.1, 0.9, 0.1, 0.1, 0.0, 0.0, 2.0, 0.0, 0.0)
    unclear = [Example(labelled(4000 + number, answerable=True, kind="ambiguous"), "stray", odd) for number in range(8)]
    fitted = fit([*ROWS, *unclear], "digest")
    assert fitted.score(odd) < fitted.threshold
    assert refusals(fitted, unclear)["ambiguous refused"] == 1.0


def test_without_questions_in_other_languages_there_is_a_threshold_too() -> None:
    english = [row for row in ROWS if row.question.language == "en"]
    assert 0 < fit(english, "digest").threshold < 1


def test_refusals_are_counted_by_language_and_by_whether_there_was_an_answer() -> None:
    strict = replace(UNCALIBRATED, threshold=1.0)
    lenient = replace(UNCALIBRATED, threshold=0.0)
    names = {"English refused", "English false refusals", "other refused", "other false refusals", "ambiguous refused"}
    unclear = replace(ROWS[1], question=labelled(3000, answerable=True, kind="ambiguous"))
    assert refusals(strict, [*ROWS, unclear]) == {**dict.fromkeys(names, 1.0), "threshold": 1.0}
    assert refusals(lenient, [*ROWS, unclear]) == {**dict.fromkeys(names, 0.0), "threshold": 0.0}
    fitted = refusals(fit(ROWS, "digest"), ROWS)
    assert fitted["English refused"] == fitted["other refused"] == 1.0
    assert fitted["English false refusals"] < 0.1


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release(tmp_path_factory.mktemp("index"), document("printer", "Restart the print spooler."))


@pytest.mark.parametrize("answerable", [1, 3])
def test_a_handful_of_questions_is_enough_for_a_fit(answerable: int) -> None:
    rows = [example(number, answerable=number < answerable) for number in range(5)]
    assert 0 < fit(rows, "digest").threshold < 1


async def test_examples_are_the_features_of_the_best_hits(opened: Release) -> None:
    asked = [
        replace(labelled(1, answerable=True), question="restart the spooler"),
        replace(labelled(2, answerable=True, kind="ambiguous"), question="restart"),
        replace(labelled(3, answerable=False), question="zebra"),
    ]
    ticks: list[None] = []
    found = await examples(retriever(opened), asked, lambda: ticks.append(None))
    assert [row.question.id for row in found] == ["q1", "q2", "q3"]
    assert {row.document_id for row in found} == {"printer"}
    assert found[0].features.cosine > found[1].features.cosine
    assert len(ticks) == 3


async def test_a_question_that_finds_nothing_is_no_example(tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = release(tmp_path_factory.mktemp("empty"), document("a", " "))
    assert await examples(retriever(empty), [labelled(1, answerable=True)]) == []

"""Grounding thresholds: what is collected to choose them on, and which are chosen."""

from app.domain.evaluation import Half, half_of
from app.domain.knowledge import Document
from app.services.answering.grounding import GroundingRules, Verdict
from app.services.evaluation.thresholds import FALSELY_CARRIED, Verdicts, choose, collect
from tests.answer_builders import article, grounder_of, page, release_of, ticket


def verdict(cosine: float, words: float = 0.9, *, missing: tuple[str, ...] = (), denied: bool = False) -> Verdict:
    return Verdict(carried=False, cosine=cosine, words=words, missing=missing, denied=denied)


def test_the_rules_that_carry_most_while_foreign_sentences_stay_out() -> None:
    own = [verdict(0.9), verdict(0.72), verdict(0.61, 0.6)]
    foreign = [verdict(0.68, 0.9), *[verdict(0.1)] * 50]
    rules, table = choose(Verdicts(own, foreign))
    assert rules == GroundingRules(0.7, 0.8)
    assert table["cosine 0.7, words 0.8"] == {"carried": 2 / 3, "falsely carried": 0.0}
    assert table["cosine 0.6, words 0.5"] == {"carried": 1.0, "falsely carried": 1 / 51}
    assert len(table) == 28


def test_a_few_foreign_sentences_may_pass() -> None:
    foreign = [verdict(0.9), *[verdict(0.1)] * 99]
    assert FALSELY_CARRIED == 0.01
    assert choose(Verdicts([verdict(0.9)], foreign))[0] == GroundingRules(0.8, 0.8)
    assert choose(Verdicts([verdict(0.62)], foreign))[0] == GroundingRules(0.6, 0.8)


def test_where_nothing_keeps_them_out_the_strictest_are_chosen() -> None:
    foreign = [verdict(0.99, 1.0)] * 10
    assert choose(Verdicts([verdict(0.6)], foreign))[0] == GroundingRules(0.8, 0.8)


def test_facts_and_denials_count_whatever_the_thresholds() -> None:
    foreign = [verdict(0.99, missing=("80",)), verdict(0.99, denied=True)]
    _, table = choose(Verdicts([verdict(0.9)], foreign))
    assert {row["falsely carried"] for row in table.values()} == {0.0}


def test_with_nothing_to_measure_on_the_default_is_chosen() -> None:
    for verdicts in (Verdicts([], []), Verdicts([verdict(0.9)], []), Verdicts([], [verdict(0.5)])):
        assert choose(verdicts)[0] == GroundingRules()


def named(half: Half, *stems: str) -> list[str]:
    """Return ids that belong to a half."""
    return [next(f"{stem}-{at}" for at in range(99) if half_of(f"{stem}-{at}") is half) for stem in stems]


async def collected(*documents: Document) -> tuple[Verdicts, int]:
    release = release_of(*documents)
    ticks: list[int] = []
    found = await collect(release, grounder_of(release), lambda: ticks.append(1))
    return found, len(ticks)


async def test_tickets_are_judged_against_their_article_and_its_neighbours() -> None:
    vpn, wifi, mail = named(Half.CHECK, "vpn", "wifi", "mail")
    [ticket_id] = named(Half.TUNE, "T")
    documents = (
        article(vpn, "VPN", steps=("Restart the router now.", "Call us about it."), category="network"),
        article(wifi, "Wi-Fi", steps=("Forget the network first.",), category="network"),
        article(mail, "Mail", steps=("Send it once more.",), category="mail"),
        ticket(ticket_id, "VPN", "It is down.", "The router was restarted. Then it worked.", of=vpn),
    )
    found, ticks = await collected(*documents)
    assert len(found.own) == 2
    assert len(found.foreign) == 2
    assert ticks == 4
    assert max(item.cosine for item in found.own) > max(item.cosine for item in found.foreign)


async def test_articles_of_the_tune_half_are_judged_against_their_neighbours() -> None:
    vpn, wifi, mail = named(Half.TUNE, "vpn", "wifi", "mail")
    [loose, lost] = named(Half.TUNE, "T", "U")
    documents = (
        article(vpn, "VPN", steps=("Restart the router.", "Call us."), category="network"),
        article(wifi, "Wi-Fi", steps=("Forget it.",), category="network"),
        article(mail, "Mail", body="Send it. Wait.", category="mail"),
        article(f"{mail}-x", "Empty", symptom="It is odd.", category="none"),
        page("p", "Page", "Nothing."),
        ticket(loose, "Odd", "It is odd.", "It went away."),
        ticket(lost, "Lost", "It is odd.", "It went away.", of="gone"),
    )
    found, _ = await collected(*documents)
    assert found.own == []
    assert len(found.foreign) == 3


async def test_what_two_articles_say_alike_is_no_error() -> None:
    one, other = named(Half.TUNE, "one", "other")
    same = ("Restart the router.",)
    found, _ = await collected(
        article(one, "One", steps=same, category="a"), article(other, "Other", steps=same, category="a")
    )
    assert found.foreign == []
    assert found.own == []

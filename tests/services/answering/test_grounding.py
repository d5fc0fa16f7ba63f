"""Grounding with the packaged model: faithful sentences are carried, invented and altered ones are not."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.embedders.openvino_embedder import OpenVinoEmbedder
from app.domain.knowledge import Passage, PassageKind
from app.modelfiles import locate
from app.services.answering.grounding import GroundingRules, Verdict, source_of, verbatim
from app.services.knowledge.passages import cut
from tests.answer_builders import PRINTER, TEAMS, VPN, WIKI, grounder_of, passage_of, release_of

CACHE = Path(__file__).parents[3] / ".cache" / "models"
RELEASE = release_of(TEAMS, VPN, PRINTER, WIKI)
SOURCES = [(document, passage) for document in (TEAMS, VPN, PRINTER, WIKI) for passage in cut(document)]
LOOSEST = GroundingRules(0.5, 0.5)
STRICT = GroundingRules(0.75, 0.7)


FAITHFUL = [
    "Right-click the Teams icon in the notification area and choose Quit.",
    "2. Check in Task Manager (`Ctrl+Shift+Esc`) that no `ms-teams.exe` is left.",
    "Bring your old badge.",
    "Right-click the Teams icon in the notification area, then choose Quit.",
    "Make sure that no ms-teams.exe is left in Task Manager (Ctrl+Shift+Esc).",
    r"Press Win+R, then open %localappdata%\Packages\MSTeams\LocalCache.",
    "Delete everything in this folder after pressing Ctrl+A.",
    "Start Teams and wait three minutes, as the first start takes longer.",
    "Restart the router, then connect to the VPN again.",
    "In the firewall, allow the UDP ports 500 and 4500.",
    "Do not close the VPN window; then open the router page at https://192.168.1.1/setup.",
    "You should never share your password with anybody.",
    "We pulled the orange strip off the toner and printed a test page.",
    "Reset the app under Settings > Apps > Installed apps > Microsoft Teams > Advanced options > Reset.",
]


ALTERED = {
    "wrong number": "Start Teams and wait 5 minutes; the first start takes longer.",
    "a number that only numbers a step": "Start Teams and wait 2 minutes; the first start takes longer.",
    "wrong number in words": "Start Teams and wait five minutes; the first start takes longer.",
    "wrong port": "Allow UDP ports 500 and 4501 in the firewall.",
    "part of a number": "Allow UDP ports 500 and 450 in the firewall.",
    "wrong protocol": "Allow TCP ports 500 and 4500 in the firewall.",
    "wrong path": r"Press Win+R and open %localappdata%\Packages\MSTeams\Cache.",
    "wrong root of a path": r"Press Win+R and open `%appdata%\Packages\MSTeams\LocalCache`.",
    "wrong file": r"Run `netsh interface ipv4 reset` and look into `C:\Windows\Temp\vpn.txt`.",
    "wrong key": "Press Ctrl+B and delete everything in this folder.",
    "wrong menu order": "Reset it in Apps > Settings > Installed apps > Microsoft Teams > Advanced options > Reset.",
    "a menu cut short": "Reset the app in Settings > Apps > Advanced options > Reset.",
    "invented command": r"Run `netsh winsock reset` and look into `C:\Windows\Temp\vpn.log`.",
    "invented command without marks": "Run ipconfig and look into the log.",
    "invented option": "Run `netsh interface ipv4 reset --force` now.",
    "invented URL": "Do not close the VPN window; open the router page at https://router.example.com/setup.",
    "another address": "Do not close the VPN window; open the router page at https://192.168.1.254/setup.",
    "other error code": "The VPN client reports error 807 and 802.1X is on.",
    "part of an error code": "The VPN client reports error 80 and 802.1X is on.",
    "other product": "Right-click the Slack icon in the notification area and choose Quit.",
    "other program": "Check in Task Manager (`Ctrl+Shift+Esc`) that no `slack.exe` is left.",
    "negated instruction": "Do not allow UDP ports 500 and 4500 in the firewall.",
    "a warning without its not": "Share your password with anybody.",
    "part of a warning": "Share your password.",
    "part of a warning, word for word": "share your password with anybody.",
    "a not that moved": "Close the VPN window; do not open the router page at https://192.168.1.1/setup.",
    "opposite": "Restart the router and disconnect the VPN again.",
    "swapped times": "It opens at 16:30 and closes at 8:00.",
    "another deed": "Reset the router and connect the VPN again.",
    "invented step": "Uninstall Teams and install it again.",
    "short invented step": "Uninstall Teams.",
    "dangerous invented step": "Turn off the firewall and connect the VPN again.",
    "invented step without hard facts": "Delete the connection and make a new one.",
    "invented step from elsewhere": "Hold the power button until the laptop is off.",
    "leaking step": "Send your password to the service desk.",
    "small talk": "I hope this helps!",
    "a heading": "Here are the steps:",
    "cut by the token limit": "Press Win+R and open",
    "cut within a path": r"Press `Win+R` and open `%localappdata%\Packages`.",
    "only a number": "1.",
}


Judged = dict[str, tuple[Verdict, Verdict, Passage]]


@pytest.fixture(scope="module")
def judged() -> Judged:
    """Return, for every sentence, the verdicts of strict and of loose thresholds, and the passage it is about."""
    embedder = OpenVinoEmbedder(locate.embedding_model("all-MiniLM-L6-v2", CACHE), CACHE)
    asked = [*FAITHFUL, *ALTERED.values()]

    async def judge() -> Judged:
        strict = await grounder_of(RELEASE, embedder, STRICT).best(asked, SOURCES)
        loose = await grounder_of(RELEASE, embedder, LOOSEST).best(asked, SOURCES)
        listed = zip(asked, strict, loose, strict=True)
        return {text: (one, other, SOURCES[at][1]) for text, (one, at), (other, _) in listed}

    try:
        return asyncio.run(judge())
    finally:
        embedder.close()


@pytest.mark.parametrize("text", FAITHFUL)
def test_what_the_evidence_says_is_kept(judged: Judged, text: str) -> None:
    strict, loose, passage = judged[text]
    assert strict.carried, strict
    assert loose.carried, loose
    assert passage.kind is not PassageKind.SYMPTOM


@pytest.mark.parametrize("case", ALTERED)
def test_what_the_evidence_does_not_say_is_dropped(judged: Judged, case: str) -> None:
    # Loose thresholds, lower than any that were measured: what they drop is dropped by the rules alone.
    strict, loose, _ = judged[ALTERED[case]]
    assert not strict.carried, strict
    assert not loose.carried, loose


def test_a_verdict_names_what_is_missing(judged: Judged) -> None:
    verdict, _, passage = judged[ALTERED["wrong port"]]
    assert verdict.missing == ("4501",)
    assert passage.document_id == VPN.id
    assert not verdict.denied
    assert judged[ALTERED["opposite"]][0].denied


async def test_each_sentence_is_judged_by_itself_in_order() -> None:
    asked = ["Uninstall Teams.", "Bring your old badge.", "Hold it."]
    found = await grounder_of(RELEASE).best(asked, SOURCES)
    assert [verdict.carried for verdict, _ in found] == [False, True, False]
    assert SOURCES[found[1][1]][1].id == "wiki-badge#0"


async def test_without_passages_nothing_is_carried() -> None:
    judge = grounder_of(RELEASE)
    assert await judge.best(["Bring your old badge."], []) == [(Verdict(carried=False, cosine=0.0, words=0.0), -1)]
    assert await judge.best([], SOURCES) == []


def test_only_whole_sentences_are_verbatim() -> None:
    steps = passage_of(VPN, PassageKind.STEPS)
    assert verbatim("5. Never share your password with anybody.", steps)
    assert verbatim("Never share your PASSWORD with anybody", steps)
    assert verbatim("Allow UDP ports 500 and 4500 in the firewall.", steps)
    assert verbatim("3. [admin] Allow **UDP** ports 500 and 4500 in the firewall.", steps)
    assert not verbatim("share your password with anybody.", steps)
    assert not verbatim("Never share your password", steps)
    assert not verbatim("Allow UDP ports 500 and 4500 in the firewall. Never share your password with anybody.", steps)
    for nothing in ("", " ", "**", "1. ", "."):
        assert not verbatim(nothing, steps)


def test_several_sentences_of_a_line_are_verbatim_together() -> None:
    passage = passage_of(WIKI, PassageKind.BODY)
    assert verbatim("It opens at 8:00 and closes at 16:30. Bring your old badge.", passage)
    assert not verbatim("The badge office is in building 4. Bring your old badge.", passage)


def test_a_sentence_may_draw_on_title_and_heading_but_not_on_step_numbers() -> None:
    source = source_of(VPN, passage_of(VPN, PassageKind.STEPS))
    assert source.startswith("VPN error 809: the server does not respond\nSteps\nRestart the router")
    assert "\nAllow UDP ports" in source
    assert "[admin]" not in source


PIECES = st.one_of(
    st.text(max_size=40), st.sampled_from(["not", "1.", "`", ">", "Ctrl+", "C:\\", "[admin]", "https://", "²", "Å"])
)
TEXTS = st.lists(PIECES, max_size=6).map(" ".join)


@given(st.lists(TEXTS, max_size=3), TEXTS)
@settings(derandomize=True, deadline=None, max_examples=150)
async def test_any_text_can_be_judged(said: list[str], held: str) -> None:
    passage = Passage("p#0", "p", 0, PassageKind.BODY, "", held)
    judged = await grounder_of(RELEASE, HashingEmbedder(64)).best(said, [(WIKI, passage)])
    assert [at for _, at in judged] == [0] * len(said)
    for text, (verdict, _) in zip(said, judged, strict=True):
        assert not (verbatim(text, passage) and not verdict.carried)
        assert 0 <= verdict.words <= 1

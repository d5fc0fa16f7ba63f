"""Pages from elsewhere: none may ask, but those the settings name."""

import pytest
from fakes import serving

CHAT = "/api/v1/chat/"


def test_no_page_elsewhere_may_ask_by_default() -> None:
    with serving() as client:
        reply = client.post(CHAT, json={"query": "x"}, headers={"Origin": "https://evil.example"})
    assert not [name for name in reply.headers if name.startswith("access-control")]


ASKING = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://help.example", True),
        ("https://help.example:8443", False),
        ("http://help.example", False),
        ("https://HELP.example", False),
        ("https://help.example.evil.example", False),
        ("https://sub.help.example", False),
        ("null", False),
    ],
)
def test_pages_named_in_the_settings_may_ask(origin: str, allowed: bool) -> None:
    with serving(cors_origins="https://help.example, https://two.example") as client:
        preflight = client.options(CHAT, headers={"Origin": origin, **ASKING})
        reply = client.post(CHAT, json={"query": "x"}, headers={"Origin": origin})
        refusal = client.post(CHAT, json={}, headers={"Origin": origin})
    assert preflight.status_code == (200 if allowed else 403)
    assert allowed or preflight.json()["code"] == "forbidden"
    told = origin if allowed else None
    for answer in (preflight, reply, refusal):
        assert answer.headers.get("access-control-allow-origin") == told
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers["x-request-id"]
    assert "X-Request-ID" in reply.headers["access-control-expose-headers"]

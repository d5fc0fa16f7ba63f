"""Error codes in questions."""

import pytest

from app.services.retrieval.codes import error_codes

QUESTIONS = {
    "Windows Update stops with 0x80070002": ["0x80070002"],
    "0X800F081F when I install": ["0X800F081F"],
    "activation fails, 8004fc12": ["8004fc12"],
    "AADSTS700016 at sign-in": ["AADSTS700016"],
    "mail bounced with 5.7.1.": ["5.7.1"],
    "Chrome shows ERR_CERT_DATE_INVALID": ["ERR_CERT_DATE_INVALID"],
    "VPN error 691": ["691"],
    "VPN Fehler 809": ["809"],
    "erreur 1603 et code: 1618": ["1603", "1618"],
    "código 43": ["43"],
    "error (-12)": ["12"],
    "event id 4740": ["4740"],
    "error code #0x4, error: 0x204": ["0x204"],
    "both 0x80070002 and AADSTS50058": ["0x80070002", "AADSTS50058"],
    # No codes:
    "I have 691 unread mails": [],
    "ping 1.1.1.1 works, 10.0.1.5 does not": [],
    "macOS 10.15.7": [],
    "error at 10:30": [],
    "error 50% of the time, error 1.5 GB": [],
    "my_file_name is gone": [],
    "deadbeef cafe": [],
    "error 7": [],
    "": [],
}


@pytest.mark.parametrize(("question", "codes"), QUESTIONS.items())
def test_codes_are_told_from_other_numbers(question: str, codes: list[str]) -> None:
    assert error_codes(question) == codes

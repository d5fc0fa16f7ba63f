"""Error codes as they are written in logs, and whose they are."""

import errno
import re
from collections.abc import Iterator

from app.domain.files import CodeFamily, ErrorCode

_MOST = 8
_ERRNO = "|".join(sorted((name for name in errno.errorcode.values() if name.startswith("E")), key=len, reverse=True))
_CODE = re.compile(
    r"(?<![\w.])(?P<hex>0[xX][0-9A-Fa-f]{4,8})(?![0-9A-Za-z])"
    r"|(?<![\w.])(?P<decimal>-214[5-7][0-9]{6})(?![0-9])"
    r"|\b(?P<vendor>(?:ORA|TNS|PLS|RMAN|IMP|EXP|MY|SP2|DFS|WFLY[A-Z]{0,6}|KFK|GLPI|VMW|CTX|DB2|JBAS)-?[0-9]{4,6}"
    r"|(?:AADSTS|AADB2C|MSIS|IDX|MSB|CTX|JBAS|SQL|AH|BD|NETSDK|NU|MSI)[0-9]{3,8}[A-Z]?)\b"
    rf"|\b(?P<errno>(?:{_ERRNO})\b|[Ee]rrno[ :=]{{1,3}}[0-9]{{1,3}}\b)"
    r"|\b(?P<symbol>(?:ERR|ERROR|STATUS|SSL|SEC|NS|DNS|CERT|X509|WININET|RPC|NT|TLS|CRYPT|E|INET_E|SCHED|MDM)_[A-Z][A-Z0-9_]{2,60}"
    r"|WSAE[A-Z]{3,20})\b"
    r"|(?i:\bevent ?id)[\"'\s:=#]{1,5}(?P<event>[0-9]{1,5})\b"
    r"|(?i:\b(?:http(?:/[0-9.]{1,3})?|status(?: ?code)?|response))[\"'\s:=(]{1,4}(?P<http>[45][0-9]{2})\b"
    r"|(?<![\w.])(?P<mail>[45]\.[0-9]\.[0-9]{1,3})(?![\w.])"
    r"|(?i:\b(?:error|code|fehler|fehlercode|erreur|sqlcode|rc|exit ?code|exit ?status|returned))[\"'\s:=#(]{1,3}"
    r"(?P<number>-?[0-9]{2,10})\b(?![.:][0-9])"
)
_FAMILIES = {
    "vendor": CodeFamily.VENDOR, "errno": CodeFamily.ERRNO, "symbol": CodeFamily.SYMBOL, "http": CodeFamily.HTTP,
    "event": CodeFamily.EVENT_ID, "number": CodeFamily.NUMBER, "mail": CodeFamily.NUMBER,
}  # fmt: skip
_NTSTATUS = range(0xC0000000, 0xD0000000)
_HRESULT = range(0x80000000, 0x90000000)


def codes_in(text: str) -> tuple[ErrorCode, ...]:
    """Return the error codes of a line, each once, at most eight."""
    return tuple(dict.fromkeys(_all(text)))[:_MOST]


def _all(text: str) -> Iterator[ErrorCode]:
    for found in _CODE.finditer(text):
        name = found.lastgroup or ""
        written = found[name]
        if name == "hex":
            yield _of_value(int(written, 16), written)
        elif name == "decimal":
            value = int(written) & 0xFFFFFFFF
            yield _of_value(value, f"0x{value:08X}")
        else:
            yield ErrorCode(written, _FAMILIES[name])


def _of_value(value: int, written: str) -> ErrorCode:
    if value in _NTSTATUS:
        return ErrorCode(written, CodeFamily.NTSTATUS)
    return ErrorCode(written, CodeFamily.HRESULT if value in _HRESULT else CodeFamily.NUMBER)

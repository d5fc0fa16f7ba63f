"""What is told is text: whatever a document or a model wrote, nothing of it loads, runs, links or hides.

Answers show markup of two kinds, `code` and **bold**. Links become their words with the address behind them, images
their words; tags of HTML go, but not the <placeholders> that commands are full of. Source of the list of what hides:
OWASP's LLM01 on instructions in invisible characters.
"""

import re

_CODE = re.compile(r"(`[^`\n]+`)")
_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]*)\](?:\([^)]*\)?|\[[^\]]*\])")
_LINK = re.compile(r"\[([^\]]+)\]\(\s*<?([^)\s>]*)[^)]*\)?")
_REFERENCE = re.compile(r"\[([^\]]+)\]\[[^\]]*\]|^\s{0,3}\[[^\]\d][^\]]*\]:\s*\S+.*$", re.MULTILINE)
_TAG = re.compile(
    r"</?(?:a|applet|audio|base|body|button|canvas|details|div|embed|font|form|frame|frameset|head|html|iframe|image|img"
    r"|input|isindex|keygen|link|marquee|math|meta|noscript|object|option|p|param|picture|portal|script|select|slot"
    r"|source|span|style|svg|table|td|template|textarea|title|tr|track|video|xml|xss)(?=[\s/>\"'`]|$)[^>]*>?",
    re.IGNORECASE,
)
_RUNS = re.compile(r"^\s*(?:javascript|vbscript|livescript|data|file|blob)\s*:", re.IGNORECASE)
_UNSEEN = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0e\ufeff\U000e0000-\U000e01ef]"
)
_SUSPECT = re.compile(r"[<\[]|[^\x00-\x7f]")


def disarmed(text: str) -> str:
    """Return a text in which nothing acts; one without markup comes back as it is."""
    if not _SUSPECT.search(text):
        return text
    seen = _UNSEEN.sub("", text)
    parts = _CODE.split(seen)
    # Every other part is code, which readers show as it is.
    parts[::2] = [_inert(part) for part in parts[::2]]
    return "".join(parts)


def _inert(text: str) -> str:
    before = ""
    # What is left when one thing is taken out may be another: <scr<script>ipt>.
    while text != before:
        before = text
        text = _COMMENT.sub("", text)
        text = _IMAGE.sub(r"\1", text)
        text = _LINK.sub(_told, text)
        text = _REFERENCE.sub(r"\1", text)
        text = _TAG.sub("", text)
    return text


def _told(link: re.Match[str]) -> str:
    words, address = link[1], link[2]
    if not address or address == words or _RUNS.match(address):
        return words
    return f"{words} ({address})"

"""Where a server is and how it wants to be addressed, read out of settings and checked before anything is sent."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from app.errors import SettingsInvalid

AZURE_VERSION = "2024-10-21"
"""The latest generally available version of Azure OpenAI's dated API."""

_KEY = "API_KEY"
_AZURE, _OPENAI = "AZURE_API_URL", "OPENAI_API_URL"
_CHAT = "/chat/completions"
_AZURE_PATH = re.compile(r"(?P<base>.*?)/openai/deployments/(?P<deployment>[^/]+)(?:/chat/completions)?")
_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's addresses and the headers that open it.

    `variable` is the setting that names it, `model_id` how the model is called here; `asked_model` is what a request
    names, None where the address does. `headers` hold the key and never show.
    """

    engine: str
    variable: str
    chat_url: str
    models_url: str
    model_id: str
    asked_model: str | None
    headers: Mapping[str, str] = field(repr=False)


def openai_endpoint(base: str, model: str, key: str | None = None) -> Endpoint:
    """Return the endpoint of an OpenAI-compatible server; `base` ends before `/chat/completions`, mostly with `/v1`.

    Raises SettingsInvalid.
    """
    url = _address(base, _OPENAI)
    if url.query:
        raise SettingsInvalid(_OPENAI, "has parameters", "name the address up to /v1")
    root = str(url).rstrip("/").removesuffix(_CHAT)
    headers = {"Authorization": f"Bearer {_sound_key(key)}"} if key else {}
    return Endpoint("openai", _OPENAI, root + _CHAT, f"{root}/models", model, model, headers)


def azure_endpoint(
    address: str, key: str | None, deployment: str | None = None, version: str | None = None
) -> Endpoint:
    """Return the endpoint of an Azure OpenAI deployment.

    `address` is the resource's, or the full one down to `/chat/completions?api-version=...`, which names deployment
    and version itself. Raises SettingsInvalid, also where the address and the other settings contradict one another.
    """
    url = _address(address, _AZURE)
    if not key:
        raise SettingsInvalid(_KEY, f"is needed with {_AZURE}", "name a key of the Azure OpenAI resource")
    path = url.path.rstrip("/")
    match = _AZURE_PATH.fullmatch(path)
    if match is None and (url.query or path.endswith(_CHAT)):
        raise SettingsInvalid(_AZURE, "names no deployment", "https://NAME.openai.azure.com is enough")
    base = match["base"] if match else path.removesuffix("/openai")
    name = _agreed("AZURE_DEPLOYMENT", deployment, match["deployment"] if match else None)
    if name is None:
        raise SettingsInvalid("AZURE_DEPLOYMENT", f"is needed with {_AZURE}", "name the deployment to ask")
    used = _agreed("AZURE_API_VERSION", version, url.params.get("api-version")) or AZURE_VERSION
    root = f"{url.scheme}://{url.netloc.decode('ascii')}{base}/openai"
    parameters = f"?api-version={used}"
    return Endpoint(
        "azure",
        _AZURE,
        f"{root}/deployments/{name}{_CHAT}{parameters}",
        f"{root}/models{parameters}",
        name,
        None,
        {"api-key": _sound_key(key)},
    )


def _address(text: str, variable: str) -> httpx.URL:
    """Return a URL that may be used. Raises SettingsInvalid, which never quotes it: it may hold a password."""
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as error:
        raise SettingsInvalid(variable, "is no URL") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise SettingsInvalid(variable, "is no URL that begins with https://")
    if url.userinfo or url.fragment:
        raise SettingsInvalid(variable, "holds a user name, a password or a fragment", f"put the key into {_KEY}")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise SettingsInvalid(variable, "is not encrypted, and not on this machine", "use https://")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _agreed(variable: str, setting: str | None, in_address: str | None) -> str | None:
    if setting and in_address and setting != in_address:
        raise SettingsInvalid(variable, f"differs from what {_AZURE} says", "remove one of the two")
    value = setting or in_address
    if value is not None and not _WORD.fullmatch(value):
        raise SettingsInvalid(variable, "may hold letters, digits, '.', '_' and '-' alone")
    return value


def _sound_key(key: str) -> str:
    """Return the key; one that no header can carry would be quoted by the error of whoever tries."""
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsInvalid(_KEY, "holds characters that no key has", "look for blanks and line ends")
    return key

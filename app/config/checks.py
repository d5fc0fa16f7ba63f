"""What no single setting can be wrong about: settings that contradict one another, or are unsafe together."""

from pydantic import SecretStr

from app.config.groups import GenerationSettings, ServiceSettings
from app.domain.exposure import Exposure, unsafe
from app.errors import SettingsInvalid


def check_together(service: ServiceSettings, generation: GenerationSettings) -> None:
    """Refuse settings that contradict one another, or are unsafe where the service can be reached."""
    _check_exposure(service)
    if "*" in service.cors_origins:
        raise SettingsInvalid("CORS_ORIGINS", "a wildcard is not allowed", "list the origins")
    if generation.reply_tokens >= generation.max_tokens:
        raise SettingsInvalid("REPLY_TOKENS", "must be smaller than MAX_TOKENS")
    _check_servers(generation)


def _check_exposure(service: ServiceSettings) -> None:
    """Refuse ways to start that leave a door open, and secrets that can be guessed."""
    found = unsafe(
        Exposure(
            host=service.host,
            loopback=service.loopback,
            allow_anonymous=service.allow_anonymous,
            require_key=service.require_key,
            secret=_text(service.secret_key),
            previous_secret=_text(service.secret_key_previous),
            admin_key=_text(service.admin_key),
        )
    )
    if found is not None:
        raise SettingsInvalid(found.variable, found.reason, found.remedy)


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _check_servers(generation: GenerationSettings) -> None:
    """Refuse a language model that is named half."""
    backend = generation.llm_backend
    urls = {"azure": generation.azure_api_url, "openai": generation.openai_api_url}
    if backend == "auto" and all(urls.values()):
        raise SettingsInvalid("LLM_BACKEND", "AZURE_API_URL and OPENAI_API_URL are both set", "set azure or openai")
    if backend in urls and not urls[backend]:
        raise SettingsInvalid(f"{backend.upper()}_API_URL", f"is not set, and LLM_BACKEND is {backend}")
    if generation.remote == "openai" and "llm_model_id" not in generation.model_fields_set:
        raise SettingsInvalid("LLM_MODEL_ID", "names the packaged model", "set it to what the server calls its model")

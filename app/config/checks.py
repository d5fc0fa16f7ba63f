"""What no single setting can be wrong about: settings that contradict one another, or are unsafe together."""

from app.config.groups import GenerationSettings, ServiceSettings
from app.errors import SettingsInvalid

_MIN_SECRET = 32


def check_together(service: ServiceSettings, generation: GenerationSettings) -> None:
    """Refuse settings that contradict one another, or are unsafe where the service can be reached."""
    if not service.loopback and not service.allow_anonymous:
        raise SettingsInvalid(
            "HOST",
            f"{service.host} can be reached from other machines, and anyone could ask",
            "set ALLOW_ANONYMOUS=true if that is wanted, or HOST=127.0.0.1",
        )
    if "*" in service.cors_origins:
        raise SettingsInvalid("CORS_ORIGINS", "a wildcard is not allowed", "list the origins")
    for name, secret in (("SECRET_KEY", service.secret_key), ("ADMIN_KEY", service.admin_key)):
        if secret is not None and len(secret.get_secret_value()) < _MIN_SECRET:
            raise SettingsInvalid(name, f"is weak; at least {_MIN_SECRET} characters", "openssl rand -hex 32")
    if generation.reply_tokens >= generation.max_tokens:
        raise SettingsInvalid("REPLY_TOKENS", "must be smaller than MAX_TOKENS")
    _check_servers(generation)


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

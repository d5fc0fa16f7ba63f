"""The settings in small frozen groups; a group's field in upper case is its name in the environment."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Words = Annotated[tuple[str, ...], NoDecode]
"""A comma-separated list."""


def _words(value: Any) -> Any:
    """Split a comma-separated list; anything else is left for the validation to judge."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return value


class _Group(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)


class ServiceSettings(_Group):
    """The HTTP side."""

    project_name: str = "IT Support"
    api_v1_prefix: str = Field("/api/v1", pattern=r"^(/[A-Za-z0-9._~-]+)+$")
    debug: bool = False
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    cors_origins: Words = ()
    allow_anonymous: bool = False
    require_key: bool = False
    secret_key: SecretStr | None = None
    secret_key_previous: SecretStr | None = None
    session_idle_hours: int = Field(168, ge=1, le=8760)
    session_max_days: int = Field(30, ge=1, le=365)
    admin_key: SecretStr | None = None
    max_body_kb: int = Field(256, ge=16, le=65536)
    max_upload_mb: float = Field(50.0, gt=0, le=2000)
    request_timeout_seconds: float = Field(20.0, gt=0, le=600)
    admitted: int = Field(16, ge=1, le=4096)
    admission_queue: int = Field(128, ge=0, le=10_000)
    drain_seconds: float = Field(0.0, ge=0, le=3)
    live_sockets: int = Field(1000, ge=1, le=100_000)
    supporter_names: Words = Field(("Alex", "Kim", "Mia", "Noah", "Robin", "Sam"), min_length=1)
    admission_wait_seconds: float = Field(2.0, ge=0.1, le=60)

    _split = field_validator("cors_origins", "supporter_names", mode="before")(_words)

    @property
    def loopback(self) -> bool:
        """Tell whether only this machine can reach the service."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class LogSettings(_Group):
    """What is logged, how and where."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    log_file: Path | None = None
    log_file_max_mb: float = Field(10.0, gt=0, le=10_000)
    log_file_backups: int = Field(5, ge=1, le=100)


class KnowledgeSettings(_Group):
    """Where knowledge comes from and where what is made of it goes."""

    data_dir: Path = Path("data")
    index_dir: Path = Path("data/index")
    model_cache_dir: Path = Path(".cache/models")
    releases_kept: int = Field(5, ge=1, le=100)
    golden_questions: int = Field(50, ge=0, le=10_000)
    golden_drop: float = Field(0.1, ge=0, le=1)
    index_memory_mib: int = Field(2048, ge=16, le=1_048_576)
    vector_url: str | None = Field(None, pattern=r"^(https?://.+|.+\.db)$")
    vector_token: SecretStr | None = None
    vector_timeout_seconds: float = Field(5.0, ge=0.1, le=60)


class EmbeddingSettings(_Group):
    """The embedding model."""

    embedding_model: str = Field("all-MiniLM-L6-v2", min_length=1)
    embedding_engine: Literal["auto", "openvino", "torch"] = "auto"


class RetrievalSettings(_Group):
    """How evidence is found, and how much of it is enough; what is not set is what was measured."""

    lexical_weight: float | None = Field(None, ge=0, le=2)
    length_weight: float | None = Field(None, ge=0, le=1)
    reranker_model: str | None = None
    reranked: int = Field(20, ge=5, le=50)
    answer_threshold: float | None = Field(None, ge=0, le=1)


class GenerationSettings(_Group):
    """The language model and how answers are made."""

    llm_model_id: str = Field("SmolLM2-135M-Instruct", min_length=1)
    llm_backend: Literal["auto", "openvino", "transformers", "azure", "openai", "extractive"] = "auto"
    answer_mode: Literal["auto", "extract", "generate"] = "auto"
    azure_api_url: str | None = None
    azure_deployment: str | None = None
    azure_api_version: str | None = None
    openai_api_url: str | None = None
    api_key: SecretStr | None = None
    llm_timeout_seconds: float = Field(20.0, gt=0, le=600)
    llm_quantisation: Literal["none", "int8", "int4"] = "none"
    llm_concurrency: int = Field(16, ge=1, le=1024)
    llm_ca_file: Path | None = None
    llm_proxy: SecretStr | None = None
    max_tokens: int = Field(2048, ge=512, le=1_000_000)
    reply_tokens: int = Field(500, ge=50, le=16_000)

    @property
    def remote(self) -> Literal["azure", "openai"] | None:
        """The kind of server that writes answers; None where it is a model of this machine, or none."""
        if self.llm_backend in {"azure", "openai"}:
            return "azure" if self.llm_backend == "azure" else "openai"
        if self.llm_backend != "auto":
            return None
        return "azure" if self.azure_api_url else "openai" if self.openai_api_url else None


class StoreSettings(_Group):
    """Where conversations and cached answers are kept; nothing named means SQLite and this process's memory."""

    mongodb_uri: SecretStr | None = None
    redis_url: SecretStr | None = None
    state_dir: Path = Path("data/state")
    conversation_max_messages: int = Field(20_000, ge=2, le=100_000)
    conversation_ttl_days: int = Field(0, ge=0, le=36_500)
    cache_ttl_seconds: int = Field(3600, ge=0, le=30 * 86400)
    cache_max_entries: int = Field(2000, ge=1, le=1_000_000)
    semantic_cache: bool = False
    semantic_threshold: float = Field(0.95, ge=0.8, le=1)


class FileSettings(_Group):
    """What may be uploaded, and how it is cut."""

    chunk_size_tokens: int = Field(1000, ge=50, le=8000)
    max_file_size_mb: float = Field(20.0, gt=0, le=1000)
    extraction_seconds: float = Field(4.0, ge=1, le=60)
    file_timeout_seconds: float = Field(120.0, gt=0, le=3600)
    files_at_once: int = Field(2, ge=1, le=64)
    allowed_extensions: Words = ("txt", "md", "json", "log", "csv", "pdf", "docx")

    _split = field_validator("allowed_extensions", mode="before")(_words)

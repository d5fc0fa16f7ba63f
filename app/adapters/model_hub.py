"""The Hugging Face hub: fetching a model that is neither packaged nor here yet."""

from pathlib import Path

from app.errors import ModelMissing

# Weights in the one format that cannot run code, and what describes them; other engines' copies stay there.
_WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
_UNWANTED = ["onnx/*", "openvino/*", "original/*"]


def download(model_id: str) -> Path:
    """Fetch a model's files into the local hub cache and return their folder.

    Blocks, for minutes where the model is large. Raises ModelMissing where the hub cannot be reached or has no such
    model.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - seconds to import, seldom needed
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(model_id, allow_patterns=_WANTED, ignore_patterns=_UNWANTED))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelMissing(
            f"{model_id} could not be fetched from the hub ({type(error).__name__})",
            "check the name and the connection, or name a folder that holds the model",
        ) from error

"""Makes models small enough to be made on the spot: real architectures, random weights, safetensors."""

# ruff: noqa: PLC0415 - seconds to import, and only where a fixture asks for it

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORDS = ["the", "printer", "is", "on", "fire", "reset", "my", "password", "vpn", "open", "settings", "and", "accounts"]
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system part') }}{% endif %}" + CHAT


def _tokenizer(chat_template: str | None = None, longest: int = 64) -> Any:
    """Return a word-piece tokenizer that knows a few words and every letter."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *pieces, *("##" + piece for piece in pieces)]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    inner = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer()
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    chat = {"extra_special_tokens": ["<|im_start|>", "<|im_end|>"]} if chat_template else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        eos_token="[SEP]",
        model_max_length=longest,
        chat_template=chat_template,
        **chat,
    )


def make_embedder(folder: Path, pooling: str | tuple[str, ...] = "mean") -> Path:
    """Save a SentenceTransformer with two layers and 32 dimensions."""
    from sentence_transformers.base.modules import Normalize
    from sentence_transformers.sentence_transformer.modules import Pooling

    return make_sentence_transformer(folder, "bert", lambda: [Pooling(32, pooling), Normalize()])


def make_sentence_transformer(folder: Path, kind: str, rest: Callable[[], list[Any]], **saved: Any) -> Path:
    """Save a SentenceTransformer: a transformer of two layers of one of `transformers`' kinds, and other modules."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(7)
    tokenizer = _tokenizer()
    bert_like = kind not in {"xlm-roberta", "mpnet", "distilbert"}
    tokenizer.model_input_names = ["input_ids", *(["token_type_ids"] if bert_like else []), "attention_mask"]
    config = AutoConfig.for_model(
        kind,
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        # Kinds that count positions from behind the padding's id need room for it.
        max_position_embeddings=64 if kind == "bert" else 66,
        initializer_range=0.5,
        pad_token_id=tokenizer.pad_token_id,
    )
    inner = folder / "inner"
    AutoModel.from_config(config).save_pretrained(inner)
    tokenizer.save_pretrained(inner)
    model = SentenceTransformer(modules=[Transformer(str(inner)), *rest()], device="cpu", **saved)
    model.save(str(folder / "model"), create_model_card=False)
    return folder / "model"


def make_language_model(folder: Path, chat_template: str | None = CHAT) -> Path:
    """Save a causal language model with two layers."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(11)
    tokenizer = _tokenizer(chat_template, 512)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=64,
        max_position_embeddings=512,
        initializer_range=0.5,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_cross_encoder(folder: Path, outputs: int = 1) -> Path:
    """Save a cross-encoder with two layers."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(13)
    tokenizer = _tokenizer()
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.5,
        pad_token_id=tokenizer.pad_token_id,
        num_labels=outputs,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder

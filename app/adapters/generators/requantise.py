"""Rewrites a GGUF file in Q8_0, once, in a process of its own: `python -m <this module> SOURCE TARGET`.

OpenVINO's reader loses precision on the smaller quantisations, so much that a model of 135 million parameters writes
other text. Q8_0 keeps what they hold.
"""

import sys
from pathlib import Path
from typing import Any

from app.adapters.generators.gguf_header import GgufHeader
from app.modelfiles.aside import written_aside

# F32, F16 and Q8_0, by their numbers in the format: these OpenVINO reads as they are.
_FAITHFUL = frozenset({0, 1, 8})
_Q8_0 = 8
_BLOCK = 32
_FILE_TYPE = "general.file_type"
_MOSTLY_Q8_0 = 7


def needs_requantising(header: GgufHeader) -> bool:
    """Tell whether a file holds quantisations that OpenVINO does not read faithfully."""
    return not header.tensor_types <= _FAITHFUL


def requantise(source: Path, target: Path) -> None:
    """Write `source` with the same metadata and its matrices in Q8_0 to `target`, whole or not at all."""
    from gguf import GGUFReader, GGUFWriter  # noqa: PLC0415 - only in the process that converts

    reader = GGUFReader(source)
    with written_aside(target) as draft:
        writer = GGUFWriter(draft, reader.fields["general.architecture"].contents())
        _copy_facts(reader, writer)
        for tensor in reader.tensors:
            data, kind = _faithful(tensor)
            writer.add_tensor(tensor.name, data, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def _copy_facts(reader: Any, writer: Any) -> None:
    from gguf import GGUFValueType  # noqa: PLC0415

    for field in reader.fields.values():
        # The writer writes these by itself.
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
        value = _MOSTLY_Q8_0 if field.name == _FILE_TYPE else field.contents()
        writer.add_key_value(field.name, value, kind, sub_type=inner)


def _faithful(tensor: Any) -> tuple[Any, Any]:
    """Return a tensor's data and type, requantised where need be."""
    from gguf import GGMLQuantizationType  # noqa: PLC0415
    from gguf.quants import dequantize, quantize  # noqa: PLC0415

    if tensor.tensor_type in _FAITHFUL:
        return tensor.data, tensor.tensor_type
    values = dequantize(tensor.data, tensor.tensor_type)
    if values.shape[-1] % _BLOCK:
        return values.astype("float16"), GGMLQuantizationType.F16
    return quantize(values, GGMLQuantizationType(_Q8_0)), GGMLQuantizationType(_Q8_0)


def main(arguments: list[str]) -> int:
    """Rewrite SOURCE as TARGET."""
    source, target = arguments
    requantise(Path(source), Path(target))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

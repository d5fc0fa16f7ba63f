"""What a stranger can read from top to bottom once."""

import ast
from pathlib import Path

import pytest
from repository import ROOT

MOST_LINES = 250
MOST_FUNCTION_LINES = 50
SOURCES = sorted([ROOT / "main.py", *(ROOT / "app").rglob("*.py")])


def long_functions(source: str) -> list[str]:
    """Return the functions that are too long, with their length; decorators do not count."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_FUNCTION_LINES:
                found.append(f"{node.name}: {lines} lines")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_stay_short(path: Path) -> None:
    source = path.read_text("utf-8")
    assert len(source.splitlines()) <= MOST_LINES
    assert long_functions(source) == []


def test_long_functions_are_found() -> None:
    body = "        x = 1\n" * (MOST_FUNCTION_LINES - 1)
    assert long_functions(f"class A:\n    async def f(self):\n{body}") == []
    assert long_functions(f"class A:\n    async def f(self):\n{body}        x = 1\n") == ["f: 51 lines"]

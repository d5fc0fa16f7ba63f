"""Evaluation data on disk: questions, corpora, queries and relevance."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.adapters.evaluation_files import read_benchmark, read_corpus, read_questions
from app.domain.evaluation import Labelled
from app.domain.knowledge import Document, DocumentKind, Section, SectionKind
from app.errors import KnowledgeInvalid

ROW: dict[str, Any] = {
    "id": "q-1",
    "question": "And on a Mac?",
    "language": "en",
    "kind": "followup",
    "history": [{"role": "user", "content": "VPN?"}, {"role": "assistant", "content": "Restart."}],
    "documents": ["vpn-mac"],
    "key_facts": [["500", "4500"], ["UDP"]],
    "answerable": True,
}


def written(path: Path, *rows: Any) -> Path:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_question_is_read_whole(tmp_path: Path) -> None:
    assert read_questions(written(tmp_path / "q.jsonl", ROW)) == [
        Labelled(
            id="q-1",
            question="And on a Mac?",
            language="en",
            kind="followup",
            documents=("vpn-mac",),
            key_facts=(("500", "4500"), ("UDP",)),
            answerable=True,
            history=(("user", "VPN?"), ("assistant", "Restart.")),
        )
    ]


def test_questions_come_in_the_files_order_and_empty_lines_count_for_nothing(tmp_path: Path) -> None:
    rows = [{**ROW, "id": name} for name in ("b", "a")]
    assert [item.id for item in read_questions(written(tmp_path / "q.jsonl", rows[0], "", " ", rows[1]))] == ["b", "a"]


QUESTION_FAULTS = {
    "no JSON": ('{"id"', 2, "is not JSON: Expecting ':' delimiter"),
    "no object": ("[1]", 2, "is not a JSON object"),
    "a number of 5000 digits": ('{"id": ' + "1" * 5000 + "}", 2, "is not JSON: Exceeds the limit"),
    "too deep": ("[" * 100_000, 2, "is not JSON: maximum recursion depth"),
    "an unknown key": ({**ROW, "id": "x", "hint": 1}, 2, "hint: Extra inputs are not permitted"),
    "an unknown kind": ({**ROW, "id": "x", "kind": "odd"}, 2, "kind: Input should be"),
    "an unknown speaker": ({**ROW, "id": "x", "history": [{"role": "x", "content": "y"}]}, 2, "history.0.role"),
    "answerable by nothing": ({**ROW, "id": "x", "documents": []}, 2, "answerable questions name documents"),
    "unanswerable by something": ({**ROW, "id": "x", "answerable": False}, 2, "others none"),
    "an id twice": (ROW, 2, "id 'q-1' is used twice"),
}


@pytest.mark.parametrize(("second", "line", "reason"), QUESTION_FAULTS.values(), ids=QUESTION_FAULTS)
def test_a_faulty_question_is_named_with_its_file_and_line(tmp_path: Path, second: Any, line: int, reason: str) -> None:
    path = written(tmp_path / "q.jsonl", ROW, second)
    with pytest.raises(KnowledgeInvalid) as caught:
        read_questions(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert reason in caught.value.reason


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeInvalid, match=r"q\.jsonl:1: does not exist"):
        read_questions(tmp_path / "q.jsonl")


def test_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_bytes(b'{"id": "\xe4"}')
    with pytest.raises(KnowledgeInvalid, match=r"q\.jsonl:1: is not UTF-8"):
        read_questions(tmp_path / "q.jsonl")


def page(name: str, title: str, text: str) -> Document:
    return Document(name, DocumentKind.PAGE, title, (Section("", SectionKind.BODY, text),))


CORPUS_FIELDS = {
    ("title", "text"): [page("1", "Title", "Text"), page("2", "", "Alone")],
    ("text",): [page("1", "", "Text"), page("2", "", "Alone")],
    ("title",): [page("1", "Title", "Title"), page("2", "", "")],
}


@pytest.mark.parametrize(("fields", "documents"), CORPUS_FIELDS.items())
def test_a_corpus_keeps_the_fields_asked_for(
    tmp_path: Path, fields: tuple[str, ...], documents: list[Document]
) -> None:
    rows = {"id": 1, "title": "Title", "text": "Text"}, {"id": "2", "text": "Alone"}
    found = read_corpus(written(tmp_path / "c.jsonl", *rows), fields)
    assert found == documents
    assert [item.origin.line for item in found] == [1, 2]


@pytest.mark.parametrize("row", [{"id": "1"}, {"text": "x"}])
def test_a_page_without_id_or_text_is_named(tmp_path: Path, row: Any) -> None:
    path = written(tmp_path / "c.jsonl", {"id": "0", "text": "x"}, row)
    with pytest.raises(KnowledgeInvalid, match=r"c\.jsonl:2: expected id and text"):
        read_corpus(path, ["text"])
    with pytest.raises(KnowledgeInvalid, match=r"c\.jsonl:2: expected id and text"):
        read_benchmark(path, written(tmp_path / "r.tsv", "query-id\tcorpus-id\tscore"))


def test_relevance_is_read_for_the_queries_there_are(tmp_path: Path) -> None:
    queries = written(tmp_path / "q.jsonl", {"id": 1, "text": "one"}, {"id": "2", "text": "two"})
    judged = ("1\ta\t1", "1\tb\t2", "2\ta\t0", "3\ta\t1")
    found = read_benchmark(queries, written(tmp_path / "r.tsv", "query-id\tcorpus-id\tscore", *judged))
    assert found.queries == {"1": "one", "2": "two"}
    assert found.relevant == {"1": frozenset({"a", "b"})}


RELEVANCE_FAULTS = {
    "other columns": ("a\tb\tc\n1\t2\t3\n", "r.tsv:2: expected query-id"),
    "a short line": ("query-id\tcorpus-id\tscore\n1\ta\t1\n1\ta\n", "r.tsv:3: expected query-id"),
    "no number": ("query-id\tcorpus-id\tscore\n1\ta\thigh\n", "r.tsv:2: expected query-id"),
    "another encoding": ("query-id\tcorpus-id\tscore\n\udce4\ta\t1\n", "r.tsv:1: is not UTF-8"),
}


@pytest.mark.parametrize(("text", "reason"), RELEVANCE_FAULTS.values(), ids=RELEVANCE_FAULTS)
def test_a_fault_in_the_relevance_is_named(tmp_path: Path, text: str, reason: str) -> None:
    queries, relevance = written(tmp_path / "q.jsonl", {"id": "1", "text": "x"}), tmp_path / "r.tsv"
    relevance.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(KnowledgeInvalid, match=reason):
        read_benchmark(queries, relevance)


def test_relevance_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeInvalid, match=r"r\.tsv:1: does not exist"):
        read_benchmark(written(tmp_path / "q.jsonl", {"id": "1", "text": "x"}), tmp_path / "r.tsv")

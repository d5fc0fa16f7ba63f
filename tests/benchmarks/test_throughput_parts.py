"""What the throughput benchmark is made of: articles out of a corpus, and a load generator that counts rightly."""

import argparse
import asyncio
import importlib
import json
from pathlib import Path

import pytest

from app.adapters.sources.articles import ArticleFolder
from tests.loopback_server import listening

# A library brings a package of the same name: by its full name ours is found.
load, throughput = (importlib.import_module(f"benchmarks.{name}") for name in ("load", "throughput"))

BODY = json.dumps({"search_results": []}).encode()


def test_a_corpus_becomes_articles_the_service_reads(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "title": 'Say "no": always', "text": "First.\n## No heading of ours\n---\nLast."},
        {"id": "b", "title": "", "text": "Only a text."},
    ]
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("\n".join(map(json.dumps, rows)))
    assert throughput.write_articles(corpus, tmp_path / "knowledge") == 2
    documents = list(ArticleFolder(tmp_path / "knowledge").documents())
    assert [document.title for document in documents] == ['Say "no": always', "b"]
    assert [len(document.sections) for document in documents] == [1, 1]
    assert "No heading of ours" in documents[0].sections[0].text


class Server:
    """Answers every request after a moment and keeps what it was asked."""

    def __init__(self, status: bytes = b"200 OK") -> None:
        self.status = status
        self.asked: list[bytes] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0] or 0)
            self.asked.append(head + await reader.readexactly(length))
            await asyncio.sleep(0.005)
            writer.write(b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (self.status, len(BODY), BODY))


async def run(server: Server, method: str, tmp_path: Path) -> dict[str, object]:
    queries = tmp_path / "queries.txt"
    queries.write_text("reset my password\nvpn & more\n")
    async with listening(server.handle) as port:
        options = argparse.Namespace(
            port=port, method=method, path="/search", queries=queries, connections=3, seconds=0.1, first=10
        )
        counted: dict[str, object] = await load.load(options)
        return counted


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_every_request_is_another_and_all_are_counted(method: str, tmp_path: Path) -> None:
    server = Server()
    found = await run(server, method, tmp_path)
    assert found["requests"] == len(server.asked) == len(set(server.asked)) > 3
    took = found["milliseconds"]
    assert isinstance(took, list)
    assert min(took) >= 5
    expected = b'"vpn & more 11"' if method == "POST" else b"query=vpn%20%26%20more%2011&"
    assert any(expected in asked for asked in server.asked)


async def test_an_error_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await run(Server(b"503 Service Unavailable"), "POST", tmp_path)
    assert caught.group_contains(ValueError, match="unexpected answer")


def test_the_service_is_set_beside_each_of_the_others() -> None:
    rows = [
        {"server": server, "clients": 64, "requests_per_second": rate}
        for server, rate in ((throughput.OURS, 150.0), (throughput.PLAIN, 10.0))
    ]
    assert throughput._times(rows) == [{"server": throughput.PLAIN, "clients": 64, "service_is_times_as_fast": 15.0}]

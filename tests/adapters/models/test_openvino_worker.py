"""The loop inside the model's process, and how the process begins and ends."""

import io
import json
import os
import queue
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.adapters.generators import openvino_worker
from app.adapters.generators.openvino_worker import Loop, Message
from app.domain.models import Generation, Prompt
from app.errors import GenerationFailed


class Letters:
    """An answer that is written a letter a step."""

    def __init__(self, text: str, most: int) -> None:
        self.text = text[:most]
        self.written = self.told = 0
        self.cancelled = False

    def finished(self) -> Generation | None:
        if self.text == "broken":
            raise GenerationFailed("language model", "gave up")
        done = self.written >= len(self.text)
        return Generation(self.text, 1, len(self.text)) if done else None

    def piece(self) -> str:
        told, self.told = self.told, self.written
        return self.text[told : self.written]

    def rest(self, answer: Generation) -> str:
        return answer.text[self.told :]

    def cancel(self) -> None:
        self.cancelled = True


class Typewriter:
    """A pipeline that writes back what the user says."""

    def __init__(self) -> None:
        self.streams: list[Letters] = []
        self.steps = 0

    def start(self, prompt: Prompt, max_tokens: int) -> Letters:
        if prompt.user == "too long":
            raise GenerationFailed("language model", "too long")
        self.streams.append(Letters(prompt.user, max_tokens))
        return self.streams[-1]

    def step(self) -> bool:
        self.steps += 1
        for stream in self.streams:
            stream.written += 1
        self.streams = [s for s in self.streams if not s.cancelled and s.written < len(s.text)]
        return bool(self.streams)


class Bench:
    """A loop with its two ends."""

    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.sent: list[Message] = []
        self.pipeline = Typewriter()
        self.idle = True
        self.loop = Loop(self.pipeline, self.inbox, self.sent.append, lambda: self.idle)

    def ask(self, number: int, text: str, **more: bool) -> None:
        self.inbox.put({"id": number, "system": "", "user": text, "max_tokens": 9, **more})

    def heard(self) -> list[Any]:
        """Return the pieces sent, and the numbers of those whose answers are."""
        return [message.get("pieces", message.get("id")) for message in self.sent]

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.loop.turn()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_requests_join_and_leave_between_steps(bench: Bench) -> None:
    bench.ask(1, "abc")
    bench.turn()
    bench.ask(2, "x")
    bench.turn()
    assert [message["id"] for message in bench.sent] == [2]
    bench.turn()
    expected = {"text": "abc", "prompt_tokens": 1, "completion_tokens": 3, "finish_reason": "stop"}
    assert bench.sent[1] == {"id": 1, "answer": expected}
    assert bench.pipeline.steps == 3


def test_a_cancelled_request_is_dropped_and_flushed(bench: Bench) -> None:
    bench.ask(1, "abcdef")
    bench.turn()
    (stream,) = bench.pipeline.streams
    bench.inbox.put({"id": 1, "cancel": True})
    bench.turn()
    assert stream.cancelled
    assert not bench.pipeline.streams
    assert bench.sent == []


def test_cancelling_what_is_done_is_no_error(bench: Bench) -> None:
    bench.inbox.put({"id": 7, "cancel": True})
    bench.turn()
    assert bench.sent == []


@pytest.mark.parametrize(("text", "reason"), [("too long", "too long"), ("broken", "gave up")])
def test_a_request_that_fails_is_answered_so(bench: Bench, text: str, reason: str) -> None:
    bench.ask(1, text)
    bench.ask(2, "ok")
    bench.turn(2)
    assert {message["id"]: message.get("error") for message in bench.sent} == {1: reason, 2: None}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_worker, "_PIECE_SECONDS", 0)


@pytest.mark.usefixtures("at_once")
def test_who_asks_for_a_stream_gets_pieces_and_nobody_else(bench: Bench) -> None:
    bench.ask(1, "abc", stream=True)
    bench.ask(2, "xyz")
    bench.turn(3)
    assert bench.heard() == [[(1, "a")], [(1, "b")], [(1, "c")], 1, 2]


@pytest.mark.usefixtures("at_once")
def test_pieces_of_several_answers_go_together(bench: Bench) -> None:
    bench.ask(1, "abc", stream=True)
    bench.ask(2, "xyz", stream=True)
    bench.turn(2)
    assert bench.heard() == [[(1, "a"), (2, "x")], [(1, "b"), (2, "y")]]


@pytest.mark.usefixtures("at_once")
def test_while_the_reader_is_slow_pieces_are_gathered(bench: Bench) -> None:
    bench.ask(1, "abcdef", stream=True)
    bench.idle = False
    bench.turn(3)
    assert bench.sent == []
    bench.idle = True
    bench.turn()
    assert bench.heard() == [[(1, "abcd")]]


def test_pieces_are_not_sent_at_every_step(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_worker, "_PIECE_SECONDS", 3600)
    bench.ask(1, "abc", stream=True)
    bench.turn(3)
    assert bench.heard() == [[(1, "abc")], 1]


@pytest.mark.usefixtures("at_once")
def test_who_leaves_gets_no_more_pieces(bench: Bench) -> None:
    bench.ask(1, "abc", stream=True)
    bench.ask(2, "broken", stream=True)
    bench.turn()
    bench.inbox.put({"id": 1, "cancel": True})
    bench.ask(3, "x")
    bench.turn()
    assert bench.heard() == [2, [(1, "a")], 3]


def test_a_full_pipe_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as out, os.fdopen(reading) as read_end:
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(fileno=out.fileno))
        monkeypatch.setattr(sys, "stderr", SimpleNamespace(fileno=lambda: os.dup(2)))
        send, idle = openvino_worker._answers()
        sent = 0
        while idle():
            send({"text": "x" * 1000})
            sent += 1
        assert 1 < sent < 100
        os.read(read_end.fileno(), 65_536)
        assert idle()


def test_work_shows_signs_of_life(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_worker, "_BEAT_SECONDS", 0)
    bench.ask(1, "abc")
    bench.turn()
    assert bench.sent == [{"beat": True}]


def test_the_process_says_when_it_is_ready_and_why_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Message] = []
    opened: list[Any] = []

    class Failing(Typewriter):
        def __init__(self, model: Path, cache_dir: Path, limits: Any) -> None:
            super().__init__()
            opened.extend([model, cache_dir, limits.context_tokens])

        def step(self) -> bool:
            raise RuntimeError("native code failed")

    def listen(inbox: "queue.SimpleQueue[Message]") -> None:
        inbox.put({"id": 1, "system": "", "user": "abc", "max_tokens": 3})

    monkeypatch.setattr(openvino_worker, "OpenVinoPipeline", Failing)
    monkeypatch.setattr(openvino_worker, "_answers", lambda: (sent.append, lambda: True))
    monkeypatch.setattr(openvino_worker, "_listen", listen)
    limits = json.dumps({"context_tokens": 64, "cache_tokens": 64})
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(RuntimeError) as caught:
        openvino_worker.main(["model", "cache", limits])
    sys.excepthook(caught.type, caught.value, caught.tb)
    assert opened == [Path("model"), Path("cache"), 64]
    assert sent[0] == {"ready": True}
    assert "native code failed" in sent[1]["failed"]


def test_the_process_ends_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"id": 1}\n{"id": 2}\n'))
    monkeypatch.setattr(os, "_exit", ended.append)
    openvino_worker._listen(inbox)
    assert [inbox.get(), inbox.get()] == [{"id": 1}, {"id": 2}]
    assert ended == [0]


def test_what_libraries_print_does_not_mix_with_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        send, _ = openvino_worker._answers()
        out.write("noise")
        out.flush()
        send({"id": 1, "text": "é\n"})
    assert (tmp_path / "out").read_text() == '{"id": 1, "text": "\\u00e9\\n"}\n'
    assert (tmp_path / "err").read_text() == "noise"

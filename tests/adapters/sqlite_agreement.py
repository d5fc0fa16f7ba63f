"""What holds for every file of conversations, whatever was done to it."""

import sqlite3
from pathlib import Path


def agree(path: Path) -> None:
    """See that the text of every conversation, its size and the search index say what its history says."""
    connection = sqlite3.connect(path, isolation_level=None)
    every = "SELECT no, conversation_id, user_id, bytes FROM conversations"
    for no, name, owner, size in connection.execute(every).fetchall():
        turns = connection.execute("SELECT content FROM turns WHERE place >> 18 = ? ORDER BY place", (no,)).fetchall()
        history = "".join(f"{content}\n" for (content,) in turns)
        texts = "SELECT conversation_text FROM conversation_texts WHERE conversation_id = ? AND user_id = ?"
        assert connection.execute(texts, (name, owner)).fetchall() == [(history,)]
        assert size == len(history.encode()) - len(turns)
    # It compares the words of every turn with those in the index, and fails where either has more.
    connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    orphans = "SELECT count(*) FROM turns WHERE place >> 18 NOT IN (SELECT no FROM conversations)"
    assert connection.execute(orphans).fetchone() == (0,)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()

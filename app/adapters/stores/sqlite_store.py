"""Conversations in an SQLite file: the default where no MongoDB is named."""

from app.adapters.stores.sqlite_attachments import SqliteAttachments
from app.adapters.stores.sqlite_directory import SqliteDirectory
from app.adapters.stores.sqlite_messages import SqliteMessages
from app.adapters.stores.sqlite_removal import SqliteRemoval
from app.adapters.stores.sqlite_search import SqliteSearch


class SqliteStore(SqliteMessages, SqliteDirectory, SqliteRemoval, SqliteSearch, SqliteAttachments):
    """All ports of a conversation store over one file; several processes may use it at once.

    A message id is unique in the whole file: reusing one in another conversation raises StoreFailed. Use it as a
    context manager, or call `open` before and `close` after.
    """

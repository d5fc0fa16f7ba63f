"""What changed in the documents from one release to another."""

from app.ports import Release


def documents_changed(old: Release, new: Release) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the ids of the documents added, removed and changed, each in order."""
    added = sorted(new.documents.keys() - old.documents.keys())
    removed = sorted(old.documents.keys() - new.documents.keys())
    changed = sorted(
        name for name in old.documents.keys() & new.documents.keys() if old.documents[name] != new.documents[name]
    )
    return tuple(added), tuple(removed), tuple(changed)

"""Lists of words written as one text, so that they can be read and kept in order like prose."""

from __future__ import annotations


def listed(text: str) -> tuple[str, ...]:
    """The words of `text`, in order."""
    return tuple(text.split())


def word_set(text: str) -> frozenset[str]:
    """The words of `text` as a set."""
    return frozenset(text.split())

"""Many texts and many lists in a few arrays: what a search reads without making an object for each.

An index of 20,000 chunks holds a million of terms, rows and words. As Python objects they take a minute to make, and
the interpreter stands still for a quarter of a second when they go; as arrays they are read from disk at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Arrays: TypeAlias = dict[str, NDArray[Any]]
"""Arrays by name, as they are kept on disk."""


class Texts(Sequence[str]):
    """Texts in one block of UTF-8. `find` and `begin` need them sorted (`sorted_texts`)."""

    def __init__(self, block: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        """`ends[i]` is the byte after text i, shape (texts,)."""
        self._block, self._ends = block, ends
        self._bytes, self._places = block.data, ends.data

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Put texts together, in order."""
        encoded = [text.encode() for text in texts]
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Texts:
        """Take the texts that `arrays(name)` gave. Raises KeyError."""
        return cls(arrays[f"{name}.block"], arrays[f"{name}.ends"])

    def arrays(self, name: str) -> Arrays:
        """Return what is kept on disk."""
        return {f"{name}.block": self._block, f"{name}.ends": self._ends}

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return self._encoded(range(len(self))[index]).decode()

    def find(self, text: str) -> int:
        """Return the number of `text`, or -1."""
        wanted = text.encode()
        place = bisect_left(range(len(self)), wanted, key=self._encoded)
        return place if place < len(self) and self._encoded(place) == wanted else -1

    def begin(self, prefix: str) -> int:
        """Return the number of the first text that is not before `prefix`."""
        return bisect_left(range(len(self)), prefix.encode(), key=self._encoded)

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and self.find(text) >= 0

    def _encoded(self, index: int) -> bytes:
        start = self._places[index - 1] if index else 0
        return bytes(self._bytes[start : self._places[index]])


def sorted_texts(texts: Iterable[str]) -> Texts:
    """Put different texts together so that they can be found."""
    return Texts.of(sorted(texts))


class Lists:
    """Lists of whole numbers, one after another."""

    def __init__(self, values: NDArray[np.int32], starts: NDArray[np.int64]) -> None:
        """List i is `values[starts[i]:starts[i + 1]]`; `starts` has shape (lists + 1,)."""
        self.values, self.starts = values, starts

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> Lists:
        """Put lists together, in order."""
        starts = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(items) for items in lists], out=starts[1:])
        return cls(np.fromiter((item for items in lists for item in items), np.int32, int(starts[-1])), starts)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Lists:
        """Take the lists that `arrays(name)` gave. Raises KeyError."""
        return cls(arrays[f"{name}.values"], arrays[f"{name}.starts"])

    def arrays(self, name: str) -> Arrays:
        """Return what is kept on disk."""
        return {f"{name}.values": self.values, f"{name}.starts": self.starts}

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        return self.values[self.span(index)]

    def span(self, index: int) -> slice:
        """Return where list `index` stands in `values`."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))


_NONE = np.zeros(0, np.int32)


class Rows:
    """Words, each with a list of whole numbers."""

    def __init__(self, words: Texts, lists: Lists) -> None:
        """`words` are sorted."""
        self.words, self.lists = words, lists

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[int]]) -> Rows:
        """Put words and their lists together."""
        words = sorted(rows)
        return cls(Texts.of(words), Lists.of([rows[word] for word in words]))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Rows:
        """Take what `arrays(name)` gave. Raises KeyError."""
        return cls(Texts.from_arrays(arrays, f"{name}.words"), Lists.from_arrays(arrays, name))

    def arrays(self, name: str) -> Arrays:
        """Return what is kept on disk."""
        return self.words.arrays(f"{name}.words") | self.lists.arrays(name)

    def get(self, word: str) -> NDArray[np.int32]:
        """Return the list of `word`: empty, if there is no such word."""
        index = self.words.find(word)
        return _NONE if index < 0 else self.lists[index]

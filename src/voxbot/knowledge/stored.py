"""Chunks in arrays: each is made when it is asked for, so an index of any size is opened at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np

from voxbot.domain.ids import ChunkId
from voxbot.knowledge.arrays import Texts
from voxbot.knowledge.documents import Chunk
from voxbot.knowledge.records import Records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.arrays import Arrays


class StoredChunks(Sequence[Chunk]):
    """The chunks that `record_arrays` put away."""

    def __init__(self, texts: Texts, passages: Texts, starts: NDArray[np.int64]) -> None:
        """Take chunks as JSON; the passages of chunk i are `passages[starts[i]:starts[i + 1]]`."""
        self._texts, self._passages, self._starts = texts, passages, starts

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Chunk: ...
    @overload
    def __getitem__(self, index: slice) -> list[Chunk]: ...
    def __getitem__(self, index: int | slice) -> Chunk | list[Chunk]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        kb, title, headings, text, start_index, chunk_id, above = json.loads(self._texts[place])
        passages = tuple(self._passages[int(self._starts[place]) : int(self._starts[place + 1])])
        return Chunk(cast("KbName", kb), title, tuple(headings), text, start_index, ChunkId(chunk_id), passages, above)


def record_arrays(records: Records) -> Arrays:
    """Return records as they are kept on disk."""
    chunks = (
        json.dumps([c.kb, c.title, c.headings, c.text, c.start_index, c.chunk_id, c.above], ensure_ascii=False)
        for c in records.chunks
    )
    return {
        **Texts.of(chunks).arrays("records.chunks"),
        **Texts.of(records.passages).arrays("records.passages"),
        "records.owners": records.owners,
        "records.vectors": records.vectors,
    }


def stored_records(arrays: Mapping[str, NDArray[Any]]) -> Records:
    """Take what `record_arrays` gave. Raises KeyError."""
    owners = arrays["records.owners"]
    passages = Texts.from_arrays(arrays, "records.passages")
    texts = Texts.from_arrays(arrays, "records.chunks")
    starts = np.searchsorted(owners, np.arange(len(texts) + 1))
    return Records(StoredChunks(texts, passages, starts), passages, owners, arrays["records.vectors"])

"""All that a search needs of one version of the index, in memory and immutable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.dialogue import KB_NAMES
from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.lexical import LexicalIndex
from voxbot.knowledge.records import read_records
from voxbot.knowledge.titles import TitleIndex
from voxbot.knowledge.versions import read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.records import Records
from voxbot.knowledge.versions import VersionStore


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """The passages of both bases.

    `first_rows[i]` is the first passage of chunk i, shape (chunks,); `chunks_of` holds the numbers of a base's chunks.
    """

    version: str
    records: Records
    lexical: LexicalIndex
    titles: TitleIndex
    first_rows: NDArray[np.intp]
    chunks_of: Mapping[KbName, NDArray[np.intp]]


def make_space(version: str, records: Records) -> SearchSpace:
    """Prepare records for searching. Blocking: about 0.3 s for 500 chunks."""
    lexical = LexicalIndex(records.passages, records.owners.tolist())
    return SearchSpace(
        version=version,
        records=records,
        lexical=lexical,
        titles=TitleIndex([chunk.title for chunk in records.chunks], lexical.rarity),
        first_rows=np.flatnonzero(np.diff(records.owners, prepend=-1)),
        chunks_of={
            kb: np.array([index for index, chunk in enumerate(records.chunks) if chunk.kb == kb], np.intp)
            for kb in KB_NAMES
        },
    )


def open_space(store: VersionStore, embedder: str) -> SearchSpace:
    """Read the version in use. Blocking. Raises KnowledgeError if there is none that this embedder can search.

    A version may be swept away between reading the pointer and reading the version, if two builds end in between:
    then the pointer names another one, which is read instead.
    """
    while True:
        folder = store.current()
        if folder is None:
            raise KnowledgeError(f"{store.root}: индекс ещё не построен; выполните voxbot kb build")
        try:
            _check(folder, embedder)
            return make_space(folder.name, read_records(folder))
        except KnowledgeError:
            if store.current() == folder:
                raise


def _check(folder: Path, embedder: str) -> None:
    manifest = read_manifest(folder)
    if manifest is None:
        raise KnowledgeError(f"{folder}: эта версия индекса не подходит программе; выполните voxbot kb build")
    if manifest.embedder != embedder:
        raise KnowledgeError(
            f"{folder}: индекс построен моделью {manifest.embedder}, а настроена {embedder}; выполните voxbot kb build"
        )

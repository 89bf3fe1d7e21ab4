"""All that a search needs of one version of the index, immutable, prepared once and kept beside the version."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxbot.domain.dialogue import KB_NAMES
from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.lexical import LexicalIndex
from voxbot.knowledge.stored import record_arrays, stored_records
from voxbot.knowledge.titles import TitleIndex

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.records import Records

_DONE = "whole"


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
    """Prepare records for searching. Blocking: about 0.5 s for 500 chunks, 30 s for 20,000."""
    lexical = LexicalIndex.of(records.passages, records.owners.tolist())
    return SearchSpace(
        version=version,
        records=records,
        lexical=lexical,
        titles=TitleIndex.of(
            [chunk.title for chunk in records.chunks], [chunk.headings for chunk in records.chunks], lexical.rarity
        ),
        first_rows=np.flatnonzero(np.diff(records.owners, prepend=-1)),
        chunks_of={
            kb: np.array([index for index, chunk in enumerate(records.chunks) if chunk.kb == kb], np.intp)
            for kb in KB_NAMES
        },
    )


def save_space(folder: Path, space: SearchSpace) -> None:
    """Keep a prepared version in a new folder. Blocking. Raises KnowledgeError if the disk does not take it."""
    arrays = {
        **record_arrays(space.records),
        **space.lexical.arrays("lexical"),
        **space.titles.arrays("titles"),
        **{f"chunks.{kb}": numbers for kb, numbers in space.chunks_of.items()},
        "first_rows": space.first_rows,
    }
    try:
        folder.mkdir(parents=True)
        for name, array in arrays.items():
            with (folder / f"{name}.npy").open("wb") as file:
                np.save(file, array, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        (folder / _DONE).write_text(f"{len(arrays)}\n", encoding="ascii")
    except OSError as error:
        raise KnowledgeError(
            f"индекс {folder} не записывается ({error.strerror or error}); "
            "освободите место на диске и повторите `voxbot kb build`"
        ) from error


def is_saved(folder: Path) -> bool:
    """Tell whether `save_space` finished in this folder."""
    return (folder / _DONE).is_file()


def load_space(folder: Path, version: str) -> SearchSpace:
    """Read a prepared version. Blocking, with the interpreter free for others. Raises KnowledgeError if damaged."""
    try:
        arrays: dict[str, NDArray[Any]] = {
            path.name.removesuffix(".npy"): np.load(path, allow_pickle=False) for path in folder.glob("*.npy")
        }
        return SearchSpace(
            version=version,
            records=stored_records(arrays),
            lexical=LexicalIndex.from_arrays(arrays, "lexical"),
            titles=TitleIndex.from_arrays(arrays, "titles"),
            first_rows=arrays["first_rows"],
            chunks_of={kb: arrays[f"chunks.{kb}"] for kb in KB_NAMES},
        )
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise KnowledgeError(f"версия индекса {folder} повреждена ({error}); выполните `voxbot kb build`") from error

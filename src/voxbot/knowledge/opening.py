"""Open the version of the index in use, wherever versions are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.server import ChromaServer, ServerVersions
from voxbot.knowledge.versions import VersionStore

if TYPE_CHECKING:
    from pathlib import Path

    from voxbot.knowledge.space import SearchSpace
    from voxbot.knowledge.versions import Manifest, Versions


def open_versions(root: Path, server: ChromaServer | None = None) -> Versions:
    """Return the versions on `server`, or those in the folder `root`. Makes no connection yet."""
    return ServerVersions(server, root) if server else VersionStore(root)


def open_space(versions: Versions, embedder: str) -> SearchSpace:
    """Read the version in use. Blocking. Raises KnowledgeError if there is none that this embedder can search.

    A version may be swept away between reading the pointer and reading the version, if two builds end in between:
    then the pointer names another one, which is read instead.
    """
    while True:
        stamp = versions.stamp()
        try:
            return versions.open(_checked(versions, embedder).version)
        except KnowledgeError:
            if versions.stamp() == stamp:
                raise


def _checked(versions: Versions, embedder: str) -> Manifest:
    manifest = versions.manifest()
    if manifest is None and not versions.exists():
        raise KnowledgeError(f"{versions.where}: индекс ещё не построен; выполните voxbot kb build")
    if manifest is None:
        raise KnowledgeError(f"{versions.where}: эта версия индекса не подходит программе; выполните voxbot kb build")
    if manifest.embedder != embedder:
        raise KnowledgeError(
            f"{versions.where}: индекс построен моделью {manifest.embedder}, а настроена {embedder}; "
            "выполните voxbot kb build"
        )
    return manifest

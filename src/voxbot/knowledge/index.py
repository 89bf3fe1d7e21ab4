"""Build a new version of the index beside the one in use, and switch to it when it is whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

import structlog

from voxbot.domain.dialogue import KB_NAMES
from voxbot.domain.errors import KnowledgeError
from voxbot.knowledge.documents import Document, read_bytes, read_document
from voxbot.knowledge.embedding import PaidVectors, embed_passages
from voxbot.knowledge.opening import open_versions
from voxbot.knowledge.records import Records, make_records
from voxbot.knowledge.versions import BaseManifest, Manifest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

    from voxbot.domain.dialogue import KbName
    from voxbot.knowledge.documents import Chunk
    from voxbot.knowledge.embedder import Embedder, Vectors
    from voxbot.knowledge.server import ChromaServer
    from voxbot.knowledge.versions import Versions

Swap: TypeAlias = Callable[[], AbstractContextManager[object]]
"""What is entered, in a thread, just before another version is put in use, and left just after."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. `documents` counts chunks per base; `embedded` passages, the rest were reused."""

    version: str
    documents: Mapping[KbName, int]
    passages: int
    embedded: int
    seconds: float


def embedder_id(embedder: Embedder) -> str:
    """Name the vector space: `<provider>/<model>`."""
    return f"{embedder.name}/{embedder.model}"


def is_fresh(
    root: Path, sources: Mapping[KbName, Path], embedder: Embedder, server: ChromaServer | None = None
) -> bool:
    """Tell whether the version in use was made of these very files by this embedder. Blocking.

    Raises KnowledgeError.
    """
    manifest = open_versions(root, server).manifest()
    if manifest is None or manifest.embedder != embedder_id(embedder) or set(manifest.bases) != set(sources):
        return False
    hashes = {kb: sha256(read_bytes(path)).hexdigest() for kb, path in sources.items()}
    return {kb: base.content_hash for kb, base in manifest.bases.items()} == hashes


def is_usable(root: Path, embedder: Embedder, server: ChromaServer | None = None) -> bool:
    """Tell whether there is a version that this embedder can search, of whatever files. Blocking."""
    versions = open_versions(root, server)
    try:
        manifest = versions.manifest()
    except KnowledgeError:
        manifest = versions.at_hand()
    return manifest is not None and manifest.embedder == embedder_id(embedder)


async def build_index(
    root: Path,
    sources: Mapping[KbName, Path],
    embedder: Embedder,
    *,
    only: KbName | None = None,
    progress: Callable[[int, int], None] | None = None,
    server: ChromaServer | None = None,
    swap: Swap = nullcontext,
) -> BuildReport:
    """Build and publish a version. Passages that the version in use already has are not embedded again.

    `only` reads that base anew and takes the other over from the version in use. `progress(done, total)` counts
    passages to embed. With `server` the versions are there, not in `root`. The version is put in use within `swap`,
    whose exit learns of a failure: what has to change together with the index does. Raises KnowledgeError,
    ProviderError; whatever happens, the version in use stays whole, and what was embedded is there for the next build.
    """
    started = time.monotonic()
    versions = await asyncio.to_thread(open_versions, root, server)
    async with _building(versions):
        previous = await asyncio.to_thread(versions.manifest)
        manifest, records = await asyncio.to_thread(_in_use, versions, previous, embedder_id(embedder))
        kept = only and manifest and records
        documents: dict[KbName, Document] = {
            kb: await asyncio.to_thread(read_document, kb, sources[kb]) for kb in KB_NAMES if not kept or kb == only
        }
        chunks = [chunk for kb in KB_NAMES for chunk in _chunks(kb, documents, records)]
        paid = PaidVectors(root, embedder_id(embedder))
        vectors, embedded = await chunk_vectors(chunks, records, embedder, paid, progress)
        version = await asyncio.to_thread(versions.write, make_records(chunks, vectors))
        made = Manifest(
            version=version,
            previous=previous.version if previous else "",
            embedder=embedder_id(embedder),
            bases=dict(manifest.bases if manifest else {}) | _bases(chunks, documents),
        )
        await _to_its_end(lambda: _publish(versions, made, swap))
        await paid.forget()
    report = BuildReport(
        version=version,
        documents={kb: sum(chunk.kb == kb for chunk in chunks) for kb in KB_NAMES},
        passages=len(vectors),
        embedded=embedded,
        seconds=time.monotonic() - started,
    )
    log.info("Эмбеддинги успешно пересозданы", version=report.version, passages=report.passages, embedded=embedded)
    return report


def _publish(versions: Versions, made: Manifest, swap: Swap) -> None:
    with swap():
        try:
            versions.publish(made)
        except KnowledgeError:
            in_use = versions.manifest()  # an answer may be lost of what was done
            if in_use is None or in_use.version != made.version:
                raise


async def _to_its_end(work: Callable[[], None]) -> None:
    """Work in a thread; who is cancelled waits for it: half of it must not go on beside what comes next."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        if not working.cancelled() and (error := working.exception()):
            log.warning("Индекс не сменён: сборку остановили", reason=str(error))
        raise


@asynccontextmanager
async def _building(versions: Versions) -> AsyncGenerator[None]:
    """`versions.building()` with its waiting in a thread."""
    held = ExitStack()
    await asyncio.to_thread(held.enter_context, versions.building())
    try:
        yield
    finally:
        await asyncio.to_thread(held.close)


def _in_use(versions: Versions, manifest: Manifest | None, embedder: str) -> tuple[Manifest | None, Records | None]:
    """Read what can be reused: nothing, if the version in use is damaged or of another embedder."""
    if manifest is None or manifest.embedder != embedder:
        return None, None
    try:
        return manifest, versions.read(manifest.version)
    except KnowledgeError:
        log.warning("Действующий индекс повреждён, строится заново", version=manifest.version)
        return None, None


def _chunks(kb: KbName, documents: Mapping[KbName, Document], records: Records | None) -> Sequence[Chunk]:
    if kb in documents:
        return documents[kb].chunks
    return [chunk for chunk in records.chunks if chunk.kb == kb] if records else []


async def chunk_vectors(
    chunks: Sequence[Chunk],
    records: Records | None,
    embedder: Embedder,
    paid: PaidVectors,
    progress: Callable[[int, int], None] | None,
) -> tuple[Vectors, int]:
    """Return the vectors of all passages in order, and how many were computed: those that `records` has are not.

    Raises ProviderError.
    """
    passages = [passage for chunk in chunks for passage in chunk.passages]
    known = dict(zip(records.passages, records.vectors, strict=True)) if records else {}
    try:
        return await embed_passages(passages, known, embedder, paid=paid, progress=progress)
    finally:
        await paid.close()


def _bases(chunks: Sequence[Chunk], documents: Mapping[KbName, Document]) -> dict[KbName, BaseManifest]:
    bases: dict[KbName, BaseManifest] = {}
    for kb, document in documents.items():
        own = [chunk for chunk in chunks if chunk.kb == kb]
        bases[kb] = BaseManifest(document.content_hash, len(own), sum(len(chunk.passages) for chunk in own))
    return bases

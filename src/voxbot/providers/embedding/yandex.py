"""Yandex Cloud's text embeddings over gRPC: one model for questions, one for passages, vectors of one space.

One text a request, up to 2,000 tokens, 10 requests a second unless the folder's quota was raised
(https://yandex.cloud/docs/ai-studio/concepts/limits). A build of the index leaves some of them to the questions of
callers, who may be another process's; what is refused all the same, it waits a second for. A question goes ahead.

A question is asked once: guarded.py repeats it, and says how long a caller waits. A passage is sent as often as it
takes to get over a limit of requests.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from yandex.cloud.ai.foundation_models.v1.embedding import embedding_service_pb2, embedding_service_pb2_grpc

from voxbot.domain.errors import (
    ConfigError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
    first_error,
)
from voxbot.providers.yandex.auth import create_auth
from voxbot.providers.yandex.channel import YandexChannel, answered, parse_endpoint
from voxbot.providers.yandex.errors import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.knowledge.embedder import Embedder, Vectors
    from voxbot.providers.yandex.auth import YandexAuth
    from voxbot.settings.schema import Settings, YandexSettings

log = structlog.get_logger(__name__)

_SERVICE = "эмбеддинги"
_QUESTION_S = 10.0
"""Who asks waits less."""
_DOCUMENT_S = 15.0
_DOCUMENT_TRIES = 7
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_AT_ONCE = 16
_REFUSED_S = 1.0
"""The quota is counted by the second."""
_MOST_CHARS = 6000
"""About 2,000 tokens of Russian; what is beyond is not read."""
_pb: Any = embedding_service_pb2


def create(settings: Settings) -> Embedder:
    """Make the embedder; nothing is sent yet. Raises ConfigError without an account or a folder."""
    if not settings.yandex.folder_id:
        raise ConfigError(
            "EMBEDDINGS_PROVIDER=yandex: впишите YANDEX_FOLDER_ID, каталог входит в имя модели; "
            "для сервисного аккаунта это каталог, в котором он создан"
        )
    return YandexEmbedder(settings.yandex, create_auth(settings.yandex))


class YandexEmbedder:
    """The embedder of the process."""

    name = PROVIDER
    is_local = False
    documents_at_once = 64

    def __init__(self, settings: YandexSettings, auth: YandexAuth, *, first_pause_s: float = _FIRST_PAUSE_S) -> None:
        self._auth = auth
        self._channel = YandexChannel(settings.embeddings_endpoint, _SERVICE)
        self._query_uri = _uri(settings.folder_id, settings.embeddings_query_model)
        self._document_uri = _uri(settings.folder_id, settings.embeddings_document_model)
        self._pace = _Pace(settings.embeddings_per_s)
        self._first_pause_s = first_pause_s
        self._sending = asyncio.Semaphore(_AT_ONCE)
        self.model = _identity(settings)

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question: shape (dimension,), 256 with the usual model. Raises ProviderError."""
        self._pace.give_way()
        return await self._ask(self._query_uri, text, _QUESTION_S)

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages: shape (len(texts), dimension), (0, 0) for none. Raises ProviderError."""
        if not texts:
            return np.zeros((0, 0), np.float32)
        try:
            async with asyncio.TaskGroup() as sending:
                tasks = [sending.create_task(self._document(text)) for text in texts]
        except* ProviderError as errors:
            raise first_error(errors) from None
        return np.stack([task.result() for task in tasks])

    async def close(self) -> None:
        """Break off the connection."""
        await self._channel.close()
        await self._auth.close()

    async def _document(self, text: str) -> Vectors:
        """Ask, and again when the service is busy or asks to send less."""
        pause_s = self._first_pause_s
        for attempt in range(_DOCUMENT_TRIES):
            try:
                async with self._sending:
                    await self._pace.turn()
                    return await self._ask(self._document_uri, text, _DOCUMENT_S)
            except (ProviderUnavailableError, ProviderRateLimitError) as error:
                if attempt + 1 == _DOCUMENT_TRIES:
                    raise
                if isinstance(error, ProviderRateLimitError):
                    self._pace.pause(_REFUSED_S)
                asked_s = error.retry_after_s if isinstance(error, ProviderRateLimitError) else None
                # Spread, or all passages come back together.
                wait_s = max(asked_s or 0.0, pause_s) * random.uniform(1, 1.5)  # noqa: S311 - no secret
                log.warning("Эмбеддинги: сервис занят, повторю", code=error.code, seconds=round(wait_s, 1))
            await asyncio.sleep(min(wait_s, _LONGEST_PAUSE_S))
            pause_s *= 2
        raise AssertionError

    async def _ask(self, uri: str, text: str, limit_s: float) -> Vectors:
        """Embed one text. A token that was revoked is replaced once. Raises ProviderError."""
        request = _pb.TextEmbeddingRequest(model_uri=uri, text=_sendable(text))
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    metadata = await self._auth.metadata()
                    stub = self._channel.stub(embedding_service_pb2_grpc.EmbeddingsServiceStub)
                    try:
                        answer = await answered(stub.TextEmbedding(request, metadata=metadata), _SERVICE)
                    except ProviderAuthError:
                        if not self._auth.refused(metadata):
                            raise
                    else:
                        return _unit(answer.embedding)
        except TimeoutError as error:
            raise ProviderUnavailableError(PROVIDER, f"{_SERVICE}: нет ответа {limit_s:g} с") from error


class _Pace:
    """Lets `per_s` pass each second, evenly."""

    def __init__(self, per_s: float) -> None:
        self._gap_s = 1 / per_s
        self._next_s = 0.0

    async def turn(self) -> None:
        """Wait until it is one's turn."""
        clock = asyncio.get_running_loop().time
        while (wait_s := self._next_s - clock()) > 0:  # noqa: ASYNC110 - another may have gone, a pause may have begun
            await asyncio.sleep(wait_s)
        self.give_way()

    def give_way(self) -> None:
        """Let one go now that does not wait for its turn."""
        self._next_s = max(self._next_s, asyncio.get_running_loop().time()) + self._gap_s

    def pause(self, seconds: float) -> None:
        """Let nobody go for so long."""
        self._next_s = max(self._next_s, asyncio.get_running_loop().time() + seconds)


def _identity(settings: YandexSettings) -> str:
    """Everything that makes vectors comparable (see Embedder.model): another service's may have the same names."""
    address, _ = parse_endpoint(settings.embeddings_endpoint)
    usual, _ = parse_endpoint(type(settings).model_fields["embeddings_endpoint"].default)
    elsewhere = "" if address == usual else f";endpoint={address}"
    return f"{settings.embeddings_document_model};questions={settings.embeddings_query_model}{elsewhere}"


def _uri(folder_id: str, model: str) -> str:
    return model if "://" in model else f"emb://{folder_id}/{model}"


def _sendable(text: str) -> str:
    """At most what the model reads, and no half characters: they cannot be sent. A text of nothing is refused."""
    whole = text[:_MOST_CHARS].encode(errors="ignore").decode()
    return whole if whole.strip() else "-"


def _unit(numbers: Sequence[float]) -> Vectors:
    vector = np.array(numbers, np.float32)
    if not vector.size or not np.isfinite(vector).all():
        raise ProviderError(PROVIDER, f"{_SERVICE}: сервис ответил не вектором; проверьте YANDEX_EMBEDDINGS_*_MODEL")
    return vector / max(float(np.linalg.norm(vector)), float(np.finfo(np.float32).tiny))

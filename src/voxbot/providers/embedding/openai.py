"""Embeddings of an OpenAI-compatible service, `POST /embeddings`: OpenAI, Yandex Cloud, vLLM, Ollama, TEI.

Asked for as numbers (`encoding_format=float`): not every server knows the SDK's own base64. A server that takes one
text a request (Yandex Cloud) is known by its refusal of several, and asked one by one from then on; one that does
not manage a batch in time gets half of it.

A question is asked once: guarded.py repeats it, and says how long a caller waits. A request of a build, which may last
minutes, is repeated here, as often as it takes to get over a limit of requests.
"""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import structlog

from voxbot.domain.errors import ProviderError, ProviderRateLimitError, ProviderUnavailableError
from voxbot.providers.openai_api import NAME, Variables, find_account, make_client, names_model, translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.knowledge.embedder import Embedder, Vectors
    from voxbot.providers.openai_api import Account
    from voxbot.settings.schema import KnowledgeSettings, Settings

log = structlog.get_logger(__name__)

_CONNECT_S = 2.0
_QUESTION_S = 10.0
"""Who asks waits less."""
_DOCUMENTS_S = 120.0
"""A model on a processor of one's own needs 10 s for a batch."""
_BATCH = 32
"""Passages of one request: about 10,000 tokens of the 300,000 that OpenAI takes, and of the 2048 texts."""
_BATCHES_AT_ONCE = 4
_DOCUMENT_TRIES = 7
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_REFUSALS = frozenset({400, 413, 415, 422, 501})


def create(settings: Settings) -> Embedder:
    """Make the embedder; nothing is sent yet. Raises ConfigError without a key or an address."""
    knowledge = settings.knowledge
    account = find_account(
        settings,
        "EMBEDDINGS_PROVIDER=local",
        base_url=knowledge.embeddings_base_url,
        key=knowledge.embeddings_api_key,
    )
    variables = Variables(
        key="EMBEDDINGS_API_KEY" if knowledge.embeddings_api_key else "OPENAI_API_KEY",
        base_url="EMBEDDINGS_BASE_URL" if knowledge.embeddings_base_url else "OPENAI_BASE_URL",
        model="EMBEDDINGS_MODEL",
    )
    return OpenAiEmbedder(knowledge, account, variables)


class OpenAiEmbedder:
    """The embedder of the process."""

    name = NAME
    is_local = False
    documents_at_once = _BATCH * _BATCHES_AT_ONCE

    def __init__(
        self,
        settings: KnowledgeSettings,
        account: Account,
        variables: Variables,
        *,
        first_pause_s: float = _FIRST_PAUSE_S,
        documents_s: float = _DOCUMENTS_S,
    ) -> None:
        self._settings = settings
        self._account = account
        self._variables = variables
        self._first_pause_s = first_pause_s
        self._documents_s = documents_s
        self._client: Any = None
        self._batch = _BATCH
        self._sending = asyncio.Semaphore(_BATCHES_AT_ONCE)
        self.model = _identity(settings, account)

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question: shape (dimension,). Raises ProviderError."""
        told = self._settings
        model = told.embeddings_query_model or told.embeddings_model
        return (await self._ask(model, [_prefixed(told.embeddings_query_prefix, text)], _QUESTION_S))[0]

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed passages: shape (len(texts), dimension), (0, 0) for none. Raises ProviderError."""
        if not texts:
            return np.zeros((0, 0), np.float32)
        prefixed = [_prefixed(self._settings.embeddings_document_prefix, text) for text in texts]
        batches = [prefixed[start : start + _BATCH] for start in range(0, len(prefixed), _BATCH)]
        try:
            async with asyncio.TaskGroup() as sending:
                tasks = [sending.create_task(self._documents(batch)) for batch in batches]
        except* ProviderError as errors:
            raise errors.exceptions[0] from None
        return np.concatenate([task.result() for task in tasks])

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _documents(self, texts: Sequence[str]) -> Vectors:
        """Embed one batch, in pieces that the server takes."""
        async with self._sending:
            parts: list[Vectors] = []
            done = 0
            while done < len(texts):
                piece = texts[done : done + self._batch]
                try:
                    parts.append(await self._patiently(piece))
                except _FewerError as refusal:
                    if refusal.texts < self._batch:
                        self._batch = refusal.texts
                        log.warning("Сервер эмбеддингов не берёт столько текстов сразу", now=self._batch)
                else:
                    done += len(piece)
            return np.concatenate(parts)

    async def _patiently(self, texts: Sequence[str]) -> Vectors:
        """Ask, and again when the server is busy or asks to send less. Raises ProviderError, _FewerError."""
        pause_s = self._first_pause_s
        for attempt in range(_DOCUMENT_TRIES):
            try:
                return await self._ask(self._settings.embeddings_model, texts, self._documents_s)
            except (ProviderUnavailableError, ProviderRateLimitError) as error:
                if attempt + 1 == _DOCUMENT_TRIES:
                    raise
                asked_s = error.retry_after_s if isinstance(error, ProviderRateLimitError) else None
                # Spread, or all batches come back together.
                wait_s = max(asked_s or 0.0, pause_s * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
                log.warning("Эмбеддинги: сервер занят, повторю", code=error.code, seconds=round(wait_s, 1))
                await asyncio.sleep(min(wait_s, _LONGEST_PAUSE_S))
                pause_s *= 2
        raise AssertionError

    async def _ask(self, model: str, texts: Sequence[str], read_s: float) -> Vectors:
        """Send one request. Raises ProviderError; _FewerError where fewer texts may help."""
        options: dict[str, Any] = {}
        if self._settings.embeddings_dimensions:
            options["dimensions"] = self._settings.embeddings_dimensions
        if self._client is None:
            client = await asyncio.to_thread(make_client, self._account, connect_s=_CONNECT_S, read_s=_DOCUMENTS_S)
            self._client = self._client or client
        sent: str | list[str] = texts[0] if len(texts) == 1 else list(texts)
        try:
            async with asyncio.timeout(read_s):
                answer = await self._client.embeddings.with_raw_response.create(
                    model=model, input=sent, encoding_format="float", **options
                )
        except TimeoutError:
            if len(texts) > 1:
                raise _FewerError(len(texts) // 2) from None
            raise ProviderUnavailableError(self.name, f"нет ответа за {read_s:g} с") from None
        except Exception as error:
            made = translated(error, self._variables, read_s=read_s)
            may_be_number = getattr(error, "status_code", None) in _REFUSALS and not names_model(error)
            if len(texts) > 1 and may_be_number:
                raise _FewerError(1) from error
            raise made from error
        return self._vectors(answer.content, len(texts))

    def _vectors(self, answer: bytes, wanted: int) -> Vectors:
        """Read the answer in the order of the texts; rows are made to have length 1.

        Not by the SDK, which looks at each number in turn: 5 ms and more for one vector.
        """
        try:
            rows: list[dict[str, Any]] = json.loads(answer)["data"]
            ordered = sorted(rows, key=lambda row: cast("int", row["index"]))
            vectors = np.array([row["embedding"] for row in ordered], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderError(self.name, "сервер ответил не векторами; проверьте EMBEDDINGS_MODEL") from error
        is_matrix = len(vectors.shape) == len(("texts", "dimension"))
        if not is_matrix or not vectors.size or len(vectors) != wanted or not np.isfinite(vectors).all():
            raise ProviderError(self.name, "сервер ответил не теми векторами; проверьте EMBEDDINGS_MODEL")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)


class _FewerError(Exception):
    """A request of several texts was refused or took too long: so many at once may do."""

    def __init__(self, texts: int) -> None:
        super().__init__(f"at most {texts} texts at once")
        self.texts = texts


def _identity(settings: KnowledgeSettings, account: Account) -> str:
    """Everything that makes vectors comparable (see Embedder.model): another service's may have the same names."""
    parts = {
        "questions": settings.embeddings_query_model,
        "dimensions": str(settings.embeddings_dimensions or ""),
        "question": settings.embeddings_query_prefix,
        "passage": settings.embeddings_document_prefix,
        "endpoint": account.elsewhere,
    }
    return settings.embeddings_model + "".join(f";{name}={value}" for name, value in parts.items() if value)


def _prefixed(prefix: str, text: str) -> str:
    return f"{prefix} {text}" if prefix else text

"""Yandex text embeddings on the real gRPC stubs: checks account, model and length; vectors as TrigramEmbedder's."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

import grpc
from yandex.cloud.ai.foundation_models.v1.embedding import embedding_service_pb2, embedding_service_pb2_grpc

from fakes.embedder import TrigramEmbedder
from fakes.yandex_account import YandexAccounts

_MODELS = {"text-search-query", "text-search-doc"}
_MOST_CHARS = 2000 * 4
"""About 2,000 tokens."""


@dataclass(frozen=True)
class Embedding:
    """How one request is answered: after `latency_s`, with `status` (by name) if it is to be refused."""

    latency_s: float = 0.0
    status: str | None = None
    retry_after_s: float | None = None


@dataclass
class YandexEmbeddings(embedding_service_pb2_grpc.EmbeddingsServiceServicer):
    """`answers` are used up one by one, the last one for good; `most_at_once` is how many were asked together."""

    accounts: YandexAccounts = field(default_factory=YandexAccounts)
    answers: deque = field(default_factory=lambda: deque([Embedding()]))
    requests: list = field(default_factory=list)
    dimension: int = 256
    per_s: int | None = None
    """The folder's quota, of any one second; `refused` counts what was beyond it."""
    refused: int = 0
    granted_s: deque = field(default_factory=deque)
    embed: object = None
    """`await embed(text)` instead of trigrams: see `voxbot dev doubles`."""
    at_once: int = 0
    most_at_once: int = 0

    def answer(self, *answers):
        self.answers = deque(answers)

    async def TextEmbedding(self, request, context):  # noqa: N802 - the stub's name
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._embedding(request, context)
        finally:
            self.at_once -= 1

    async def _embedding(self, request, context):
        self.requests.append(request)
        asked = dict(context.invocation_metadata())
        if refusal := self.accounts.refusal(asked.get("authorization"), asked.get("x-folder-id")):
            await context.abort(grpc.StatusCode[refusal.status], refusal.text)
        folder, _, model = request.model_uri.removeprefix("emb://").partition("/")
        if not request.model_uri.startswith("emb://") or model.partition("/")[0] not in _MODELS:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"Failed to parse model URI: {request.model_uri}")
        if folder != self.accounts.folder:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"Permission denied to folder {folder}")
        if not request.text.strip() or len(request.text) > _MOST_CHARS:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "text is empty or longer than 2000 tokens")
        if self.per_s is not None and not self._is_granted(self.per_s):
            self.refused += 1
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota exceeded")
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(answer.latency_s)
        if answer.status is not None:
            trailers = () if answer.retry_after_s is None else (("retry-after", f"{answer.retry_after_s:g}"),)
            await context.abort(grpc.StatusCode[answer.status], "refused on purpose", trailers)
        embed = self.embed or TrigramEmbedder(dimension=self.dimension).embed_query
        vector = await embed(request.text)
        return embedding_service_pb2.TextEmbeddingResponse(
            embedding=(vector * 3).tolist(), num_tokens=len(request.text) // 4 + 1, model_version="double"
        )

    def _is_granted(self, per_s):
        now_s = asyncio.get_running_loop().time()
        while self.granted_s and now_s - self.granted_s[0] >= 1:
            self.granted_s.popleft()
        if len(self.granted_s) >= per_s:
            return False
        self.granted_s.append(now_s)
        return True

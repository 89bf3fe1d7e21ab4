"""`POST /embeddings` as OpenAI answers it."""

import base64
from dataclasses import dataclass

import numpy as np
from aiohttp import web

from fakes.embedder import TrigramEmbedder
from fakes.http_faults import Faults, answered, refusal

MAX_TEXTS = 2048
_FIELDS = {"model", "input", "encoding_format", "dimensions", "user"}


@dataclass(frozen=True)
class EmbeddingsRequest:
    """One request as it came."""

    model: str
    texts: list
    body: dict
    authorization: str


class EmbeddingsDouble:
    """Vectors of `embed(texts)`, which may be a coroutine; by default texts with the same letters are near.

    `one_text` refuses lists, as Yandex Cloud does; `shuffled` answers in another order, which `index` tells.
    """

    def __init__(self):
        self.faults = Faults()
        self.requests = []
        self.embed = _trigrams
        self.one_text = False
        self.shuffled = False

    async def handle(self, request):
        body = await request.json()
        texts = body.get("input")
        listed = texts if isinstance(texts, list) else [texts]
        asked = EmbeddingsRequest(body.get("model"), listed, body, request.headers.get("Authorization", ""))
        self.requests.append(asked)
        return await answered(request, self.faults.next(), lambda: self._answer(asked))

    async def _answer(self, asked):
        body = asked.body
        if complaint := next(self._complaints(asked), None):
            return refusal(400, complaint)
        made = self.embed(asked.texts)
        vectors = np.asarray(await made if hasattr(made, "__await__") else made, np.float32)
        if size := body.get("dimensions"):
            vectors = vectors[:, :size] / np.linalg.norm(vectors[:, :size], axis=1, keepdims=True)
        data = [
            {"object": "embedding", "index": index, "embedding": _encoded(vector, body.get("encoding_format"))}
            for index, vector in enumerate(vectors)
        ]
        if self.shuffled:
            data.reverse()
        tokens = sum(len(text) // 3 + 1 for text in asked.texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return web.json_response({"object": "list", "data": data, "model": asked.model, "usage": usage})

    def _complaints(self, asked):
        if unknown := set(asked.body) - _FIELDS:
            yield f"Unrecognized request arguments supplied: {', '.join(sorted(unknown))}"
        if not asked.model:
            yield "you must provide a model parameter"
        if not asked.texts or not all(isinstance(text, str) and text for text in asked.texts):
            yield "'$.input' is invalid."
        if len(asked.texts) > MAX_TEXTS:
            yield "'$.input' is too long."
        if self.one_text and isinstance(asked.body["input"], list):
            yield "input must be a string"
        if asked.body.get("encoding_format", "float") not in {"float", "base64"}:
            yield "'$.encoding_format' is not one of ['float', 'base64']"


def _encoded(vector, encoding):
    return base64.b64encode(vector.tobytes()).decode() if encoding == "base64" else [float(value) for value in vector]


def _trigrams(texts):
    embedder = TrigramEmbedder()
    return np.stack([embedder.vector(text) for text in texts])

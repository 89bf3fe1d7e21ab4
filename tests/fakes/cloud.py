"""All cloud services at once, on the loopback, with local engines in them: for `voxbot dev doubles`."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import numpy as np

from fakes.http_faults import Fault
from fakes.openai_server import Reply, openai_server
from fakes.quoting import quote
from fakes.yandex_account import API_KEY as YANDEX_KEY
from fakes.yandex_cloud import yandex_cloud
from fakes.yandex_embeddings import Embedding
from fakes.yandex_stt import SttDouble
from fakes.yandex_tts import Speech
from voxbot.domain.audio import TELEPHONE_RATE_HZ, AudioChunk
from voxbot.speech.asr import AsrHints
from voxbot.speech.resampler import resample

OPENAI_KEY = "sk-double"
_TOKEN_S = 0.02
_PARTIAL_EVERY_MS = 800
"""Each partial costs a recognition by the local engine."""


@dataclass(frozen=True)
class Latencies:
    """What each service takes, in seconds; a local engine that needs longer is not made faster."""

    stt_final_s: float = 0.15
    llm_first_token_s: float = 0.4
    tts_first_audio_s: float = 0.15
    embedding_s: float = 0.05


class LocalEngines:
    """Local engines in the form that the doubles call."""

    def __init__(self, asr, tts, embedder, terms=""):
        self._asr = asr
        self._tts = tts
        self._embedder = embedder
        self._hints = AsrHints(terms)

    async def recognise(self, samples, rate_hz=TELEPHONE_RATE_HZ):
        return (await self._asr.transcribe(AudioChunk(samples, rate_hz), self._hints)).text

    async def speak(self, text):
        chunks = [chunk async for chunk in self._tts.synthesize(text)]
        if not chunks:
            return np.zeros(0, np.int16)
        sound = np.concatenate([chunk.samples for chunk in chunks])
        return resample(sound, chunks[0].rate_hz, TELEPHONE_RATE_HZ)

    async def embed(self, texts):
        if len(texts) == 1:
            return (await self._embedder.embed_query(texts[0]))[None]
        return await self._embedder.embed_documents(texts)

    async def embed_one(self, text):
        return await self._embedder.embed_query(text)


def _at_least(seconds, work):
    """Make `work` take so long, the time that it needs by itself included."""

    async def slowed(*given):
        _, result = await asyncio.gather(asyncio.sleep(seconds), work(*given))
        return result

    return slowed


@asynccontextmanager
async def openai_cloud(engines, latencies):
    """Run OpenAI's double; give the variables that point VoxBot to it, by kind of service."""
    async with openai_server() as server:
        server.key = OPENAI_KEY
        server.otherwise = lambda body: Reply(quote(body), latency_s=latencies.llm_first_token_s, token_s=_TOKEN_S)
        server.audio.recognise = _at_least(latencies.stt_final_s, engines.recognise)
        server.embeddings.embed = engines.embed
        server.embeddings.faults.plan(Fault(latency_s=latencies.embedding_s))
        yield {"OPENAI_API_KEY": OPENAI_KEY, "OPENAI_BASE_URL": server.base_url, "LLM_PROVIDER": "openai"}


@asynccontextmanager
async def yandex_on_loopback(engines, latencies):
    """Run Yandex Cloud's doubles; give the variables that point VoxBot to them."""
    async with AsyncExitStack() as running:
        cloud = await running.enter_async_context(yandex_cloud(speak=engines.speak))
        cloud.tts.answer(Speech(latency_s=latencies.tts_first_audio_s))
        cloud.tts_http.answer(Speech(latency_s=latencies.tts_first_audio_s))
        cloud.embeddings.answer(Embedding(latency_s=latencies.embedding_s))
        cloud.embeddings.embed = engines.embed_one
        hearing = await running.enter_async_context(
            SttDouble(
                engines.recognise,
                final_ms=latencies.stt_final_s * 1000,
                partial_every_ms=_PARTIAL_EVERY_MS,
                accounts={f"Api-Key {YANDEX_KEY}": False},
            )
        )
        yield cloud.environment(YANDEX_STT_ENDPOINT=f"http://{hearing.endpoint}")


@asynccontextmanager
async def whole_cloud(engines, latencies):
    """Run everything; give the variables."""
    async with openai_cloud(engines, latencies) as openai, yandex_on_loopback(engines, latencies) as yandex:
        yield openai | yandex

"""Yandex Cloud on the loopback: speech over gRPC and HTTP, embeddings, IAM, the metadata service; the same accounts."""

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc.aio
import numpy as np
from aiohttp import web
from yandex.cloud.ai.foundation_models.v1.embedding import embedding_service_pb2_grpc
from yandex.cloud.ai.tts.v3 import tts_service_pb2_grpc

from fakes.link import Link, link_to
from fakes.yandex_account import API_KEY, FOLDER, YandexAccounts
from fakes.yandex_embeddings import YandexEmbeddings
from fakes.yandex_iam import YandexIam
from fakes.yandex_tts import YandexHttpSynthesizer, YandexSynthesizer
from voxbot.providers.tts.espeak import EspeakTts
from voxbot.speech.resampler import resample


@dataclass
class YandexCloud:
    """The doubles, and the cables to them: `grpc_link` carries gRPC, `http_link` everything else."""

    accounts: YandexAccounts
    tts: YandexSynthesizer
    tts_http: YandexHttpSynthesizer
    embeddings: YandexEmbeddings
    iam: YandexIam
    grpc_link: Link
    http_link: Link

    def environment(self, **more):
        """The variables that point VoxBot here, with the API key unless `more` says otherwise."""
        http = f"http://127.0.0.1:{self.http_link.port}"
        return {
            "YANDEX_API_KEY": API_KEY,
            "YANDEX_FOLDER_ID": FOLDER,
            "YANDEX_TTS_ENDPOINT": f"http://127.0.0.1:{self.grpc_link.port}",
            "YANDEX_EMBEDDINGS_ENDPOINT": f"http://127.0.0.1:{self.grpc_link.port}",
            "YANDEX_TTS_HTTP_URL": f"{http}/speech/v1/tts:synthesize",
            "YANDEX_IAM_URL": f"{http}/iam/v1/tokens",
            "YANDEX_METADATA_URL": http,
            **more,
        }


@asynccontextmanager
async def yandex_cloud(*, speak=None, servicers=()):
    """Run all doubles on free ports.

    `speak(text)` gives 8 kHz samples; see `espeak`. `servicers` are further gRPC services of the same address: each is
    called with the server and the accounts.
    """
    accounts = YandexAccounts()
    tts, tts_http = YandexSynthesizer(accounts, speak=speak), YandexHttpSynthesizer(accounts, speak=speak)
    embeddings, iam = YandexEmbeddings(accounts), YandexIam(accounts)
    async with AsyncExitStack() as running:
        server = grpc.aio.server()
        tts_service_pb2_grpc.add_SynthesizerServicer_to_server(tts, server)
        embedding_service_pb2_grpc.add_EmbeddingsServiceServicer_to_server(embeddings, server)
        for add in servicers:
            add(server, accounts)
        grpc_port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        running.push_async_callback(server.stop, 0)
        app = web.Application()
        app.router.add_post("/speech/v1/tts:synthesize", tts_http.handle)
        app.router.add_post("/iam/v1/tokens", iam.exchange)
        app.router.add_get("/computeMetadata/v1/instance/service-accounts/default/token", iam.metadata)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        running.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        grpc_link = await running.enter_async_context(link_to(grpc_port))
        http_link = await running.enter_async_context(link_to(runner.addresses[0][1]))
        tts.cut, tts_http.cut = grpc_link.cut, http_link.cut
        yield YandexCloud(accounts, tts, tts_http, embeddings, iam, grpc_link, http_link)


@asynccontextmanager
async def espeak():
    """Give a `speak` with a real voice."""
    voice = EspeakTts()

    async def speak(text):
        chunks = [chunk async for chunk in voice.synthesize(text)]
        return resample(np.concatenate([chunk.samples for chunk in chunks]), chunks[0].rate_hz, 8000)

    try:
        yield speak
    finally:
        await voice.close()

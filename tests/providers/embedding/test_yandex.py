"""Yandex's embeddings, against a double that checks account, model and length."""

import asyncio
import time
from contextlib import asynccontextmanager

import numpy as np
import pytest
from fakes.yandex_account import OAUTH_TOKEN
from fakes.yandex_cloud import yandex_cloud
from fakes.yandex_embeddings import Embedding

from voxbot.domain.errors import (
    ConfigError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)
from voxbot.providers import registry
from voxbot.providers.embedding import yandex
from voxbot.providers.yandex.auth import create_auth
from voxbot.settings.loader import load_settings

TEXTS = [f"Разрывная машина номер {number}" for number in range(20)]


@pytest.fixture
async def cloud():
    async with yandex_cloud() as double:
        yield double


@asynccontextmanager
async def embedder(cloud, **environ):
    environ = {"YANDEX_EMBEDDINGS_PER_SECOND": "1000"} | environ
    settings = load_settings(None, cloud.environment(**environ)).yandex
    engine = yandex.YandexEmbedder(settings, create_auth(settings), first_pause_s=0.01)
    try:
        yield engine
    finally:
        await engine.close()


async def test_questions_and_passages_have_models_of_their_own(cloud):
    async with embedder(cloud) as engine:
        query = await engine.embed_query(TEXTS[0])
        passages = await engine.embed_documents(TEXTS)
    assert query.shape == (256,)
    assert passages.shape == (len(TEXTS), 256)
    assert np.linalg.norm(passages, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert passages[0] == pytest.approx(query)
    models = [request.model_uri for request in cloud.embeddings.requests]
    assert models[0] == f"emb://{cloud.accounts.folder}/text-search-query/latest"
    assert set(models[1:]) == {f"emb://{cloud.accounts.folder}/text-search-doc/latest"}


async def test_no_passages_are_no_request(cloud):
    async with embedder(cloud) as engine:
        assert len(await engine.embed_documents([])) == 0
    assert not cloud.embeddings.requests


async def test_any_text_is_taken(cloud):
    async with embedder(cloud) as engine:
        assert (await engine.embed_documents(["", " ", "слово " * 5000, "\ud800", "\0"])).shape == (5, 256)


async def test_a_build_keeps_to_the_quota_and_a_question_goes_ahead(cloud):
    async with embedder(cloud, YANDEX_EMBEDDINGS_PER_SECOND="20") as engine:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        build = asyncio.create_task(engine.embed_documents(TEXTS))
        await asyncio.sleep(0.1)
        await engine.embed_query("вопрос")
        assert loop.time() - started_s < 0.5
        await build
        assert loop.time() - started_s > 19 / 20


async def test_a_build_leaves_callers_of_another_process_their_part_of_the_quota(cloud):
    cloud.embeddings.per_s = 10
    chosen = load_settings(None, cloud.environment(EMBEDDINGS_PROVIDER="yandex"))
    builder, bot = registry.create_embedder(chosen), registry.create_embedder(chosen)
    build = asyncio.create_task(builder.embed_documents(TEXTS))
    asked = 0
    while not build.done():
        await bot.embed_query(f"вопрос {asked}")
        asked += 1
        await asyncio.wait({build}, timeout=0.7)
    assert len(await build) == len(TEXTS)
    assert asked > 2
    assert cloud.embeddings.refused <= 2
    await builder.close()
    await bot.close()


async def test_a_build_that_was_refused_leaves_the_service_alone_for_a_second(cloud):
    cloud.embeddings.answer(*[Embedding()] * 3, Embedding(status="RESOURCE_EXHAUSTED"), Embedding())
    async with embedder(cloud, YANDEX_EMBEDDINGS_PER_SECOND="20") as engine:
        build = asyncio.create_task(engine.embed_documents(TEXTS))
        while len(cloud.embeddings.requests) < 4:
            await asyncio.sleep(0.01)
        await asyncio.wait({build}, timeout=0.7)
        assert len(cloud.embeddings.requests) <= 5  # one may have been under way
        await build


async def test_a_build_waits_out_a_refusal_and_a_hiccup(cloud):
    busy = Embedding(status="RESOURCE_EXHAUSTED")
    cloud.embeddings.answer(busy, busy, Embedding(status="UNAVAILABLE"), Embedding())
    async with embedder(cloud) as engine:
        assert (await engine.embed_documents(TEXTS)).shape == (20, 256)
    assert len(cloud.embeddings.requests) == 23


async def test_a_build_does_not_hurry_although_the_service_says_that_it_may(cloud):
    cloud.embeddings.answer(Embedding(status="RESOURCE_EXHAUSTED", retry_after_s=0))
    async with embedder(cloud) as engine:
        started = time.monotonic()
        with pytest.raises(ProviderRateLimitError):
            await engine.embed_documents(TEXTS[:1])
        assert time.monotonic() - started > 0.01 + 0.02 + 0.04 + 0.08 + 0.16 + 0.32


async def test_a_question_is_asked_once(cloud):
    cloud.embeddings.answer(Embedding(status="UNAVAILABLE"), Embedding())
    async with embedder(cloud) as engine:
        with pytest.raises(ProviderUnavailableError):
            await engine.embed_query("вопрос")
    assert len(cloud.embeddings.requests) == 1


async def test_what_is_refused_for_good_ends_a_build_at_once(cloud):
    async with embedder(cloud, YANDEX_EMBEDDINGS_DOC_MODEL="emb://b1gforeign/text-search-doc/latest") as engine:
        with pytest.raises(ProviderAuthError):
            await engine.embed_documents(TEXTS)
    async with embedder(cloud, YANDEX_EMBEDDINGS_QUERY_MODEL="no-such-model") as engine:
        with pytest.raises(ProviderError, match="no-such-model"):
            await engine.embed_query("вопрос")


async def test_a_hung_service_does_not_keep_a_caller_waiting(cloud):
    chosen = cloud.environment(EMBEDDINGS_PROVIDER="yandex", EMBEDDINGS_TIMEOUT="0.3")
    engine = registry.create_embedder(load_settings(None, chosen))
    await engine.embed_query("вопрос")
    cloud.grpc_link.jam()
    async with asyncio.timeout(1):
        with pytest.raises(ProviderUnavailableError, match=r"за 0\.3 с"):
            await engine.embed_query("другой вопрос")
    await engine.close()


async def test_a_personal_account_is_let_in(cloud):
    async with embedder(cloud, YANDEX_AUTH="oauth", OAUTH_TOKEN=OAUTH_TOKEN) as engine:
        assert (await engine.embed_query("вопрос")).shape == (256,)


def test_without_a_folder_there_is_no_model():
    with pytest.raises(ConfigError, match="YANDEX_FOLDER_ID"):
        yandex.create(load_settings(None, {"YANDEX_API_KEY": "k"}))


async def test_other_models_are_another_index(cloud):
    async with embedder(cloud) as one, embedder(cloud, YANDEX_EMBEDDINGS_QUERY_MODEL="text-search-query/rc") as other:
        assert one.model != other.model


def test_another_service_is_another_index_and_the_usual_ones_name_does_not_change():
    def model(**environ):
        given = {"YANDEX_API_KEY": "k", "YANDEX_FOLDER_ID": "f"} | environ
        return yandex.create(load_settings(None, given)).model

    usual = model()
    assert usual == model(YANDEX_EMBEDDINGS_ENDPOINT="https://llm.api.cloud.yandex.net")
    assert len({usual, *(model(YANDEX_EMBEDDINGS_ENDPOINT=f"127.0.0.1:{port}") for port in (1, 2))}) == 3

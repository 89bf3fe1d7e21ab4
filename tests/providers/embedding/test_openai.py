"""Embeddings of OpenAI and of servers that speak its protocol, limits and failures included."""

import asyncio
import time

import numpy as np
import pytest
from fakes.http_faults import Fault
from fakes.openai_server import openai_server

from voxbot.domain.errors import (
    ConfigError,
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)
from voxbot.providers.embedding import openai
from voxbot.providers.openai_api import Account, Variables
from voxbot.settings.loader import load_settings

pytestmark = pytest.mark.enable_socket

TEXTS = [f"Факт номер {number}." for number in range(150)]


@pytest.fixture
async def server():
    async with openai_server() as running:
        yield running


@pytest.fixture
async def embedder(server):
    """Makes the embedder with such settings."""
    made = []

    def make(documents_s=60, **chosen):
        account = Account("sk-test", server.base_url)
        settings = load_settings(None, chosen).knowledge
        made.append(
            openai.OpenAiEmbedder(
                settings, account, Variables(model="EMBEDDINGS_MODEL"), first_pause_s=0.01, documents_s=documents_s
            )
        )
        return made[-1]

    yield make
    for item in made:
        await item.close()


async def test_passages_come_back_in_their_order_whatever_the_servers_is(server, embedder):
    server.embeddings.shuffled = True
    vectors = await embedder().embed_documents(TEXTS)
    alone = await embedder().embed_query(TEXTS[149])
    assert vectors.shape == (150, 256)
    assert np.allclose(vectors[149], alone)
    assert sorted(len(asked.texts) for asked in server.embeddings.requests) == [1, 22, 32, 32, 32, 32]
    assert {asked.body["encoding_format"] for asked in server.embeddings.requests} == {"float"}
    assert {asked.authorization for asked in server.embeddings.requests} == {"Bearer sk-test"}


async def test_vectors_are_made_to_have_length_one(server, embedder):
    server.embeddings.embed = lambda texts: [[3.0, 4.0]] * len(texts)
    assert np.allclose(await embedder().embed_query("адрес"), [0.6, 0.8])


async def test_batches_go_side_by_side_but_not_all_at_once(server, embedder):
    running, most = 0, 0

    async def embed(texts):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return np.ones((len(texts), 3))

    server.embeddings.embed = embed
    await embedder().embed_documents(TEXTS * 4)
    assert most == 4


async def test_a_limit_of_requests_is_waited_out_as_long_as_it_says(server, embedder):
    server.embeddings.faults.plan(
        Fault(status=429, headers={"Retry-After": "0.3"}), Fault(status=429), Fault(status=503), Fault()
    )
    started = time.monotonic()
    assert (await embedder().embed_documents(TEXTS[:3])).shape == (3, 256)
    assert 0.3 <= time.monotonic() - started < 3
    assert len(server.embeddings.requests) == 4


async def test_a_build_gives_up_in_the_end_but_not_at_once_whatever_the_server_says(server, embedder):
    server.embeddings.faults.plan(Fault(status=429, headers={"Retry-After": "0"}))
    started = time.monotonic()
    with pytest.raises(ProviderRateLimitError):
        await embedder().embed_documents(TEXTS[:3])
    assert time.monotonic() - started > 0.75 * (0.01 + 0.02 + 0.04 + 0.08 + 0.16 + 0.32)
    assert len(server.embeddings.requests) == 7


async def test_a_server_of_one_text_at_a_time_is_known_after_its_refusal(server, embedder):
    server.embeddings.one_text = True
    made = embedder()
    assert (await made.embed_documents(TEXTS[:3])).shape == (3, 256)
    assert (await made.embed_documents(TEXTS[:2])).shape == (2, 256)
    assert [len(asked.texts) for asked in server.embeddings.requests] == [3, 1, 1, 1, 1, 1]


async def test_a_model_that_there_is_not_ends_a_build_at_once(server, embedder):
    server.embeddings.faults.plan(Fault(status=400, message="invalid model URI", code="model_not_found"))
    with pytest.raises(
        ProviderError, match=r"не знает такой модели \(400 model_not_found\); проверьте EMBEDDINGS_MODEL"
    ):
        await embedder().embed_documents(TEXTS[:3])
    assert len(server.embeddings.requests) == 1


async def test_a_server_that_is_slow_gets_smaller_batches(server, embedder):
    async def embed(texts):
        await asyncio.sleep(0.05 * len(texts))
        return np.ones((len(texts), 3))

    server.embeddings.embed = embed
    assert (await embedder(documents_s=0.3).embed_documents(TEXTS[:8])).shape == (8, 3)
    assert [len(asked.texts) for asked in server.embeddings.requests] == [8, 4, 4]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=401), ProviderAuthError),
        (Fault(status=429, headers={"Retry-After": "60"}), ProviderRateLimitError),
        (Fault(status=404), ProviderError),
        (Fault(status=400), ProviderError),
        (Fault(status=500), ProviderUnavailableError),
        (Fault(cut="reset"), ProviderUnavailableError),
        (Fault(cut="half"), ProviderUnavailableError),
    ],
)
async def test_failures_of_a_question_become_our_errors_without_a_retry(server, embedder, fault, error):
    server.embeddings.faults.plan(fault)
    with pytest.raises(error) as raised:
        await embedder().embed_query("адрес")
    assert type(raised.value) is error
    assert len(server.embeddings.requests) == 1


@pytest.mark.parametrize("answer", [[[1.0, float("nan")]], [[1.0], [2.0]], [[]], [1.0]])
async def test_an_answer_that_is_no_vector_is_an_error_that_names_the_model(server, embedder, answer):
    server.embeddings.embed = lambda texts: answer
    with pytest.raises(ProviderError):
        await embedder().embed_query("адрес")


async def test_questions_and_passages_may_have_their_own_models_and_prefixes(server, embedder):
    made = embedder(
        EMBEDDINGS_MODEL="emb://f/text-search-doc/latest",
        EMBEDDINGS_QUERY_MODEL="emb://f/text-search-query/latest",
        EMBEDDINGS_QUERY_PREFIX="query:",
        EMBEDDINGS_DOCUMENT_PREFIX="passage:",
        EMBEDDINGS_DIMENSIONS="64",
    )
    assert (await made.embed_query("адрес")).shape == (64,)
    await made.embed_documents(["Владимир"])
    question, passage = server.embeddings.requests
    assert (question.model, question.texts) == ("emb://f/text-search-query/latest", ["query: адрес"])
    assert (passage.model, passage.texts) == ("emb://f/text-search-doc/latest", ["passage: Владимир"])


def test_what_changes_vectors_changes_the_name_of_their_space(embedder):
    choices = [{}, {"EMBEDDINGS_MODEL": "b"}, {"EMBEDDINGS_DIMENSIONS": "64"}, {"EMBEDDINGS_QUERY_PREFIX": "query:"}]
    assert len({embedder(**choice).model for choice in choices}) == len(choices)


def test_another_service_is_another_space_and_its_password_is_in_no_name():
    def model(base_url):
        given = {"OPENAI_API_KEY": "k"} | ({"EMBEDDINGS_BASE_URL": base_url} if base_url else {})
        return openai.create(load_settings(None, given)).model

    usual = model(None)
    assert usual == "text-embedding-3-small" == model("https://api.openai.com/v1/")
    own = model("http://user:secret@ollama.local:11434/v1")
    assert own == model("http://ollama.local:11434/v1/") == f"{usual};endpoint=ollama.local:11434/v1"
    assert own != model("http://ollama.local:11435/v1")


def test_a_missing_key_is_told_with_the_fix():
    with pytest.raises(ConfigError, match=r"OPENAI_API_KEY.*EMBEDDINGS_PROVIDER=local"):
        openai.create(load_settings(None, {}))

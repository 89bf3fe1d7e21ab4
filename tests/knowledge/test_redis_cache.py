"""The cache over a real Redis server, and what becomes of questions when it misbehaves."""

import asyncio
import shutil
import time
from statistics import median

import numpy as np
import pytest
from fakes.embedder import TrigramEmbedder
from fakes.redis_server import RedisServer
from structlog.testing import capture_logs

from voxbot.domain.errors import ConfigError
from voxbot.knowledge.cache import QuestionEmbedder
from voxbot.knowledge.redis_cache import RedisVectors
from voxbot.knowledge.shared_cache import SharedEmbeddingCache

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


@pytest.fixture
def redis(tmp_path):
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.go_on()
    server.kill()


class Unit:
    """A process's own embedder and cache over one Redis."""

    def __init__(self, url):
        self.embedder = TrigramEmbedder()
        self.cache = SharedEmbeddingCache(RedisVectors(url, ttl_s=3600))
        self.questions = QuestionEmbedder(self.embedder, self.cache)

    async def __aenter__(self):
        await self.cache.open()
        return self

    async def __aexit__(self, *error):
        await self.questions.close()

    async def ask(self, question):
        """Return the origin of the vector and how long the question took, in seconds."""
        began = time.perf_counter()
        _, origin = await self.questions.embed(question)
        return origin, time.perf_counter() - began


def nobody_waited(seconds):
    """That each single question waits at most its budget is shown in virtual time: here the machine is shared."""
    return median(seconds) < 0.01 and sum(seconds) < 0.5


async def becomes_cached(url, question):
    """Wait until a unit that has not been asked before finds the question in Redis."""
    for _ in range(100):
        async with Unit(url) as unit:
            if (await unit.ask(question))[0] == "cached":
                return True
        await asyncio.sleep(0.05)
    return False


async def test_two_units_share_one_embedding_exactly(redis):
    async with Unit(redis.url) as first:
        vector, _ = await first.questions.embed("Где вы находитесь?")
    async with Unit(redis.url) as second:
        same, origin = await second.questions.embed("где вы находитесь")
        assert origin == "cached"
        assert np.array_equal(vector, same)
        assert second.embedder.queries == []
    kept = redis.ask("KEYS", "*")
    assert b"voxbot:embedding:1:" in kept
    assert "находитесь".encode() not in kept
    key = next(line for line in kept.split(b"\r\n") if line.startswith(b"voxbot") and b"probe" not in line)
    assert 3500 < int(redis.ask("TTL", key.decode()).strip(b":\r\n")) <= 3600


async def test_a_killed_redis_neither_fails_nor_delays_and_is_found_again(redis):
    async with Unit(redis.url) as unit:
        await unit.ask("до отказа")
        redis.kill()
        with capture_logs() as logs:
            asked = [await unit.ask(f"вопрос {number}") for number in range(50)]
            assert {origin for origin, _ in asked} == {"computed"}
            assert nobody_waited([seconds for _, seconds in asked])
            assert (await unit.ask("до отказа"))[0] == "cached"
        assert [line["log_level"] for line in logs] == ["warning"]
        redis.start()
        for number in range(100):
            await unit.ask(f"после возвращения {number}")
            if b"voxbot:embedding:1:probe" in redis.ask("KEYS", "*"):
                break
            await asyncio.sleep(0.1)
        await unit.ask("снова вместе")
        assert await becomes_cached(redis.url, "снова вместе")


async def test_a_restart_between_two_questions_goes_unnoticed(redis):
    async with Unit(redis.url) as unit:
        await unit.ask("первый")
        redis.kill()
        redis.start()
        with capture_logs() as logs:
            assert (await unit.ask("второй"))[0] == "computed"
        assert logs == []


async def test_a_redis_that_hangs_delays_no_more_than_two_questions_and_not_the_end(redis):
    async with Unit(redis.url) as unit:
        await unit.ask("до зависания")
        redis.freeze()
        with capture_logs() as logs:
            waited = [(await unit.ask(f"вопрос {number}"))[1] for number in range(50)]
        assert nobody_waited(waited)
        assert [line["log_level"] for line in logs] == ["warning"]
        began = time.perf_counter()
    assert time.perf_counter() - began < 1.5, "nor does it keep the unit from ending"


async def test_a_redis_that_hangs_from_the_start_delays_it_little(redis):
    redis.freeze()
    began = time.perf_counter()
    async with Unit(redis.url) as unit:
        assert time.perf_counter() - began < 0.5
        assert (await unit.ask("вопрос"))[0] == "computed"


async def test_no_redis_at_all_is_one_warning(redis):
    redis.kill()
    with capture_logs() as logs:
        async with Unit(redis.url) as unit:
            assert (await unit.ask("вопрос"))[0] == "computed"
            assert (await unit.ask("вопрос"))[0] == "cached"
    assert [line["log_level"] for line in logs] == ["warning"]


async def test_a_wrong_password_is_one_warning_that_names_the_variable_and_not_the_password(tmp_path):
    server = RedisServer(tmp_path, "--requirepass", "right")
    server.start()
    try:
        with capture_logs() as logs:
            async with Unit(f"redis://:secret-one@127.0.0.1:{server.port}/0") as unit:
                assert (await unit.ask("вопрос"))[0] == "computed"
        assert [line["log_level"] for line in logs] == ["warning"]
        assert "REDIS_URL" in str(logs)
        assert "secret-one" not in str(logs)
        right = f"redis://:right@127.0.0.1:{server.port}/0"
        async with Unit(right) as unit:
            await unit.ask("вопрос")
        assert await becomes_cached(right, "вопрос")
    finally:
        server.kill()


async def test_a_redis_that_cannot_be_written_is_one_warning(redis):
    assert redis.ask("REPLICAOF", "127.0.0.1", "1").startswith(b"+OK")
    with capture_logs() as logs:
        async with Unit(redis.url) as unit:
            asked = [await unit.ask(f"вопрос {number}") for number in range(20)]
            assert nobody_waited([seconds for _, seconds in asked])
    assert [line["log_level"] for line in logs] == ["warning"]


@pytest.mark.parametrize(
    "url",
    ["redis://:secret-one@127.0.0.1:port/0", "redis://:secret-one@127.0.0.1/?socket_timeout=x", "http://secret-one"],
)
def test_a_wrong_address_is_one_clear_line_without_the_password(url):
    with pytest.raises(ConfigError) as refused:
        RedisVectors(url, ttl_s=60)
    assert "REDIS_URL" in str(refused.value)
    assert "secret-one" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1

"""The cache that other processes share, over a place that does as it is told."""

import asyncio

import numpy as np
import pytest
from fakes.virtual_time import run_virtual
from structlog.testing import capture_logs

from voxbot.domain.errors import StoreError
from voxbot.knowledge.cache import QuestionEmbedder
from voxbot.knowledge.shared_cache import READ_BUDGET_S, SharedEmbeddingCache
from voxbot.knowledge.vector_bytes import decode, encode

VECTOR = np.array([0.6, 0.8], np.float32)


class Place:
    """A ByteStore. `fault`: None, "fail", "hang", or "stuck": it does not even let itself be cancelled at once."""

    open_timeout_s = 0.2
    write_timeout_s = 0.2
    where = "place"

    def __init__(self):
        self.fault = None
        self.kept = {}
        self.calls = []

    async def open(self):
        await self._do("open")

    async def get(self, key):
        await self._do("get")
        return self.kept.get(key)

    async def put(self, key, value):
        await self._do("put")
        self.kept[key] = value

    async def close(self):
        self.calls.append("close")

    async def _do(self, what):
        self.calls.append(what)
        if self.fault in {"hang", "stuck"}:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(5 if self.fault == "stuck" else 0)
        if self.fault == "fail":
            raise StoreError("scripted failure")


async def opened(place):
    cache = SharedEmbeddingCache(place)
    await cache.open()
    return cache


async def seconds_of(question):
    began = asyncio.get_running_loop().time()
    result = await question
    return result, asyncio.get_running_loop().time() - began


def test_what_one_process_kept_another_one_finds():
    async def story():
        place = Place()
        first = await opened(place)
        await first.put("ключ", VECTOR)
        await first.close()
        second = await opened(place)
        found = await second.get("ключ")
        assert np.array_equal(found, VECTOR)
        asked = len(place.calls)
        await second.get("ключ")
        assert len(place.calls) == asked, "the second time it comes from memory"
        await second.close()

    run_virtual(story())


@pytest.mark.parametrize("fault", ["fail", "hang", "stuck"])
def test_a_place_that_breaks_costs_little_and_says_so_once(fault):
    async def story():
        place = Place()
        cache = await opened(place)
        place.fault = fault
        with capture_logs() as logs:
            for number in range(200):
                found, seconds = await seconds_of(cache.get(f"вопрос {number}"))
                assert found is None
                assert seconds <= READ_BUDGET_S + 0.001
                await cache.put(f"вопрос {number}", VECTOR)
                await asyncio.sleep(1)
            assert [line["log_level"] for line in logs] == ["warning"]
            assert "place" in str(logs[0])
            assert place.calls.count("open") < 12, "it is left alone for a growing pause"
            assert np.array_equal(await cache.get("вопрос 199"), VECTOR), "memory goes on"
        await cache.close()

    run_virtual(story())


def test_a_place_that_is_back_is_used_again():
    async def story():
        place = Place()
        place.fault = "fail"
        cache = await opened(place)
        place.fault = None
        with capture_logs() as logs:
            await asyncio.sleep(1.5)
            assert await cache.get("а") is None, "the question itself does not wait for the connection"
            await asyncio.sleep(0.1)
            await cache.put("б", VECTOR)
            await cache.close()
        assert len(place.kept) == 1
        assert [line["log_level"] for line in logs] == ["info"]

    run_virtual(story())


def test_one_late_answer_is_not_a_failure():
    async def story():
        place = Place()
        cache = await opened(place)
        place.fault = "hang"
        await cache.get("а")
        place.fault = None
        place.kept.clear()
        with capture_logs() as logs:
            await cache.get("б")
        assert place.calls.count("get") == 2
        assert logs == []
        await cache.close()

    run_virtual(story())


def test_a_dead_place_does_not_keep_the_process_from_ending():
    async def story():
        place = Place()
        cache = await opened(place)
        place.fault = "hang"
        await cache.put("а", VECTOR)
        _, seconds = await seconds_of(cache.close())
        assert seconds < 1.1

    run_virtual(story())


async def test_vectors_of_another_dimension_are_computed_anew(embedder):
    place = Place()
    cache = await opened(place)
    await cache.put("fake/trigrams/адрес", VECTOR)
    vector, origin = await QuestionEmbedder(embedder, cache).embed("адрес", dimension=256)
    assert (len(vector), origin) == (256, "computed")
    await cache.close()


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"\0", lambda _: b"", bytes.lower])
def test_damaged_bytes_are_no_vector(damage):
    data = encode(VECTOR)
    assert np.array_equal(decode(data), VECTOR)
    assert decode(damage(data)) is None

"""The connection: warm before the first call, found broken and mended without one."""

import asyncio

import grpc.aio
import pytest
from fakes.link import link_to

from voxbot.domain.errors import ProviderUnavailableError
from voxbot.providers.yandex.channel import YandexChannel, parse_endpoint


@pytest.mark.parametrize(
    ("endpoint", "target", "secure"),
    [
        ("tts.api.cloud.yandex.net:443", "tts.api.cloud.yandex.net:443", True),
        ("tts.api.cloud.yandex.net", "tts.api.cloud.yandex.net:443", True),
        ("https://localhost:1234/", "localhost:1234", True),
        ("http://proxy.example:8080", "proxy.example:8080", False),
        ("http://proxy.example", "proxy.example:80", False),
        ("127.0.0.1:5000", "127.0.0.1:5000", False),
        ("localhost:5000", "localhost:5000", False),
    ],
)
def test_an_endpoint_speaks_tls_unless_it_says_otherwise_or_is_this_machine(endpoint, target, secure):
    assert parse_endpoint(endpoint) == (target, secure)


async def test_nobody_there_is_an_error_of_the_house():
    channel = YandexChannel("127.0.0.1:9", "синтез речи")
    with pytest.raises(ProviderUnavailableError, match=r"127\.0\.0\.1:9"):
        await channel.connect(0.3)
    await channel.close()
    with pytest.raises(ProviderUnavailableError):
        channel.stub(lambda _: None)


async def test_a_lost_connection_is_made_again_without_a_call():
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with link_to(port) as link:
        channel = YandexChannel(f"127.0.0.1:{link.port}", "синтез речи")
        await channel.connect(5)
        link.cut()
        async with asyncio.timeout(10):
            while link.connections < 2:
                await asyncio.sleep(0.01)
        await channel.close()
    await server.stop(0)

"""Vectors in Redis, shared by all machines of a deployment.

Keys are `voxbot:embedding:1:<32 hex digits>`; the number is raised when values are written differently, so that
programs of both kinds may share a server. Every key expires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from voxbot.domain.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from redis.asyncio import BlockingConnectionPool, Redis

_PREFIX = b"voxbot:embedding:1:"
_PROBE = _PREFIX + b"probe"
_PROBE_TTL_S = 60
_CONNECTIONS = 8
_CONNECT_TIMEOUT_S = 0.2


class RedisVectors:
    """A ByteStore (knowledge/shared_cache.py) on one Redis database."""

    open_timeout_s: ClassVar[float] = _CONNECT_TIMEOUT_S
    write_timeout_s: ClassVar[float] = 0.2

    def __init__(self, url: str, *, ttl_s: int) -> None:
        """Take the address, `redis://[[user]:password@]host[:port][/database]`, without connecting.

        Raises ConfigError if it cannot be understood; the text does not repeat it, since it may hold a password.
        """
        self._url = url
        self._ttl_s = ttl_s
        self._client: Redis | None = None
        try:
            pool = self._make_pool()
            pool.make_connection()
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigError(
                "REDIS_URL: адрес не разобран; нужно redis://узел:порт/номер_базы, "
                "с паролем redis://:пароль@узел:порт/номер_базы"
            ) from error
        options: dict[str, Any] = pool.connection_kwargs
        host, port = options.get("host", "localhost"), options.get("port", 6379)
        self.where = f"redis {options.get('path') or f'{host}:{port}'}"

    async def open(self) -> None:
        """Connect and write a key: a replica or a full server can be read but is of no use. Raises StoreError."""
        await self.close()
        # Here, not above: 0.1 s that only those who use Redis pay.
        from redis.asyncio import Redis  # noqa: PLC0415

        self._client = Redis.from_pool(self._make_pool())
        await self._ask("SET", _PROBE, b"", "EX", _PROBE_TTL_S)

    async def get(self, key: bytes) -> bytes | None:
        """Return the bytes kept under `key`. Raises StoreError."""
        return await self._ask("GET", _PREFIX + key.hex().encode())

    async def put(self, key: bytes, value: bytes) -> None:
        """Keep bytes until they expire. Raises StoreError."""
        await self._ask("SET", _PREFIX + key.hex().encode(), value, "EX", self._ttl_s)

    async def close(self) -> None:
        """Drop all connections without a farewell: a server that hangs would not hear it."""
        client, self._client = self._client, None
        if client is not None:
            await client.connection_pool.disconnect()

    async def _ask(self, *command: object) -> Any:
        from redis.exceptions import RedisError  # noqa: PLC0415

        if self._client is None:
            raise StoreError("соединения нет")
        client: Any = self._client
        try:
            return await client.execute_command(*command)
        except (RedisError, OSError) as error:
            raise StoreError(_in_words(error)) from error

    def _make_pool(self) -> BlockingConnectionPool:
        from redis.asyncio import BlockingConnectionPool  # noqa: PLC0415
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        pools: Any = BlockingConnectionPool
        return pools.from_url(
            self._url,
            max_connections=_CONNECTIONS,
            timeout=_CONNECT_TIMEOUT_S,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            socket_timeout=_CONNECT_TIMEOUT_S,
            # Once: the connection of a server that was restarted between two questions is found dead only in use.
            retry=Retry(NoBackoff(), 1),
        )


def _in_words(error: Exception) -> str:
    from redis import exceptions  # noqa: PLC0415

    match error:
        case exceptions.AuthenticationError() | exceptions.NoPermissionError():
            return "пароль или пользователь из REDIS_URL не подошёл"
        case exceptions.TimeoutError():
            return "не отвечает"
        case exceptions.ConnectionError() | OSError():
            return "соединения нет; проверьте, запущен ли Redis и верен ли REDIS_URL"
        case _:
            return f"отказ: {' '.join(str(error).split())}"

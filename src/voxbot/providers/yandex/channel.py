"""A warm gRPC connection to one service of Yandex Cloud: connected before the first call, and again when it broke."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
import grpc.aio

from voxbot.domain.errors import ProviderUnavailableError
from voxbot.providers.yandex.errors import PROVIDER, from_rpc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_OPTIONS: tuple[tuple[str, int], ...] = (
    # A connection that a NAT or a balancer dropped in silence is found out between calls, not by a caller. A server
    # that finds so many pings too many says so, and gRPC doubles the time.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.client_idle_timeout_ms", 2**31 - 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.max_send_message_length", 4 * 1024 * 1024),
)
_CONNECT_S = 5.0
_aio: Any = grpc.aio

END: Any = _aio.EOF
"""What `received` gives when a stream has ended well."""


class YandexChannel:
    """One service, asked through `stub(factory)`; `service` is Russian, for errors."""

    def __init__(self, endpoint: str, service: str) -> None:
        self._target, self._secure = parse_endpoint(endpoint)
        self._service = service
        self._channel: Any = None
        self._stubs: dict[Callable[[Any], Any], Any] = {}
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    def stub(self, factory: Callable[[Any], Any]) -> Any:
        """Give the generated stub `factory`, whose calls are asyncio's. Raises ProviderUnavailableError once closed."""
        channel = self._open()
        if factory not in self._stubs:
            self._stubs[factory] = factory(channel)
        return self._stubs[factory]

    async def connect(self, timeout_s: float = _CONNECT_S) -> None:
        """Connect and stay connected. Raises ProviderUnavailableError; connecting goes on all the same."""
        channel = self._open()
        try:
            async with asyncio.timeout(timeout_s):
                await channel.channel_ready()
        except TimeoutError as error:
            raise ProviderUnavailableError(
                PROVIDER, f"{self._service}: нет соединения с {self._target} за {timeout_s:g} с; проверьте сеть и адрес"
            ) from error

    async def close(self) -> None:
        """Break the connection off with all RPCs."""
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        if self._channel is not None:
            await self._channel.close(0)
            self._channel = None

    def _open(self) -> Any:
        if self._closed:
            raise ProviderUnavailableError(PROVIDER, f"{self._service}: соединение закрыто")
        if self._channel is None:
            options = [*_OPTIONS, ("grpc.enable_http_proxy", int(not _is_loopback(self._target)))]
            if self._secure:
                credentials = grpc.ssl_channel_credentials()
                self._channel = _aio.secure_channel(self._target, credentials, options)
            else:
                self._channel = _aio.insecure_channel(self._target, options)
            self._watching = asyncio.create_task(self._stay_connected(self._channel))
        return self._channel

    async def _stay_connected(self, channel: Any) -> None:
        """Connect again as soon as the connection is lost: gRPC itself would wait for the next RPC."""
        while (state := channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.SHUTDOWN:
            await channel.wait_for_state_change(state)


async def received(call: Any, service: str, limit_s: float | None = None) -> Any:
    """Read the next message of a streamed answer, END after the last. Cancelled, it cancels the call.

    Raises ProviderError; ProviderUnavailableError if there is no message within `limit_s`, and the call is cancelled.
    """
    if limit_s is None:
        return await answered(call.read(), service)
    # A fifth of what asyncio.timeout costs, for each piece of sound.
    timer = asyncio.get_running_loop().call_later(limit_s, call.cancel)
    try:
        return await answered(call.read(), service)
    except ProviderUnavailableError as error:
        if timer.when() > asyncio.get_running_loop().time():
            raise
        raise ProviderUnavailableError(PROVIDER, f"{service}: продолжения нет {limit_s:g} с") from error
    finally:
        timer.cancel()


async def answered(call: Awaitable[Any], service: str) -> Any:
    """Return the single answer of a call. Raises ProviderError.

    So it does also when this side cancelled the call or closed the channel: gRPC reports that as if the task had been.
    """
    try:
        return await call
    except grpc.RpcError as error:
        raise from_rpc(error, service) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ProviderUnavailableError(PROVIDER, f"{service}: соединение закрыто") from error


def parse_endpoint(endpoint: str) -> tuple[str, bool]:
    """`host:port` of an endpoint, and whether it speaks TLS: not if it says http:// or is this very machine."""
    split = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    host = split.hostname or ""
    address = f"[{host}]" if ":" in host else host
    target = f"{address}:{split.port or (80 if split.scheme == 'http' else 443)}"
    return target, split.scheme == "https" or (split.scheme != "http" and not _is_loopback(target))


def _is_loopback(target: str) -> bool:
    host = target.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Who gives out IAM tokens: the IAM service (OAuth to IAM), and the metadata service of a virtual machine."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web

from fakes.yandex_account import YandexAccounts


@dataclass
class YandexIam:
    """`statuses` are used up one by one, the last one for good; `asked` counts requests of both services."""

    accounts: YandexAccounts = field(default_factory=YandexAccounts)
    life_s: float = 12 * 3600
    told_life: object = ...
    """What the metadata service says instead of `life_s`."""
    latency_s: float = 0.0
    statuses: deque = field(default_factory=lambda: deque([200]))
    asked: int = 0

    async def exchange(self, request):
        """POST /iam/v1/tokens."""
        if (refused := await self._refused()) is not None:
            return refused
        oauth_token = (await request.json()).get("yandexPassportOauthToken")
        if oauth_token not in self.accounts.oauth_tokens:
            message = f"OAuth token is invalid or expired: {oauth_token}"
            return web.json_response({"code": 16, "message": message, "details": []}, status=401)
        expires_at = datetime.now(UTC) + timedelta(seconds=self.life_s)
        stamp = expires_at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
        return web.json_response({"iamToken": self.accounts.issue("user"), "expiresAt": stamp})

    async def metadata(self, request):
        """GET /computeMetadata/v1/instance/service-accounts/default/token."""
        if (refused := await self._refused()) is not None:
            return refused
        if request.headers.get("Metadata-Flavor") != "Google":
            return web.Response(status=403, text="Missing Metadata-Flavor:Google header")
        token = self.accounts.issue("service")
        life_s = int(self.life_s) if self.told_life is ... else self.told_life
        return web.json_response({"access_token": token, "expires_in": life_s, "token_type": "Bearer"})

    async def _refused(self):
        self.asked += 1
        await asyncio.sleep(self.latency_s)
        status = self.statuses.popleft() if len(self.statuses) > 1 else self.statuses[0]
        return None if status == 200 else web.json_response({"message": "refused on purpose"}, status=status)

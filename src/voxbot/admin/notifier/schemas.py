"""Enterprises and chats as clients send and get them. A bot's token goes in and never comes out."""

from __future__ import annotations

from pydantic import Field, SecretStr

from voxbot.admin.views import Payload, View


class EnterpriseIn(Payload, title="Предприятие, каким оно должно быть"):
    """An enterprise as it is wanted."""

    number: str = Field(description="Номер предприятия", examples=["0367"])
    token: str | None = Field(None, description="С ним станция присылает события", examples=["375290000001"])
    bot_token: SecretStr | None = Field(None, description="Токен бота от @BotFather", examples=["123456:ABC-DEF"])
    name: str | None = Field(None, description="Название для людей", examples=["Ромашка"])
    new_invitation: bool = Field(
        default=False, description="Новый код приглашения; прежний больше не действует", examples=[False]
    )


class EnterpriseOut(View, title="Предприятие"):
    """An enterprise."""

    number: str = Field(examples=["0367"])
    name: str = Field(examples=["Ромашка"])
    token: str = Field(examples=["375290000001"])
    bot: str = Field(description="Id бота, пусто: бота нет", examples=["123456"])
    invitation_code: str | None = Field(description="Подписка: /start КОД боту", examples=["phRttbigMk-Ok6aA"])


class UserIn(Payload, title="Чат, который получит звонки"):
    """A chat that is to get an enterprise's calls."""

    enterprise: str = Field(description="Номер предприятия", examples=["0367"])
    tg_id: int = Field(description="Id чата Telegram; у групп отрицательный", examples=[100001])
    name: str = Field("", description="Кто это", examples=["Анна"])


class UserOut(View, title="Чат, который получает звонки"):
    """A chat that gets an enterprise's calls."""

    enterprise: str = Field(examples=["0367"])
    tg_id: int = Field(examples=[100001])
    name: str = Field(examples=["Анна"])
    blocked: bool = Field(description="Отказывается от сообщений бота", examples=[False])

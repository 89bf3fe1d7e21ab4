"""What both processes of the notifier make from the settings, alike."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import structlog

from voxbot.notifier.bot_calls import BotCallLinks
from voxbot.notifier.calls import CallRules
from voxbot.notifier.details_links import DetailsLinks, load_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.settings.schema import Settings

_ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on

log = structlog.get_logger(__name__)


def call_rules(settings: Settings) -> CallRules:
    """What time does to calls."""
    notifier = settings.notifier
    return CallRules(
        ring_timeout_s=notifier.ring_timeout_s,
        talk_timeout_s=notifier.call_timeout_s,
        left_timeout_s=notifier.left_timeout_s,
        start_delay_s=notifier.start_delay_s,
        utc_offset_h=notifier.utc_offset_h,
    )


def details_links(settings: Settings, own_url: str) -> DetailsLinks:
    """Links to calls' pages; `own_url` is where the unit listens. Raises ConfigError for a key that can't be read."""
    notifier = settings.notifier
    secret = notifier.link_key.get_secret_value() if notifier.link_key else ""
    key = secret.encode() or load_key(settings.paths.data_dir / "notifier.key")
    return DetailsLinks(key, str(notifier.public_url or "") or own_url, notifier.link_days)


def bot_call_links(settings: Settings) -> BotCallLinks | None:
    """Find the pages of the bot's calls; None where no notifier has ever worked, or its address cannot be known.

    Raises ConfigError for a key that can't be read.
    """
    notifier, paths = settings.notifier, settings.paths
    if not (notifier.database_url or paths.notifier_db.exists()):
        return None
    if not (notifier.link_key or (paths.data_dir / "notifier.key").exists()):
        return None
    if notifier.public_url is None and (notifier.database_url or not notifier.port):
        return None
    host = socket.gethostname() if notifier.host in _ANYWHERE else notifier.host
    links = details_links(settings, f"http://{f'[{host}]' if ':' in host else host}:{notifier.port}")
    return BotCallLinks(settings.notifier_database, links, call_rules(settings))


def message_links(settings: Settings, own_url: str) -> Callable[[str, str, float], str | None] | None:
    """Links for messages, None for messages without: of several notifiers each would write its own address."""
    notifier = settings.notifier
    if notifier.database_url and not notifier.link_key:
        log.warning(
            "NOTIFIER_LINK_KEY не задан: ссылки «Детали звонка» открывает только та машина, которая их написала"
        )
    if notifier.public_url is not None:
        return details_links(settings, own_url).url
    if notifier.database_url:
        log.warning("Сообщения пойдут без ссылки «Детали звонка»: при общей базе ей нужен NOTIFIER_PUBLIC_URL")
        return None
    if notifier.is_loopback:
        log.warning("Ссылки «Детали звонка» откроются только на этой машине; задайте NOTIFIER_PUBLIC_URL", url=own_url)
    return details_links(settings, own_url).url

"""What both processes of the notifier make from the settings, alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxbot.notifier.calls import CallRules
from voxbot.notifier.details_links import DetailsLinks, load_key

if TYPE_CHECKING:
    from voxbot.settings.schema import Settings


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

"""The text of a call's message: a view and the names known so far, through a template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from voxbot.notifier.calls import CallView, Stage


@dataclass(frozen=True, slots=True)
class Names:
    """What is known beside the call's events, as far as it has been found; missing things are left out of the text.

    `managers` by extension or mobile, `lines` by line id, `customer` of this call's customer. `recording_url` is
    shown for answered calls alone, `details_url` in the final message.
    """

    managers: Mapping[str, str] = field(default_factory=dict[str, str])
    lines: Mapping[str, str] = field(default_factory=dict[str, str])
    customer: str | None = None
    recording_url: str | None = None
    details_url: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What a chat should show of a call: Telegram HTML, at most 4096 characters. A new `moment` is a new message."""

    stage: Stage
    moment: str
    text: str


class Texts:
    """The templates in force, read once. `overrides_dir/ENTERPRISE/*.html.j2` come before the built-in ones."""

    def __init__(self, overrides_dir: Path | None = None) -> None:
        self._overrides_dir = overrides_dir

    def render(self, view: CallView, names: Names, *, enterprise: str, masked: bool = False) -> Message | None:
        """Write the message, None if the view has none. `masked` hides the middle of customers' numbers.

        Raises ConfigError that names an override's file and line.
        """
        raise NotImplementedError

"""What a language model may do beside answering: the caller's wishes about the call, offered to it as tools.

The plain cases never come here: agent/intents.py recognises them without a model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxbot.agent import phrases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxbot.domain.dialogue import Intent


@dataclass(frozen=True, slots=True)
class Tool:
    """A function without arguments; `description` (Russian, for the model) says when to call it.

    `intent` is what a call of it means, `lines` what the bot then says, `said` how a model's own words look that
    have announced it already.
    """

    name: str
    description: str
    intent: Intent
    lines: Sequence[str]
    said: re.Pattern[str]


TOOLS = (
    Tool(
        "transfer_to_operator",
        "Соединить звонящего с живым сотрудником. Вызывай, только если звонящий сам просит человека, оператора "
        "или отдел, или согласился на твоё предложение соединить. Не вызывай, если просто нет ответа.",
        "operator",
        phrases.OPERATOR,
        re.compile(r"соединяю|перевожу|переключаю", re.IGNORECASE),
    ),
    Tool(
        "end_call",
        "Попрощаться и закончить звонок. Вызывай, только если звонящий прощается или ясно говорит, что вопросов "
        "больше нет.",
        "goodbye",
        phrases.GOODBYE,
        re.compile(r"до свидания|всего (?:вам )?(?:доброго|хорошего)", re.IGNORECASE),
    ),
)
_BY_NAME = {tool.name: tool for tool in TOOLS}
_NAMED = re.compile(rf"\b(?:{'|'.join(_BY_NAME)})\b")


def tool_named(name: str) -> Tool | None:
    """The tool that a model has called; None for one that was never offered."""
    return _BY_NAME.get(name)


def tool_in(text: str) -> Tool | None:
    """The tool that a model has called in so many words instead of by the protocol, as small ones do."""
    match = _NAMED.search(text)
    return _BY_NAME[match.group()] if match else None

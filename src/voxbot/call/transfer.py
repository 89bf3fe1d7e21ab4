"""What the conversation asks for when a person must take over, and what it is told about it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from voxbot.domain.events import EndReason

TransferOutcome: TypeAlias = Literal["joined", "left", "busy", "no_answer", "failed"]
"""`joined`: the operator and the caller hear each other. `left`: the caller is not ours any more: sent on, or gone.
Both end the conversation; after `busy` (also: declined), `no_answer` and `failed` it goes on."""

TransferStart: TypeAlias = Literal["begun", "not_now", "no_operator", "no_call"]
"""What staff are told who want a caller passed on; `no_operator`: there is no such extension in the dialplan."""

SUMMARY_CHARS = 250
_PUNCTUATION = frozenset(".,!?:-+/%№«»–—…")


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Why a person is needed, and in a line what the call is about (any text; see `clean_summary`)."""

    reason: EndReason
    summary: str = ""

    def variables(self) -> dict[str, str]:
        """Channel variables that tell the dialplan and the operator's phone."""
        return {"VOXBOT_REASON": self.reason, "VOXBOT_SUMMARY": clean_summary(self.summary)}


class Transfer(Protocol):
    """Gets the caller to a person. It never raises but when cancelled, and then the operator's phone stops ringing.

    The caller keeps hearing the bot, and the bot the caller, until the outcome is known.
    """

    async def __call__(self, request: TransferRequest) -> TransferOutcome:
        """Try it; return when the outcome is known."""
        ...


def clean_summary(text: str) -> str:
    """Make a text fit for a channel variable: one line, at most SUMMARY_CHARS, nothing that a dialplan acts on.

    A dialplan expands `${}` and `$[]`, splits at `;` and `|`, and passes quotes, backslashes and backticks on to
    shells and expressions; only letters, digits and plain punctuation stay.
    """
    kept = "".join(char if char in _PUNCTUATION or unicodedata.category(char)[0] in "LNM" else " " for char in text)
    line = " ".join(kept.split())
    if len(line) <= SUMMARY_CHARS:
        return line
    whole, _, _ = line[:SUMMARY_CHARS].rpartition(" ")
    return f"{whole or line[: SUMMARY_CHARS - 1]}…"

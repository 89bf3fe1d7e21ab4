"""`voxbot simulate`: a call without Asterisk, through the same pipeline as a phone call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from voxbot.call.pipeline import Pipeline
from voxbot.call.session import STATUS
from voxbot.domain.errors import ConfigError
from voxbot.domain.events import BotTurn, CallEnded, CallerTurn, CallEvent, CallStarted
from voxbot.domain.ids import CallId
from voxbot.main.services import open_services
from voxbot.media.simulated import SimulatedMedia
from voxbot.observers.bus import EventBus
from voxbot.observers.call_log import CallLog
from voxbot.speech.wav import read_wav, write_wav
from voxbot.store.call_log import CallLogRepository
from voxbot.store.database import open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from voxbot.settings.snapshot import SettingsSource


async def simulate(
    source: SettingsSource,
    wavs: Sequence[Path],
    out: Path | None,
    *,
    caller: str,
    tell: Callable[[CallEvent], None],
) -> dict[str, Any]:
    """Say `wavs` one after another to the bot, in real time; write what both said to `out` (left: caller).

    Returns the document that `--json` prints; times are milliseconds since the call began.
    """
    if out and not out.parent.is_dir():
        raise ConfigError(f"--out {out}: нет папки {out.parent}; создайте её или назовите другую")
    utterances = [read_wav(path) for path in wavs]
    events: list[CallEvent] = []
    call_id = CallId(f"simulated-{uuid4()}")
    started = time.time()
    async with open_database(source.current.paths.db_path) as database:
        bus = EventBus([CallLog(CallLogRepository(database))])

        def publish(event: CallEvent) -> None:
            events.append(event)
            bus.publish(event)
            tell(event)

        async with bus, open_services(source, publish) as services:
            media = SimulatedMedia(utterances)
            started = time.time()
            publish(CallStarted(call_id, started, caller, "simulated"))
            reason = await Pipeline(call_id, media, services).run()
            publish(CallEnded(call_id, time.time(), STATUS[reason], reason))
    if out:
        write_wav(out, [np.concatenate(media.said), np.concatenate(media.heard)])
    return {
        "call_id": call_id,
        "ended": reason,
        "duration_ms": media.now_ms,
        "turns": [_turn(event, started) for event in events if isinstance(event, CallerTurn | BotTurn)],
        "speech": [{"who": who, "start_ms": start, "end_ms": end} for who, start, end in media.spans],
        "out": str(out) if out else None,
    }


def _turn(event: CallerTurn | BotTurn, started: float) -> dict[str, Any]:
    common = {"at_ms": round((event.at - started) * 1000), "text": event.text, "ms": dict(event.ms)}
    if isinstance(event, CallerTurn):
        return {"speaker": "user", **common, "raw": event.raw}
    answer = event.answer
    return {
        "speaker": "bot",
        **common,
        "planned": event.planned,
        "cut": event.cut,
        "kb": answer.kb if answer else None,
        "sources": list(answer.sources) if answer else [],
        "known": answer.known if answer else None,
    }

"""Keeping the search in step with calls that an older bot left or that another program writes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from voxbot.domain.errors import StoreError

if TYPE_CHECKING:
    from voxbot.store.call_log import CallLogRepository

log = structlog.get_logger(__name__)

_CATCH_UP_S = 2.0
_BREATH_S = 0.02
"""Between two batches, so that the bot, which writes its calls to the same file, is not kept waiting."""
_IDLE_S = 5.0
_TELL_EVERY = 10_000


async def catch_up(calls: CallLogRepository) -> None:
    """Make calls of another program searchable before the first request, as far as that is quick."""
    ends = time.monotonic() + _CATCH_UP_S
    try:
        while time.monotonic() < ends and await calls.follow_pending():
            pass
    except StoreError:
        raise
    except Exception:  # one odd call stops no unit: `follow_log` tries again
        log.exception("Поиск по звонкам пока не обновлён")


async def follow_log(calls: CallLogRepository) -> None:
    """Make calls searchable that an older bot left, or that another program writes; runs until it is cancelled."""
    done = 0
    while True:
        made = 0
        try:
            made = await calls.follow_pending()
            if made and done % _TELL_EVERY + made >= _TELL_EVERY:
                left, total = await calls.count_pending()
                log.info("Старые звонки становятся доступны поиску", done=total - left, total=total)
        except StoreError as error:
            log.warning("Поиск по звонкам пока не обновляется", reason=str(error))
        except Exception:  # nobody else would notice that this task is over
            log.exception("Поиск по звонкам пока не обновляется")
        done += made
        await asyncio.sleep(_BREATH_S if made else _IDLE_S)

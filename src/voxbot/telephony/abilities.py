"""What the Asterisk at hand can do for our sound, asked of itself.

Versions and module names: FINDINGS, section 10, and Asterisk's own list of modules.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxbot.domain.errors import AriAuthError, AriError, AriUnavailableError

if TYPE_CHECKING:
    from voxbot.telephony.ari import AriClient

_WEBSOCKET_MODULES = ("chan_websocket.so", "res_http_websocket.so")
_AUDIOSOCKET_MODULES = ("chan_audiosocket.so", "res_audiosocket.so")
_FILES_MODULES = ("res_stasis_playback.so", "res_stasis_recording.so", "res_stasis_snoop.so", "func_talkdetect.so")

_MARKS_SINCE = {20: 18, 22: 8, 23: 2}
"""JSON control messages and marks on the media websocket: the first minor release of each branch."""
_AUDIOSOCKET_SINCE = 18
"""externalMedia with AudioSocket."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What Asterisk has. The lists name what is missing and are empty for what is there."""

    version: str
    no_websocket: tuple[str, ...]
    no_audiosocket: tuple[str, ...]
    no_files: tuple[str, ...]


async def ask_abilities(ari: AriClient) -> Abilities:
    """Ask for the version and the modules. Raises AriUnavailableError, AriAuthError."""
    version, websocket, audiosocket, files = await asyncio.gather(
        _version(ari),
        _lacking(ari, _WEBSOCKET_MODULES),
        _lacking(ari, _AUDIOSOCKET_MODULES),
        _lacking(ari, _FILES_MODULES),
    )
    return Abilities(
        version,
        (*websocket, *_too_old_for_websocket(version)),
        (*audiosocket, *_too_old_for_audiosocket(version)),
        files,
    )


async def _version(ari: AriClient) -> str:
    try:
        info = await ari.request("GET", "/asterisk/info", only="system")
        return str(info["system"]["version"])
    except (AriAuthError, AriUnavailableError):
        raise
    except (AriError, KeyError, TypeError):
        return ""


async def _lacking(ari: AriClient, modules: tuple[str, ...]) -> tuple[str, ...]:
    running = await asyncio.gather(*(_running(ari, name) for name in modules))
    return tuple(name for name, found in zip(modules, running, strict=True) if not found)


async def _running(ari: AriClient, module: str) -> bool:
    try:
        answer = await ari.request("GET", f"/asterisk/modules/{module}")
    except (AriAuthError, AriUnavailableError):
        raise
    except AriError:  # 404: not loaded; 409: loaded, but it refused to run
        return False
    return bool(answer and answer.get("status") == "Running")


def release(version: str) -> tuple[int, int] | None:
    """Read `22.10.1`, `certified/20.7-cert4` and the like; None for a build from a repository, which is taken as new.

    >>> release("certified-20.7-cert4")
    (20, 7)
    """
    found = re.search(r"(?:^|[-/])(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def _too_old_for_websocket(version: str) -> tuple[str, ...]:
    found = release(version)
    if found is None or found[0] > max(_MARKS_SINCE):
        return ()
    since = _MARKS_SINCE.get(found[0])
    return () if since is not None and found[1] >= since else (f"версия {version}",)


def _too_old_for_audiosocket(version: str) -> tuple[str, ...]:
    found = release(version)
    return () if found is None or found[0] >= _AUDIOSOCKET_SINCE else (f"версия {version}",)

"""Festival with a Russian voice (Debian: `festival`, `festvox-ru`): one resident process, fed through its stdin.

`festival --pipe` reads Scheme from stdin; sound comes back as RIFF through an inherited pipe that it opens by its
`/proc/self/fd` name, marks of progress come through stderr, which is not buffered. Beside `--server` this needs no
port: festival's server listens on all addresses and executes Scheme for whoever reaches it. When VoxBot dies in
whatever way, festival finds its stdin closed and ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ConfigError, ProviderError, ProviderUnavailableError
from voxbot.providers.tts.cyrillic import to_cyrillic
from voxbot.speech.clauses import split_clauses
from voxbot.speech.level import even_level
from voxbot.speech.tts import TtsCapabilities

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from voxbot.settings.schema import Settings
    from voxbot.speech.tts import Tts

log = structlog.get_logger(__name__)

_VOICE_FOLDERS = tuple(
    Path(root, "festival", "voices", "russian") for root in ("/usr/share", "/usr/lib", "/usr/local/share")
)
_START_S = 30.0
_SAY_S = 10.0
"""A clause takes 0.05-0.3 s; what takes longer hangs."""
_STOP_S = 2.0
_SOUND_BYTES = 8 * 1024 * 1024
"""Room for the sound of one clause (2 minutes at 32 kB/s): reading waits for the mark at its end."""
_RIFF_HEADER_BYTES = 44


def create(settings: Settings) -> Tts:  # noqa: ARG001 - every factory of the registry takes the settings
    """Make the voice; the process starts at `warm_up` or the first text (0.6 s; 450 MB, later up to 0.7 GB)."""
    return FestivalTts()


def available(settings: Settings) -> bool:  # noqa: ARG001 - the same for every voice of the registry
    """Whether the program and a Russian voice are installed."""
    return _find() is not None


class FestivalTts:
    """The voice. Clauses of all calls take turns in one process."""

    name = "festival"

    def __init__(self) -> None:
        found = _find()
        self.capabilities = TtsCapabilities(streaming=True, local=True, voice_id=found[1] if found else "")
        self._turn = asyncio.Lock()
        self._process: _Festival | None = None
        self._closed = False

    async def synthesize(self, text: str) -> AsyncGenerator[AudioChunk, None]:
        """Speak clause by clause. A restart of the process is tried once; then ProviderUnavailableError."""
        for clause in split_clauses(to_cyrillic(text)):
            chunk = await self._say(clause)
            if len(chunk.samples):
                yield chunk

    async def warm_up(self) -> None:
        """Start the process and speak once."""
        await self._say("раз")

    async def close(self) -> None:
        """End the process."""
        self._closed = True
        if self._process:
            await self._process.stop()
        async with self._turn:  # whoever was starting a process at that moment
            if self._process:
                await self._process.stop()

    async def _say(self, clause: str) -> AudioChunk:
        """Speak in turn. Who is cancelled meanwhile leaves the process to end the clause before the next turn."""
        await self._turn.acquire()
        job = asyncio.create_task(self._say_now(clause))
        job.add_done_callback(self._end_turn)
        return await asyncio.shield(job)

    def _end_turn(self, job: asyncio.Task[AudioChunk]) -> None:
        self._turn.release()
        if not job.cancelled():
            job.exception()  # seen by whoever waits; a cancelled caller does not want to hear of it

    async def _say_now(self, clause: str) -> AudioChunk:
        for last_try in (False, True):
            if self._closed:
                break
            try:
                if self._process is None or self._process.ended:
                    self._process = await _Festival.start()
                return await self._process.say(clause)
            except _ProcessFailedError as error:
                if self._process:
                    await self._process.stop()
                if last_try or self._closed:
                    raise ProviderUnavailableError(self.name, str(error)) from error
                log.warning("festival перезапускается", reason=str(error))
        raise ProviderUnavailableError(self.name, "голос закрыт")


class _ProcessFailedError(Exception):
    """The process died, hung or broke the protocol."""


class _Festival:
    """One process of festival with its voice loaded."""

    def __init__(
        self, process: Process, sound: asyncio.StreamReader, pipe: asyncio.ReadTransport, sound_fd: int
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._sound = sound
        self._sound_fd = sound_fd
        self._requests = 0
        self._busy = False

    @classmethod
    async def start(cls) -> _Festival:
        """Start and load the voice. Raises ConfigError if it is not installed."""
        if (found := _find()) is None:
            raise ConfigError(
                "TTS_PROVIDER=festival: не найдена программа festival с русским голосом; "
                "установите пакеты festival и festvox-ru или выберите TTS_PROVIDER=espeak"
            )
        program, voice = found
        reading_fd, writing_fd = os.pipe()
        sound = asyncio.StreamReader(limit=_SOUND_BYTES)
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(sound), os.fdopen(reading_fd, "rb")
        )
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                "--pipe",
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=PIPE,
                pass_fds=(writing_fd,),
                env={"LC_ALL": "C", "PATH": os.defpath, "HOME": "/nonexistent"},  # no user's .festivalrc
                start_new_session=True,  # Ctrl-C ends VoxBot, which then ends festival
            )
        except OSError as error:
            pipe.close()
            raise _ProcessFailedError(f"{program} не запускается ({error.strerror})") from error
        finally:
            os.close(writing_fd)
        festival = cls(process, sound, pipe, writing_fd)
        try:
            await festival._evaluate(f"(voice_{voice})", _START_S)
        except (ProviderError, _ProcessFailedError, asyncio.CancelledError):
            await festival.stop()
            raise
        return festival

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.returncode is not None

    async def say(self, clause: str) -> AudioChunk:
        """Synthesise text that `to_cyrillic` has passed: it holds nothing that means anything to Scheme."""
        save = f'(utt.save.wave (utt.synth (Utterance Text "{clause}")) "/proc/self/fd/{self._sound_fd}" \'riff)'
        await self._evaluate(save, _SAY_S)
        try:
            header = await self._sound.readexactly(_RIFF_HEADER_BYTES)
            sound = await self._sound.readexactly(int.from_bytes(header[40:44], "little"))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise _ProcessFailedError("звук оборвался") from error
        rate_hz = int.from_bytes(header[24:28], "little")
        return AudioChunk(even_level(np.frombuffer(sound, np.int16)), rate_hz)

    async def stop(self) -> None:
        """End the process and wait until it is gone."""
        if stdin := self._process.stdin:
            stdin.close()
        try:
            async with asyncio.timeout(_STOP_S if not self._busy else 0):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        self._pipe.close()

    async def _evaluate(self, expression: str, limit_s: float) -> None:
        """Run one expression. Raises ProviderError if Scheme refuses it, _ProcessFailedError if the process fails."""
        self._requests += 1
        done, end = f"voxbot-done-{self._requests}\n", f"voxbot-end-{self._requests}\n"
        stdin, stderr = self._process.stdin, self._process.stderr
        assert stdin is not None
        assert stderr is not None
        self._busy = True
        try:
            async with asyncio.timeout(limit_s):
                stdin.write(f'(begin {expression} (format stderr "{done}"))\n(format stderr "{end}")\n'.encode())
                await stdin.drain()
                answer = await stderr.readuntil(end.encode())
        except TimeoutError as error:
            raise _ProcessFailedError(f"нет ответа {limit_s:g} с") from error
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            raise _ProcessFailedError("процесс завершился или отвечает неразборчиво") from error
        self._busy = False
        if done.encode() not in answer:
            reason = " ".join(answer.decode(errors="replace").split()).removesuffix(end.strip()).strip()
            raise ProviderError("festival", f"текст не произносится ({reason[:200]})")


def _find() -> tuple[str, str] | None:
    """The program and the name of a Russian voice."""
    program = shutil.which("festival")
    voices = sorted(path.name for folder in _VOICE_FOLDERS if folder.is_dir() for path in folder.iterdir())
    return (program, voices[0]) if program and voices else None

"""SpeechKit's synthesis as the network sees it: API v3 on the real gRPC stubs, and API v1 over HTTP.

Both check what the real services check and speak with `speak(text)`, by default a tone of 60 ms a letter.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

import grpc
import numpy as np
from aiohttp import web
from yandex.cloud.ai.tts.v3 import tts_pb2, tts_service_pb2_grpc

from fakes.yandex_account import YandexAccounts

RATE_HZ = 8000
CHAR_MS = 60
V1_VOICES = {"alena", "filipp", "ermil", "jane", "omazh", "zahar", "madirus"}
V3_VOICES = V1_VOICES | {"marina", "dasha", "julia", "lera", "masha", "alexander", "kirill", "anton"}
ROLES = {
    "alena": {"neutral", "good"},
    "ermil": {"neutral", "good"},
    "jane": {"neutral", "good", "evil"},
    "omazh": {"neutral", "evil"},
    "zahar": {"neutral", "good"},
    "marina": {"neutral", "whisper", "friendly"},
    "kirill": {"neutral", "strict", "good"},
}
_RATES = {8000, 16000, 22050, 24000, 44100, 48000}


@dataclass(frozen=True)
class Speech:
    """How one request is answered.

    `latency_s` passes before the first sound, `chunk_s` before each further one of `chunk_ms`; after `break_after`
    chunks the answer ends with `status`, after `hang_after` nothing more comes, after `cut_after` the connection is
    reset; `mute` ends it well without any sound. `status` alone (gRPC by name, HTTP by number) refuses at once, with
    `retry_after_s` if given.
    """

    latency_s: float = 0.0
    chunk_s: float = 0.0
    chunk_ms: int = 200
    status: str | int | None = None
    text: str = "refused on purpose"
    retry_after_s: float | None = None
    break_after: int | None = None
    hang_after: int | None = None
    cut_after: int | None = None
    mute: bool = False


@dataclass
class Scripted:
    """`answers` are used up one by one, the last one for good; `texts` is what was asked to be said."""

    accounts: YandexAccounts = field(default_factory=YandexAccounts)
    answers: deque = field(default_factory=lambda: deque([Speech()]))
    texts: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    finished: int = 0
    cancelled: int = 0
    speak: object = None
    cut: object = None

    def answer(self, *answers):
        self.answers = deque(answers)

    def next_answer(self):
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    async def sound(self, text):
        """16-bit little-endian sound at 8 kHz; nothing where there is nothing to pronounce."""
        self.texts.append(text)
        if not any(char.isalnum() for char in text):
            return b""
        return (await self.speak(text) if self.speak else tone(text)).astype("<i2").tobytes()

    async def made(self, answer, text):
        """Speak, and take at least the latency for it."""
        sound, _ = await asyncio.gather(self.sound(text), asyncio.sleep(answer.latency_s))
        return sound

    async def played(self, answer, sound):
        """Cut the sound into chunks, with what goes wrong in between; a broken answer is cut short."""
        size = answer.chunk_ms * RATE_HZ // 1000 * 2
        for number, start in enumerate(range(0, len(sound), size)):
            if number == answer.hang_after:
                await asyncio.Event().wait()
            if number == answer.cut_after:
                self.cut()
                await asyncio.Event().wait()
            if number == answer.break_after:
                return
            if number:
                await asyncio.sleep(answer.chunk_s)
            yield sound[start : start + size]


class YandexSynthesizer(Scripted, tts_service_pb2_grpc.SynthesizerServicer):
    """API v3. Give it to a grpc.aio server; see fakes/yandex_cloud.py."""

    async def UtteranceSynthesis(self, request, context):  # noqa: N802 - the stub's name
        await self._admit(context)
        self.requests.append(request)
        hints = {hint.WhichOneof("Hint"): getattr(hint, hint.WhichOneof("Hint")) for hint in request.hints}
        if len(request.text) > 250 and not request.unsafe_mode:
            await _bad(context, f"Too long text: {len(request.text)} characters, the limit is 250")
        await self._check(context, request.output_audio_spec, hints)
        async for answer in self._answered(request.text, context, tts_pb2.UtteranceSynthesisResponse):
            yield answer

    async def StreamSynthesis(self, request_iterator, context):  # noqa: N802 - the stub's name
        await self._admit(context)
        text, options = "", None
        async for request in request_iterator:
            self.requests.append(request)
            match request.WhichOneof("Event"):
                case "options" if options is None:
                    options = request.options
                    hints = {"voice": options.voice, "role": options.role, "speed": options.speed}
                    await self._check(context, options.output_audio_spec, {k: v for k, v in hints.items() if v})
                case _ if options is None or request.WhichOneof("Event") == "options":
                    await _bad(context, "options must be the first message and the only such")
                case "synthesis_input":
                    text += request.synthesis_input.text
                case _:
                    pass
        if len(text) > 5000:
            await _bad(context, f"Too long text: {len(text)} characters, the limit is 5000")
        async for answer in self._answered(text, context, tts_pb2.StreamSynthesisResponse):
            yield answer

    async def _admit(self, context):
        asked = dict(context.invocation_metadata())
        if refusal := self.accounts.refusal(asked.get("authorization"), asked.get("x-folder-id")):
            await context.abort(grpc.StatusCode[refusal.status], refusal.text)

    async def _check(self, context, spec, hints):
        raw = spec.raw_audio
        if spec.WhichOneof("AudioFormat") != "raw_audio" or raw.audio_encoding != tts_pb2.RawAudio.LINEAR16_PCM:
            await _bad(context, "this double speaks raw LINEAR16_PCM only")
        if raw.sample_rate_hertz not in _RATES:
            await _bad(context, f"Unsupported sample rate {raw.sample_rate_hertz}")
        voice = hints.get("voice", "marina")
        if voice not in V3_VOICES:
            await _bad(context, f"Unsupported voice {voice}")
        if hints.get("role") and hints["role"] not in ROLES.get(voice, set()):
            await _bad(context, f"Unsupported role {hints['role']} for voice {voice}")
        if not 0.1 <= hints.get("speed", 1.0) <= 3:
            await _bad(context, "speed must be within [0.1, 3.0]")

    async def _answered(self, text, context, answer_type):
        answer = self.next_answer()
        if not text.strip():
            await _bad(context, "text is empty")
        try:
            if answer.status is not None and answer.break_after is None:
                await asyncio.sleep(answer.latency_s)
                await _refuse(context, answer)
            sound, sent_ms = await self.made(answer, text), 0
            if answer.mute:
                return
            if not sound:
                yield answer_type(chunk_type=answer_type.NO_SPEAKABLE_TEXT)
            async for data in self.played(answer, sound):
                length_ms = len(data) * 1000 // (2 * RATE_HZ)
                yield answer_type(
                    audio_chunk=tts_pb2.AudioChunk(data=data),
                    text_chunk=tts_pb2.TextChunk(text=text if not sent_ms else ""),
                    start_ms=sent_ms,
                    length_ms=length_ms,
                    chunk_type=answer_type.AUDIO_TEXT_COMBINED,
                )
                sent_ms += length_ms
            if answer.break_after is not None:
                await _refuse(context, answer)
            self.finished += 1
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


class YandexHttpSynthesizer(Scripted):
    """API v1: `handle` serves POST /speech/v1/tts:synthesize."""

    async def handle(self, request):
        form = await request.post()
        self.requests.append(dict(form))
        refusal = self.accounts.refusal(request.headers.get("Authorization"), form.get("folderId"))
        if refusal:
            return _error(401, "UNAUTHORIZED", f"rpc error: code = {refusal.status} desc = {refusal.text}")
        if request.content_type != "application/x-www-form-urlencoded" or not form.get("text"):
            return _error(400, "BAD_REQUEST", "text or ssml field must be provided")
        if complaint := _v1_complaint(form):
            return _error(400, "BAD_REQUEST", complaint)
        answer = self.next_answer()
        if answer.status is not None and answer.break_after is None:
            await asyncio.sleep(answer.latency_s)
            headers = {"Retry-After": f"{answer.retry_after_s:g}"} if answer.retry_after_s is not None else None
            return _error(answer.status, "REFUSED", answer.text, headers)
        response = web.StreamResponse(headers={"Content-Type": "audio/x-pcm;bit=16;rate=8000"})
        response.enable_chunked_encoding()
        try:
            sound = await self.made(answer, form["text"])
            await self._stream(request, response, answer, b"" if answer.mute else sound)
        except (asyncio.CancelledError, ConnectionResetError):
            self.cancelled += 1
            raise
        return response

    async def _stream(self, request, response, answer, sound):
        async for data in self.played(answer, sound):
            if not response.prepared:
                await response.prepare(request)
            await response.write(data)
        if not response.prepared:
            await response.prepare(request)
        if answer.break_after is not None:
            request.transport.abort()
        self.finished += 1


def tone(text):
    """60 ms a letter of 300 Hz."""
    samples = np.arange(len(text) * CHAR_MS * RATE_HZ // 1000)
    return (8000 * np.sin(2 * np.pi * 300 * samples / RATE_HZ)).astype(np.int16)


def _v1_complaint(form):
    voice, emotion = form.get("voice", "marina"), form.get("emotion")
    if len(form["text"]) > 5000:
        return "text is longer than 5000 characters"
    if form.get("format") != "lpcm" or form.get("sampleRateHertz") not in {"8000", "16000", "48000"}:
        return "unsupported format or sampleRateHertz"
    if voice not in V1_VOICES:
        return f"unsupported voice {voice}"
    if emotion and emotion not in ROLES.get(voice, set()):
        return f"unsupported emotion {emotion}"
    return None


def _error(status, code, text, headers=None):
    return web.json_response({"error_code": code, "error_message": text}, status=status, headers=headers)


async def _bad(context, text):
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, text)


async def _refuse(context, answer):
    trailers = (("retry-after", f"{answer.retry_after_s:g}"),) if answer.retry_after_s is not None else ()
    await context.abort(grpc.StatusCode[answer.status or "UNAVAILABLE"], answer.text, trailers)

"""OpenAI's speech to text, `POST /audio/transcriptions`, and servers of others that speak it.

The turn's whole sound is sent when the turn has ended. `stream: true` would stream the words of a finished sound,
not take sound as it is said, and a turn is answered by all of its words: it is not used.

The sound goes as WAV at the telephone's own 8 kHz: a line carries nothing above 3.4 kHz, the service resamples any
rate by itself, and 16 kHz would be twice the bytes to upload (3 s of speech: 48 KB, 38 ms at 10 Mbit/s).

What a request may hold differs from model to model, and servers of others take still less (see `_manner`): a refused
request is asked again at once without what is optional. What helped is remembered for a while, at first a short one: a
server may also refuse by accident. If nothing helped, the next turns are not asked again and again for it.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import structlog

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.providers.openai_api import NAME, Variables, find_account, make_client, names_model, translated
from voxbot.speech.asr import AsrCapabilities, AsrHints, Transcript
from voxbot.speech.guard import loop_time
from voxbot.speech.phantom import SpeechEvidence, is_phantom
from voxbot.speech.resampler import resample
from voxbot.speech.wav import wav_bytes

if TYPE_CHECKING:
    from voxbot.providers.openai_api import Account
    from voxbot.settings.schema import Settings
    from voxbot.speech.asr import Asr

log = structlog.get_logger(__name__)

_CONNECT_S = 2.0
_READ_S = 10.0
_RATES_HZ = (8000, 16000)
_LANGUAGE = "ru"
_MAX_MS = 600_000
"""The service takes 25 MB, and 1500 s with gpt-4o-transcribe; ten minutes are 9.6 MB."""
_LEAST_SILENCE_MS = 160
"""Every request costs money and counts against a limit, and gaps between words are shorter. An answer within 0.5 s is
still there before a turn is over (TURN_END_SILENCE_MS)."""
_MIN_MS = 60
"""Anything shorter is a click."""
_LEAST_MS = 250
"""The service refuses sounds under 100 ms; a shorter word is sent with silence after it."""
_PROMPT_CHARS = 560
"""Whisper reads the last 224 tokens of its prompt (OpenAI, «Speech to text», Prompting), about so many Russian letters;
servers of others refuse a longer one."""
_MAX_KEYWORDS = 100
_REFUSALS = frozenset({400, 415, 422, 501})
"""What servers answer to a field that they do not know."""
_WARM_UP_S = 0.5
_LESSON_S = 600.0
_LONGEST_LESSON_S = 86_400.0
_FUTILE_S = 60.0
_UNSURE_LOGPROB = -1.0
"""openai/whisper takes a decoding below it for a failed one."""
_UNSURE_DOUBT = 0.25
"""No-speech probability assumed for it, where the model reports none."""


def create(settings: Settings) -> Asr:
    """Make the recogniser; nothing is sent yet. Raises ConfigError without a key or an address."""
    asr = settings.asr
    account = find_account(settings, "ASR_PROVIDER=local", base_url=asr.openai_base_url, key=asr.openai_api_key)
    variables = Variables(
        key="ASR_OPENAI_API_KEY" if asr.openai_api_key else "OPENAI_API_KEY",
        base_url="ASR_OPENAI_BASE_URL" if asr.openai_base_url else "OPENAI_BASE_URL",
        model="ASR_OPENAI_MODEL",
    )
    return OpenAiAsr(asr.openai_model, account, variables)


class OpenAiAsr:
    """The recogniser of the process; any number of turns at once."""

    name = NAME
    capabilities = AsrCapabilities(max_ms=_MAX_MS, least_silence_ms=_LEAST_SILENCE_MS)

    def __init__(self, model: str, account: Account, variables: Variables, *, lesson_s: float = _LESSON_S) -> None:
        """`lesson_s`: for so long a field that a server refused once is left out; twice as long the next time."""
        self.model = model
        self._account = account
        self._variables = variables
        self._client: Any = None
        self._closed = False
        self._fullest = self._manner = _manner(model)
        self._first_lesson_s = self._lesson_s = lesson_s
        self._forgets_at_s = self._futile_until_s = 0.0
        self._answered: _Manner | None = None
        """What the last good answer was asked with."""

    async def transcribe(self, audio: AudioChunk, hints: AsrHints) -> Transcript:
        """Recognise one utterance. Raises ProviderError."""
        if audio.duration_ms < _MIN_MS:
            return Transcript("", 0.0)
        sound = wav_bytes(_uploaded(audio))
        asked_first = manner = self._known_manner()
        while True:
            try:
                answer = await self._ask(sound, hints.terms, manner)
            except Exception as error:
                plainer = None if self._is_futile(manner) else _plainer(manner, error)
                if plainer is None:
                    if manner != asked_first:
                        self._futile_until_s = loop_time() + _FUTILE_S
                    raise translated(error, self._variables, read_s=_READ_S) from error
                manner = plainer
            else:
                self._learn(manner)
                return _transcript(answer, hints.terms)

    async def warm_up(self) -> None:
        """Load the library, and recognise half a second of near silence: a wrong key shows now, not in a call.

        Raises ProviderError.
        """
        murmur = np.random.default_rng(0).integers(-20, 20, int(_WARM_UP_S * _RATES_HZ[0])).astype(np.int16)
        await self.transcribe(AudioChunk(murmur, _RATES_HZ[0]), AsrHints())

    async def close(self) -> None:
        """Close the connections; a request under way fails."""
        self._closed = True
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _ask(self, sound: bytes, terms: str, manner: _Manner) -> Any:
        if self._closed:
            raise ProviderUnavailableError(self.name, "распознаватель уже закрыт")
        if self._client is None:
            client = await asyncio.to_thread(make_client, self._account, connect_s=_CONNECT_S, read_s=_READ_S)
            self._client = self._client or client
        return await self._client.audio.transcriptions.create(
            file=("turn.wav", sound, "audio/wav"), model=self.model, **_fields(manner, terms)
        )

    def _known_manner(self) -> _Manner:
        if loop_time() >= self._forgets_at_s:
            self._manner = self._fullest
        return self._manner

    def _is_futile(self, manner: _Manner) -> bool:
        """Whether asking for less did not help lately, and nothing says that it would now."""
        return loop_time() < self._futile_until_s and self._answered in {None, manner}

    def _learn(self, manner: _Manner) -> None:
        """Take note of what was answered."""
        self._futile_until_s = 0.0
        self._answered = manner
        if manner == self._fullest:
            self._lesson_s = self._first_lesson_s
        elif manner != self._manner:
            log.warning(
                "Сервер распознавания принимает не все поля, пока без них",
                model=self.model,
                left_out=_left_out(self._fullest, manner),
                minutes=round(self._lesson_s / 60),
            )
            self._manner = manner
            self._forgets_at_s = loop_time() + self._lesson_s
            self._lesson_s = min(2 * self._lesson_s, _LONGEST_LESSON_S)


@dataclass(frozen=True, slots=True)
class _Manner:
    """What a request holds beside the sound and the model."""

    terms: Literal["keywords", "prompt", "none"]
    language: Literal["language", "languages", "none"] = "language"
    evidence: Literal["logprobs", "segments", "none"] = "none"
    """What is asked for to judge the words by: the tokens' probabilities, or Whisper's segments."""


_PLAIN = _Manner(terms="none", language="none")


def _manner(model: str) -> _Manner:
    """What OpenAI documents for each model (API reference, «Create transcription»); others are taken for Whisper."""
    if model.startswith("gpt-4o") and "diarize" in model:
        return _Manner(terms="none")
    if model.startswith("gpt-4o"):
        return _Manner(terms="prompt", evidence="logprobs")
    if model.startswith("gpt-"):
        return _Manner(terms="keywords", language="languages")
    return _Manner(terms="prompt", evidence="segments")


def _plainer(manner: _Manner, error: Exception) -> _Manner | None:
    """What to ask with after a refusal; None when it was about something else, or nothing is left to leave out."""
    if getattr(error, "status_code", None) not in _REFUSALS or manner == _PLAIN or names_model(error):
        return None
    if manner.evidence != "none":
        return replace(manner, evidence="none")
    if manner.terms == "keywords":
        return _Manner(terms="prompt")
    return _PLAIN if manner.terms == "none" else replace(manner, terms="none")


def _left_out(fuller: _Manner, manner: _Manner) -> list[str]:
    """What the fuller request holds and the other does not, by the names of the protocol."""
    return [str(was) for was, now in zip(astuple(fuller), astuple(manner), strict=True) if was != now]


def _fields(manner: _Manner, terms: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"response_format": "json"}
    extra: dict[str, Any] = {}
    if manner.language == "languages":
        extra["languages"] = [_LANGUAGE]
    elif manner.language == "language":
        fields["language"] = _LANGUAGE
    if manner.terms == "prompt" and (prompt := _prompt(terms)):
        fields["prompt"] = prompt
    elif manner.terms == "keywords" and (keywords := _keywords(terms)):
        extra["keywords"] = keywords
    if manner.evidence == "logprobs":
        fields["include"] = ["logprobs"]
    elif manner.evidence == "segments":
        fields["response_format"] = "verbose_json"
    return fields | ({"extra_body": extra} if extra else {})


def _prompt(terms: str) -> str:
    """The last terms that fit, whole."""
    if len(terms) <= _PROMPT_CHARS:
        return terms
    kept = terms[-_PROMPT_CHARS:]
    return kept.partition(",")[2].strip() or kept


def _keywords(terms: str) -> list[str]:
    """The last terms one by one: a keyword with `<`, `>` or a line break makes the service refuse the whole request."""
    found = (" ".join(term.split()).strip(" .") for term in terms.split(","))
    return [term for term in found if term and "<" not in term and ">" not in term][-_MAX_KEYWORDS:]


def _uploaded(audio: AudioChunk) -> AudioChunk:
    rate_hz = audio.rate_hz if audio.rate_hz in _RATES_HZ else _RATES_HZ[-1]
    samples = resample(audio.samples, audio.rate_hz, rate_hz)
    lacking = rate_hz * _LEAST_MS // 1000 - len(samples)
    return AudioChunk(np.pad(samples, (0, lacking)) if lacking > 0 else samples, rate_hz)


def _transcript(answer: Any, terms: str) -> Transcript:
    """Leave out what was hardly said. A model that tells nothing of its certainty gets a confidence of 1."""
    parts = _parts(answer)
    spoken = [(text, evidence) for text, evidence in parts if not is_phantom(text, evidence, terms)]
    if not spoken:
        return Transcript("", 0.0)
    worst = min(evidence.average_logprob for _, evidence in spoken)
    return Transcript(" ".join(text for text, _ in spoken), math.exp(min(0.0, worst)))


def _parts(answer: Any) -> list[tuple[str, SpeechEvidence]]:
    """The answer's words with what the model says of them: of every segment, or of the whole.

    Servers leave out or null any of these fields, and some answer with bare text whatever was asked for.
    """
    segments: list[Any] = getattr(answer, "segments", None) or []
    if segments and all(getattr(segment, "avg_logprob", None) is not None for segment in segments):
        return [
            (
                str(segment.text).strip(),
                SpeechEvidence(float(segment.avg_logprob), float(getattr(segment, "no_speech_prob", None) or 0.0)),
            )
            for segment in segments
        ]
    text = answer if isinstance(answer, str) else getattr(answer, "text", None) or ""
    tokens: list[Any] = getattr(answer, "logprobs", None) or []
    logprobs = [float(token.logprob) for token in tokens if token.logprob is not None]
    average = sum(logprobs) / len(logprobs) if logprobs else 0.0
    doubt = _UNSURE_DOUBT if average < _UNSURE_LOGPROB else 0.0
    return [(str(text).strip(), SpeechEvidence(average, doubt))]

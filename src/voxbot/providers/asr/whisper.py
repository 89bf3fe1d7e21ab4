"""Whisper (int8) on CTranslate2 through faster-whisper's tokenizer and mel filters.

Whisper pads every sound to 30 s. Here a short one becomes a mel of 1000, 2000 or 3000 frames of 10 ms, which the
encoder takes as well; below 1000 frames it makes more errors. The encoder's result is used twice: for a greedy
decoding, and, where that is unsure of itself, for a beam search, which makes a quarter fewer errors on such turns.
"""

from __future__ import annotations

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import structlog

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ModelError, ProviderUnavailableError
from voxbot.providers.models import WHISPER_BASE, model_folder
from voxbot.speech.asr import AsrCapabilities, AsrHints, Transcript
from voxbot.speech.phantom import SpeechEvidence, is_phantom
from voxbot.speech.resampler import resample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from voxbot.domain.audio import Samples
    from voxbot.settings.schema import Settings
    from voxbot.speech.asr import Asr

log = structlog.get_logger(__name__)

_RATE_HZ = 16000
_SAMPLES_PER_FRAME = 160
_FRAME_STEPS = (1000, 2000, 3000)
_MAX_MS = 30_000
_LEAST_SILENCE_MS = 96
_MIN_MS = 60
"""Anything shorter is a click."""

_CONTEXT_TOKENS = 448
_PROMPT_TOKENS = 222
"""Half of Whisper's context, without the token that announces a prompt (openai/whisper, `decoding.py`)."""
_TOKENS_PER_S = 10
_SPARE_TOKENS = 12
"""Bound of what may be written: Russian speech takes at most 5.4 tokens a second, a loop on noise would take 2.5 s."""

_BEAM = 5
_UNSURE_LOGPROB = -0.4
"""Below it a greedy decoding is done again by beam search. On 20 festival utterances of 8 kHz: character errors 12.8 %
greedy, 9.5 % with beams on 35 % of them, 9.6 % with beams on all; wider beams gain nothing."""
_HOPELESS_NO_SPEECH = 0.6
"""From here on it is noise; a beam search would only find a likelier invention."""


def create(settings: Settings) -> Asr:
    """Make the recogniser; the model is loaded by `warm_up` or the first utterance (0.5-1.5 s)."""
    asr = settings.asr
    return WhisperAsr(settings.paths.models_dir, threads=asr.threads, parallel=asr.parallel, model=asr.whisper_model)


@dataclass(frozen=True, slots=True)
class _Decoding:
    text: str
    evidence: SpeechEvidence


class WhisperAsr:
    """The recogniser of the process: `parallel` recognitions at once, `threads` CPU threads each."""

    name = "whisper"
    capabilities = AsrCapabilities(streaming=False, max_ms=_MAX_MS, least_silence_ms=_LEAST_SILENCE_MS, local=True)

    def __init__(self, models_dir: Path, *, threads: int, parallel: int, model: str = WHISPER_BASE.name) -> None:
        """`model` is a name of the catalogue, or a folder that holds a model of faster-whisper."""
        self._models_dir = models_dir
        self._model = model
        self._threads = threads
        self._parallel = parallel
        self._workers = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="whisper")
        self._loading = threading.Lock()
        self._engine: _Engine | None = None
        self._awaited = 0

    async def transcribe(self, audio: AudioChunk, hints: AsrHints) -> Transcript:
        """Recognise one utterance; longer than 30 s, it is taken in pieces.

        A cancelled caller drops the work if it has not begun; work that has begun ends unheard.
        """
        if audio.duration_ms < _MIN_MS:
            return Transcript("", 0.0)
        self._awaited += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._workers, self._recognise, audio, hints.terms)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise ProviderUnavailableError(self.name, f"распознавание не удалось ({error})") from error
        finally:
            self._awaited -= 1

    async def warm_up(self) -> None:
        """Check and load the model, recognise a second of near silence."""
        murmur = np.random.default_rng(0).integers(-20, 20, _RATE_HZ).astype(np.int16)
        await self.transcribe(AudioChunk(murmur, _RATE_HZ), AsrHints())

    async def close(self) -> None:
        """Finish what somebody still waits for, refuse what comes after, free the model."""
        await asyncio.to_thread(self._workers.shutdown)
        self._engine = None

    def _recognise(self, audio: AudioChunk, terms: str) -> Transcript:
        """Do the work, in a worker thread."""
        with self._loading:
            if self._engine is None:
                folder = model_folder("ASR_WHISPER_MODEL", self._model, "whisper", self._models_dir)
                self._engine = _Engine(folder, self._threads, self._parallel)
            engine = self._engine
        samples = resample(audio.samples, audio.rate_hz, _RATE_HZ)
        piece = _MAX_MS * _RATE_HZ // 1000
        found = [
            engine.decode(samples[start : start + piece], terms, may_search=self._may_search)
            for start in range(0, len(samples), piece)
        ]
        spoken = [part for part in found if not is_phantom(part.text, part.evidence, terms)]
        if not spoken:
            return Transcript("", 0.0)
        average_logprob = min(part.evidence.average_logprob for part in spoken)
        return Transcript(" ".join(part.text for part in spoken), math.exp(min(0.0, average_logprob)))

    def _may_search(self) -> bool:
        """Whether nobody waits for this worker: a queue of callers is served sooner with greedy decoding."""
        return self._awaited <= self._parallel


class _Engine:
    """The loaded model. Safe to use from several threads."""

    def __init__(self, folder: Path, threads: int, parallel: int) -> None:
        import ctranslate2  # noqa: PLC0415
        import faster_whisper  # noqa: PLC0415 - 1 s and 100 MB, for those who listen only
        from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415

        try:
            model: Any = faster_whisper.WhisperModel(
                str(folder),
                device="cpu",
                compute_type="int8",
                cpu_threads=threads,
                num_workers=parallel,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(
                f"модель Whisper не загружается из {folder} ({error}); "
                f"выполните `voxbot models fetch {folder.name} --force`, а свою папку проверьте сами"
            ) from error
        self._network: Any = model.model
        self._mel: Any = model.feature_extractor
        self._tokenizer: Any = Tokenizer(model.hf_tokenizer, multilingual=True, task="transcribe", language="ru")
        self._tensor: Any = cast("Any", ctranslate2).StorageView.from_array
        self._prompt: tuple[str, list[int]] = ("", [])

    def decode(self, samples: Samples, terms: str, *, may_search: Callable[[], bool]) -> _Decoding:
        """Recognise up to 30 s of 16 kHz sound."""
        encoded = self._network.encode(self._tensor(self._features(samples)))
        longest = _SPARE_TOKENS + _TOKENS_PER_S * len(samples) // _RATE_HZ
        decoding = self._search(encoded, self._prompt_tokens(terms), longest, may_search)
        doubt = decoding.evidence.no_speech_probability
        if terms and doubt < _HOPELESS_NO_SPEECH and is_phantom(decoding.text, decoding.evidence, terms):
            # Terms can catch the decoder in a loop over real speech; without them it hears the sound alone.
            decoding = self._search(encoded, [], longest, may_search)
        return decoding

    def _search(self, encoded: Any, prompt: list[int], longest: int, may_search: Callable[[], bool]) -> _Decoding:
        """Decode greedily, then by beams if that is unsure and there is time."""
        decoding = self._generate(encoded, prompt, longest, beam=1)
        evidence = decoding.evidence
        unsure = evidence.average_logprob < _UNSURE_LOGPROB
        if unsure and evidence.no_speech_probability < _HOPELESS_NO_SPEECH and may_search():
            return self._generate(encoded, prompt, longest, beam=_BEAM)
        return decoding

    def _features(self, samples: Samples) -> NDArray[np.float32]:
        """Log-mel spectrogram, shape (1, bands, frames); 80 bands, 128 of large-v3."""
        frames = next((step for step in _FRAME_STEPS if len(samples) <= step * _SAMPLES_PER_FRAME), _FRAME_STEPS[-1])
        sound = np.zeros(frames * _SAMPLES_PER_FRAME, np.float32)
        sound[: len(samples)] = samples.astype(np.float32) / 32768
        return np.ascontiguousarray(self._mel(sound, padding=0)[None, :, :frames], np.float32)

    def _generate(self, encoded: Any, prompt: list[int], longest: int, *, beam: int) -> _Decoding:
        tokens = [*prompt, *self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        result = self._network.generate(
            encoded,
            [tokens],
            beam_size=beam,
            max_length=min(len(tokens) + longest, _CONTEXT_TOKENS),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        text = str(self._tokenizer.decode(result.sequences_ids[0])).strip()
        return _Decoding(text, SpeechEvidence(float(result.scores[0]), float(result.no_speech_prob)))

    def _prompt_tokens(self, terms: str) -> list[int]:
        """Encode the last terms that fit; remembered, as all turns have the same."""
        known, tokens = self._prompt
        if known == terms:
            return tokens
        kept = [term.strip() for term in terms.split(",")]
        while len(tokens := self._tokenizer.encode(" " + ", ".join(kept))) > _PROMPT_TOKENS and kept:
            del kept[0]
        tokens = [self._tokenizer.sot_prev, *tokens] if any(kept) else []
        self._prompt = (terms, tokens)
        return tokens

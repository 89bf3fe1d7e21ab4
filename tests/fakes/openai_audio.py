"""`POST /audio/transcriptions` as OpenAI answers it: which fields each model takes, and in which form it answers."""

import io
import json
import math
import wave
from dataclasses import dataclass, field

import numpy as np
from aiohttp import web

from fakes.http_faults import Faults, answered, refusal

LEAST_S = 0.1
_COMMON = {"file", "model", "prompt", "response_format", "stream", "temperature", "chunking_strategy"}
_LISTS = {"include", "keywords", "languages", "timestamp_granularities"}


@dataclass(frozen=True)
class AudioRequest:
    """One request as it came; lists of `fields` are those sent as `name[]`."""

    model: str
    fields: dict
    filename: str
    samples: np.ndarray
    rate_hz: int
    authorization: str


@dataclass(frozen=True)
class Heard:
    """What is heard: `probability` of each token, and of there being no speech."""

    text: str = "Сколько стоит разрывная машина?"
    probability: float = 0.9
    no_speech: float = 0.02


@dataclass
class AudioDouble:
    """Transcribes with `recognise(samples, rate_hz)`, which gives text or Heard and may be a coroutine.

    `takes` are fields beside `file` and `model` that the server knows; None: whatever OpenAI's model does.
    """

    recognise: object = lambda samples, rate_hz: Heard()
    takes: set | None = None
    requests: list = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)

    async def handle(self, request):
        form = await request.post()
        upload = form.get("file")
        fields = {}
        for name in form:
            key = name.removesuffix("[]")
            if name != "file":
                fields[key] = form.getall(name) if key in _LISTS else form[name]
        sound = _read(upload)
        asked = AudioRequest(
            fields.pop("model", ""),
            fields,
            getattr(upload, "filename", ""),
            *(sound or (np.zeros(0, np.int16), 0)),
            request.headers.get("Authorization", ""),
        )
        self.requests.append(asked)
        return await answered(request, self.faults.next(), lambda: self._answer(asked))

    async def _answer(self, asked):
        if complaint := next(self._complaints(asked), None):
            return refusal(400, complaint)
        heard = self.recognise(asked.samples, asked.rate_hz)
        heard = await heard if hasattr(heard, "__await__") else heard
        heard = heard if isinstance(heard, Heard) else Heard(heard)
        if asked.fields.get("stream") == "true" and asked.model != "whisper-1":
            return _events(heard)
        match asked.fields.get("response_format", "json"):
            case "verbose_json":
                return web.json_response(_verbose(heard, len(asked.samples) / asked.rate_hz))
            case "text":
                return web.Response(text=heard.text + "\n")
            case _:
                return web.json_response(_plain(heard, logprobs="logprobs" in asked.fields.get("include", [])))

    def _complaints(self, asked):
        if not asked.model:
            yield "you must provide a model parameter"
        if not asked.rate_hz:
            yield "Audio file might be corrupted or unsupported"
        if len(asked.samples) < LEAST_S * asked.rate_hz:
            yield "Audio file is too short. Minimum audio length is 0.1 seconds."
        taken = _COMMON | _fields_of(asked.model) if self.takes is None else self.takes
        if unknown := set(asked.fields) - taken:
            yield f"Unknown parameter: '{min(unknown)}'."
        form = asked.fields.get("response_format", "json")
        if asked.model.startswith("gpt-") and form != "json":
            yield f"response_format '{form}' is not compatible with model '{asked.model}'. Use 'json' instead."
        if any(set(keyword) & set("<>\r\n") for keyword in asked.fields.get("keywords", [])):
            yield "Invalid 'keywords'."


def _fields_of(model):
    if model.startswith("gpt-4o"):
        return {"language"} if "diarize" in model else {"language", "include"}
    return {"keywords", "languages"} if model.startswith("gpt-") else {"language", "timestamp_granularities"}


def _read(upload):
    try:
        with upload.file as file, wave.open(io.BytesIO(file.read())) as wav:
            return np.frombuffer(wav.readframes(wav.getnframes()), "<i2"), wav.getframerate()
    except (AttributeError, wave.Error, EOFError):
        return None


def _tokens(heard):
    return [
        {"token": word, "logprob": math.log(heard.probability), "bytes": list(word.encode())}
        for word in heard.text.split()
    ]


def _plain(heard, *, logprobs):
    return {"text": heard.text} | ({"logprobs": _tokens(heard)} if logprobs else {})


def _verbose(heard, seconds):
    segment = {
        "id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": f" {heard.text}", "tokens": [50364],
        "temperature": 0.0, "avg_logprob": math.log(heard.probability), "compression_ratio": 1.1,
        "no_speech_prob": heard.no_speech,
    }  # fmt: skip
    segments = [segment] if heard.text else []
    return {"task": "transcribe", "language": "russian", "duration": seconds, "text": heard.text, "segments": segments}


def _events(heard):
    events = [{"type": "transcript.text.delta", "delta": f"{word} "} for word in heard.text.split()]
    events.append({"type": "transcript.text.done", "text": heard.text})
    body = "".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events) + "data: [DONE]\n\n"
    return web.Response(body=body.encode(), content_type="text/event-stream")

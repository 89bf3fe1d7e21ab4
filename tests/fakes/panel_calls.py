"""Calls for the panel to show: a fortnight of a small company's telephone, made through the call log's observer.

    await fill(repository, now, chunks=..., count=160)

The same seed gives the same calls, so screenshots differ only where the panel does.
"""

from __future__ import annotations

import random
import re
import wave
from typing import TYPE_CHECKING

import numpy as np

from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.events import BotTurn, CallEnded, CallerTurn, CallStarted
from voxbot.media.recording_files import file_path
from voxbot.observers.call_log import CallLog

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxbot.knowledge.documents import Chunk
    from voxbot.store.call_log import CallLogRepository

DAY_S = 86_400
GREETING = "Здравствуйте! Вы позвонили в Метротэст. Чем могу помочь?"
UNKNOWN = "К сожалению, я этого не знаю. Могу соединить вас с оператором."
OPERATOR = "Хорошо, соединяю вас с оператором."
BYE = "Всего доброго, до свидания!"

ASKED = [
    ("Сколько стоит поверка разрывной машины?", "сколько стоит поверка разрывной машины", "general"),
    ("Какая гарантия на оборудование?", "какая гарантия на оборудование", "general"),
    ("Вы доставляете в Казань?", "вы доставляете в казань", "general"),
    ("Где вы находитесь?", "где вы находитесь", "general"),
    ("Мне нужна машина на 100 кН.", "мне нужна машина на сто килоньютонов", "tech"),
    ("Есть ли пресс на 2000 кН?", "есть ли пресс на две тысячи килоньютонов", "tech"),
    ("Какая точность у датчика силы?", "какая точность у датчика силы", "tech"),
    ("Какое питание у РЭМ-100?", "какое питание у рэм сто", "tech"),
]
UNANSWERED = ["Есть ли у вас рассрочка?", "Можно ли арендовать машину на месяц?", "Вы работаете в субботу вечером?"]
HOSTILE = '<script>window.broken = 1</script><img src=x onerror="window.broken = 1">'


async def fill(repository: CallLogRepository, now: float, *, chunks: Sequence[Chunk], count: int = 160, seed: int = 7):
    """Write `count` calls up to `now`, seconds since the epoch; answers quote `chunks`. Returns their ids."""
    dice = random.Random(seed)
    log = CallLog(repository)
    ids = []
    for number in range(count):
        age = DAY_S * 14 * (1 - (number + 1) / count) ** 1.1 + 600
        call_id = f"{int(now - age)}.{number + 1}"
        for event in call(call_id, now - age, dice, chunks):
            await log.observe(event)
        ids.append(call_id)
    return ids


def call(call_id: str, at: float, dice: random.Random, chunks: Sequence[Chunk]):
    """Give the events of one call."""
    caller = f"+79{dice.choice('0136')}{dice.randrange(10**8):08d}"
    yield CallStarted(call_id, at, caller)
    at += 0.4
    yield BotTurn(call_id, at, GREETING, GREETING, cut=False, ms={"tts_first_audio": 38.0})
    at += 5
    if dice.random() < 0.04:
        yield CallEnded(call_id, at + 20, "Failed", "error", "распознавание речи: сервис не отвечает", 4200.0)
        return
    for _ in range(dice.choice((1, 1, 2, 2, 3, 4))):
        at += dice.uniform(2, 6)
        said, reply = exchange(call_id, at, dice, chunks)
        yield said
        yield reply
        at = reply.at + dice.uniform(4, 12)
    reason = dice.choices(("caller_hangup", "goodbye", "operator", "silence"), (6, 3, 2, 1))[0]
    if reason == "operator":
        yield CallerTurn(call_id, at, "Соедините с оператором.", "соедините с оператором", heard_ms(dice))
        wish = AnswerInfo(intent="operator")
        yield BotTurn(call_id, at + 1.2, OPERATOR, OPERATOR, cut=False, answer=wish, ms={"response": 690.0})
        at += 4
    elif reason == "goodbye":
        yield BotTurn(call_id, at + 1, BYE, BYE, cut=False, answer=AnswerInfo(intent="goodbye"), ms={"response": 540.0})
        at += 3
    status = "Transferred" if reason == "operator" else "Completed"
    yield CallEnded(call_id, at, status, reason, "", round(dice.uniform(300, 1900), 1))


def exchange(call_id: str, at: float, dice: random.Random, chunks: Sequence[Chunk]):
    """One question with its answer."""
    if dice.random() < 0.13:
        text = dice.choice(UNANSWERED)
        said = CallerTurn(call_id, at, text, text.lower().rstrip("?"), heard_ms(dice))
        ms = answer_ms(dice)
        answer = AnswerInfo(kb="general", known=False, model="gpt-4o-mini", ms=ms)
        return said, BotTurn(call_id, at + ms["response"] / 1000, UNKNOWN, UNKNOWN, cut=False, answer=answer, ms=ms)
    text, raw, kb = dice.choice(ASKED)
    found = nearest(text, [chunk for chunk in chunks if chunk.kb == kb])[:3]
    whole = said_of(found[0])
    cut = dice.random() < 0.12
    heard = " ".join(whole.split()[: max(3, len(whole.split()) // 2)]) if cut else whole
    scores = sorted((round(dice.uniform(0.55, 0.92), 3) for _ in found), reverse=True)
    ms = answer_ms(dice)
    answer = AnswerInfo(
        kb=kb,
        sources=tuple(chunk.chunk_id for chunk in found),
        scores=tuple(scores),
        model="gpt-4o-mini",
        ms=ms,
    )
    said = CallerTurn(call_id, at, text, raw, heard_ms(dice))
    return said, BotTurn(call_id, at + ms["response"] / 1000, heard, whole, cut=cut, answer=answer, ms=ms)


def nearest(question: str, chunks: Sequence[Chunk]):
    """Chunks that share the rarest beginnings of words with a question first."""
    stems = {word[:5] for word in re.findall(r"[\w-]{5,}", question.lower())}
    rarity = {stem: 1 / (1 + sum(stem in chunk.text.lower() for chunk in chunks)) for stem in stems}

    def likeness(chunk: Chunk):
        return sum(rarity[stem] * (3 * (stem in chunk.title.lower()) + (stem in chunk.text.lower())) for stem in stems)

    return sorted(chunks, key=likeness, reverse=True)


def said_of(chunk: Chunk):
    """The first sentences below a chunk's headings."""
    lines = [line for line in chunk.text.splitlines() if line.strip() and not line.startswith("#")]
    text = " ".join(line for line in lines if line.strip() != chunk.title)
    return " ".join(re.split(r"(?<=[.!?])\s+", text)[:2])


def heard_ms(dice: random.Random):
    return {"endpoint": dice.uniform(420, 760), "asr": dice.uniform(180, 330), "asr_wait": dice.uniform(0, 60)}


def answer_ms(dice: random.Random):
    embed, search, first, tts = (dice.uniform(*span) for span in ((6, 18), (0.6, 2.4), (160, 480), (40, 110)))
    response = 520 + first * 0.7 + tts + dice.uniform(0, 120)
    return {
        "embed": embed,
        "search": search,
        "first_token": first,
        "total": first * 3,
        "tts_first_audio": tts,
        "response": response,
    }


def record(directory: Path, call_id: str, at: float, seconds: int = 40):
    """Write a recording: both sides take turns to hum."""
    time_s = np.arange(seconds * 8000) / 8000
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 3.1 * time_s)
    turn = (time_s // 5).astype(int) % 2
    hums = ((1, 180), (0, 240))
    sides = [np.where(turn == who, np.sin(2 * np.pi * hz * time_s) * syllables * 0.4, 0) for who, hz in hums]
    path = file_path(directory, call_id, at)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((np.stack(sides, axis=1) * 32767).astype("<i2").tobytes())


def hostile(call_id: str, at: float):
    """A call in which everybody speaks HTML."""
    yield CallStarted(call_id, at, "+79990000000")
    yield CallerTurn(call_id, at + 1, HOSTILE, HOSTILE, {})
    yield BotTurn(call_id, at + 2, HOSTILE, HOSTILE, cut=False, answer=AnswerInfo(kb="general", model=HOSTILE), ms={})
    yield CallEnded(call_id, at + 3, "Failed", "error", HOSTILE)

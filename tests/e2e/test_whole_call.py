"""The product as a caller meets it: the real unit, the real engines, a real Asterisk, and an ear that listens."""

import asyncio
import json
import re
import sqlite3
import sys
import wave
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
from phone import AUDIO, running_unit

from voxbot.domain.audio import TELEPHONE_RATE_HZ, AudioChunk
from voxbot.providers import registry
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints
from voxbot.text.verbalizer import verbalize

OWN_AUDIO = Path(__file__).parent / "audio"
HEAR = [{"do": "wait_for_speech", "timeout_ms": 15000}, {"do": "wait_for_silence", "ms": 1000, "timeout_ms": 60000}]


def say(name):
    path = next(folder / f"{name}.wav" for folder in (AUDIO, OWN_AUDIO) if (folder / f"{name}.wav").exists())
    return [{"do": "say", "wav": str(path)}, *HEAR]


@pytest.fixture(scope="module")
def built_workspace(workspace):
    """The workspace after `make run`'s first steps: models fetched, index built."""

    async def command(*arguments):
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "voxbot", *arguments, cwd=workspace)
        assert await process.wait() == 0

    asyncio.run(command("models", "fetch"))
    asyncio.run(command("kb", "build"))
    return workspace


@pytest.fixture(scope="module")
def ear(built_workspace):
    """What a Russian ear makes of what the phone received, stretch by stretch."""
    settings = load_settings(environ={"MODELS_DIR": str(built_workspace / "data" / "models")})

    def listen(wav_path, report):
        with wave.open(str(wav_path)) as wav:
            heard = np.frombuffer(wav.readframes(wav.getnframes()), np.int16).reshape(-1, 2)[:, 1]

        async def transcribe():
            asr = registry.create_asr(settings)
            texts = []
            for span in report["remote"]:
                first, last = (round(span[key] * TELEPHONE_RATE_HZ / 1000) for key in ("start_ms", "end_ms"))
                chunk = AudioChunk(np.pad(heard[first:last], 2400), TELEPHONE_RATE_HZ)
                hints = AsrHints(terms="свидетельство о поверке, Владимир, улица Испытателей, РЭМ, килоньютон, рублей")
                texts.append((await asr.transcribe(chunk, hints)).text)
            await asr.close()
            return " ".join(texts).lower().replace("ё", "е")

        return asyncio.run(transcribe())

    return listen


def dialogue_of_last_call(workspace):
    with sqlite3.connect(workspace / "data/db/log_db.sqlite") as database:
        row = database.execute(
            "SELECT callerId, status, endTime, transcript_json FROM logs ORDER BY startTime DESC LIMIT 1"
        ).fetchone()
    return {"caller": row[0], "status": row[1], "end": row[2], "turns": json.loads(row[3])}


def hold_call(lab, workspace, script, out=None, **environ):
    async def main():
        async with running_unit(workspace, "bot", **lab.ari_environ, **environ):
            (report,) = await lab.call(script, out=out)
            assert await lab.leftovers() == []
            return report

    return asyncio.run(main())


@pytest.mark.timeout(240)
def test_three_questions_are_answered_from_the_knowledge_base_and_logged(lab, built_workspace, ear, tmp_path):
    out = tmp_path / "heard.wav"
    script = [
        *HEAR,
        *say("price"),
        *say("delivery"),
        *say("location"),
        *say("goodbye")[:1],
        {"do": "expect_hangup", "timeout_ms": 15000},
    ]
    report = hold_call(lab, built_workspace, script, out)
    assert report["ok"], report["error"]

    heard = ear(out, report)
    assert re.search(r"(2|двух) миллион", heard), heard
    assert re.search(r"5 до 7|от (5|пяти)|38|тридцать\w* восемь", heard), heard
    assert "владимир" in heard, heard
    assert re.search(r"свидани|добр", heard), heard

    log = dialogue_of_last_call(built_workspace)
    assert (log["caller"], log["status"]) == ("79161234567", "Completed")
    assert log["end"]
    assert [turn["speaker"] for turn in log["turns"]] == ["bot"] + ["user", "bot"] * 4
    answers = [turn for turn in log["turns"] if turn["speaker"] == "bot"]
    said = verbalize(" ".join(answer["text"] for answer in answers)).lower()
    alike = SequenceMatcher(None, verbalize(heard).lower(), said, autojunk=False).ratio()
    assert alike > 0.7, f"the log holds what the ear heard: {heard}"
    assert [answer.get("kb") for answer in answers[1:4]] == ["general"] * 3
    assert "2 350 000" in answers[1]["text"], "what was heard to the end is what stands here"
    assert len({answer["text"] for answer in answers}) == len(answers), "no answer repeats an earlier one"
    assert all(turn["raw"] and turn["ms"]["asr"] > 0 for turn in log["turns"] if turn["speaker"] == "user")
    assert all(answer["ms"]["response"] > 0 for answer in answers[1:])


@pytest.mark.timeout(240)
def test_what_the_bot_does_not_know_it_says_and_the_operator_is_called(lab, built_workspace, ear, tmp_path):
    out = tmp_path / "heard.wav"
    script = [
        *HEAR, *say("weather"), {"do": "say", "wav": str(AUDIO / "operator.wav")},
        {"do": "wait_for_speech", "timeout_ms": 10000}, {"do": "pause", "ms": 6000}, {"do": "hangup"},
    ]  # fmt: skip
    report = hold_call(lab, built_workspace, script, out)
    assert report["ok"], report["error"]
    log = dialogue_of_last_call(built_workspace)
    assert log["status"] == "Transferred"
    answers = [turn for turn in log["turns"] if turn["speaker"] == "bot"]
    assert answers[1]["known"] is False
    assert "оператор" in answers[1]["text"].lower()
    beeps = [span for span in report["remote"] if 250 < span["end_ms"] - span["start_ms"] < 350]
    assert len(beeps) >= 2, "the operator's tone of the lab is heard"


@pytest.mark.timeout(240)
def test_a_caller_who_says_nothing_and_one_who_only_makes_noise_end_clean(lab, built_workspace, tmp_path):
    noise = tmp_path / "noise.wav"
    rng = np.random.default_rng(1)
    with wave.open(str(noise), "wb") as wav:
        wav.setparams((1, 2, 8000, 0, "NONE", ""))
        wav.writeframes((rng.normal(0, 2500, 8000 * 12)).astype(np.int16).tobytes())
    quick = {"TURN_REPROMPT_AFTER_MS": "2000", "TURN_MAX_REPROMPTS": "1"}

    report = hold_call(lab, built_workspace, [{"do": "expect_hangup", "timeout_ms": 60000}], **quick)
    assert report["ok"], report["error"]
    log = dialogue_of_last_call(built_workspace)
    assert log["status"] == "Completed"
    assert [turn["speaker"] for turn in log["turns"]] == ["bot"] * 3, "greeting, «вы на линии?», goodbye"

    script = [*HEAR, {"do": "say", "wav": str(noise)}, {"do": "expect_hangup", "timeout_ms": 60000}]
    report = hold_call(lab, built_workspace, script, **quick)
    assert report["ok"], report["error"]
    log = dialogue_of_last_call(built_workspace)
    assert log["status"] == "Completed"
    assert "user" not in [turn["speaker"] for turn in log["turns"]], "noise is not words"


@pytest.mark.timeout(240)
def test_five_at_once_and_twenty_in_a_row_leave_nothing_in_the_process(lab, built_workspace):
    async def main():
        async with running_unit(built_workspace, "bot", **lab.ari_environ) as bot:
            await lab.call([*HEAR, {"do": "hangup"}])
            before = bot.descriptors
            at_once = await lab.call([*HEAR, *say("delivery"), {"do": "hangup"}], count=5, stagger_ms=100)
            in_a_row = []
            for _ in range(20):
                in_a_row += await lab.call([{"do": "wait_for_speech"}, {"do": "pause", "ms": 300}, {"do": "hangup"}])
            assert await lab.leftovers() == []
            async with asyncio.timeout(10):
                while bot.descriptors > before:
                    await asyncio.sleep(0.2)
            return at_once, in_a_row

    at_once, in_a_row = asyncio.run(main())
    assert all(report["ok"] for report in at_once), [report["error"] for report in at_once]
    assert all(report["ok"] for report in in_a_row)
    greetings = sorted(r["remote"][0]["start_ms"] - r["answered_ms"] for r in in_a_row)
    assert greetings[len(greetings) // 2] < 300, "the first sound of the greeting, in milliseconds after the answer"

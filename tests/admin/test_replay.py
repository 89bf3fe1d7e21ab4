"""A past call's questions against the agent of today."""

import pytest
from fakes.api import KEY, ApiLab
from fakes.voice import ScriptedAnswerer

from voxbot.admin.replay.endpoints import MAX_QUESTIONS
from voxbot.domain.dialogue import AnswerInfo
from voxbot.domain.errors import ProviderUnavailableError

STAMP = "2026-03-01T12:00:05.000"
ANSWERS = {
    "где вы": ("Мы | во Владимире.", AnswerInfo(kb="general", sources=("c2",), model="m")),
    "есть рассрочка": ("Да, на год.", AnswerInfo(kb="general", known=True)),
}


@pytest.fixture
async def lab(tmp_path):
    async with ApiLab(tmp_path) as opened:
        for turn in (
            {"speaker": "bot", "text": "Здравствуйте!"},
            {"speaker": "user", "text": "где вы", "raw": "где вы"},
            {"speaker": "bot", "text": "Мы во Владимире.", "kb": "general", "known": True, "sources": ["c1"]},
            {"speaker": "user", "text": "есть рассрочка"},
            {"speaker": "bot", "text": "Этого я не знаю.", "known": False, "ms": {"total": 5.0}},
            {"speaker": "user", "text": "ладно"},
        ):
            if turn["text"] == "Здравствуйте!":
                await opened.calls.start("c1", "7", 1.0e9)
            await opened.calls.append_turn("c1", {**turn, "timestamp": STAMP})
        await opened.calls.start("mute", "7", 1.0e9)
        yield opened


async def test_both_answers_stand_side_by_side(lab):
    answerer = ScriptedAnswerer(ANSWERS)
    replayed = (await lab.client(lab.parts(answerer=answerer)).post("/api/calls/c1/replay", headers=KEY)).json()
    assert (replayed["questions"], replayed["changed"]) == (3, 2)
    same, better, new = replayed["turns"]
    assert (same["changed"], same["after"]["text"], same["after"]["sources"]) == (False, "Мы во Владимире.", ["c2"])
    assert (better["before"]["known"], better["after"]["known"], better["changed"]) == (False, True, True)
    assert better["before"]["ms"] == {"total": 5.0}
    assert (new["before"], new["after"]["text"]) == (None, "Не знаю.")
    assert [turn.text for turn in answerer.asked[2][1]] == [
        "Здравствуйте!", "где вы", "Мы во Владимире.", "есть рассрочка", "Да, на год.",
    ], "the dialogue is that of the new answers"  # fmt: skip


async def test_some_questions_alone_keep_the_old_dialogue_around_them(lab):
    answerer = ScriptedAnswerer(ANSWERS)
    client = lab.client(lab.parts(answerer=answerer))
    replayed = (await client.post("/api/calls/c1/replay", json={"turns": [2]}, headers=KEY)).json()
    assert [turn["index"] for turn in replayed["turns"]] == [2]
    assert [turn.text for turn in answerer.asked[0][1]][-1] == "Этого я не знаю."


async def test_what_cannot_be_replayed_says_why(lab):
    client = lab.client(lab.parts(answerer=ScriptedAnswerer(ANSWERS)))
    assert (await client.post("/api/calls/nobody/replay", headers=KEY)).status_code == 404
    assert (await client.post("/api/calls/mute/replay", headers=KEY)).json()["code"] == "no_questions"
    assert (await client.post("/api/calls/c1/replay")).status_code == 401
    assert (await lab.client().post("/api/calls/c1/replay", headers=KEY)).status_code == 409


async def test_a_question_that_fails_does_not_lose_the_others(lab):
    class Failing(ScriptedAnswerer):
        async def reply(self, question, history):
            if question == "есть рассрочка":
                raise ProviderUnavailableError("openai", "предел запросов")
            async for item in super().reply(question, history):
                yield item

    parts = lab.parts(answerer=Failing(ANSWERS))
    replayed = (await lab.client(parts).post("/api/calls/c1/replay", headers=KEY)).json()
    assert [bool(turn["error"]) for turn in replayed["turns"]] == [False, True, False]
    assert replayed["turns"][0]["after"]["text"] == "Мы во Владимире."
    assert replayed["turns"][1]["changed"] is False


async def test_a_long_call_says_how_much_of_it_was_not_replayed(lab):
    await lab.calls.start("long", "7", 1.0e9)
    for number in range(MAX_QUESTIONS + 3):
        await lab.calls.append_turn("long", {"speaker": "user", "text": f"вопрос {number}", "timestamp": STAMP})
    client = lab.client(lab.parts(answerer=ScriptedAnswerer({}, delay_s=0)))
    replayed = (await client.post("/api/calls/long/replay", headers=KEY)).json()
    assert (len(replayed["turns"]), replayed["left_out"]) == (MAX_QUESTIONS, 3)
    chosen = (await client.post("/api/calls/long/replay", headers=KEY, json={"turns": [61]})).json()
    assert (len(chosen["turns"]), chosen["left_out"]) == (1, 0)

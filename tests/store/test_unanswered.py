"""Unanswered questions are read back from the log of calls, whatever its length."""

import json
from datetime import datetime

from voxbot.domain.dialogue import AnswerInfo, Utterance
from voxbot.domain.events import BotTurn, CallerTurn, CallStarted
from voxbot.observers.call_log import CallLog
from voxbot.store.call_filter import CallFilter
from voxbot.store.models import LoggedCall
from voxbot.store.times import local_text
from voxbot.store.unanswered import UnansweredTurn

NOON = datetime(2026, 3, 1, 12, 0, 0).astimezone().timestamp()
UNKNOWN = AnswerInfo(known=False)


async def read(calls, since=None):
    return [turn async for turn in calls.unanswered(since)]


async def say(calls, call_id, *turns, at=NOON):
    """Log a call through its observer: caller and bot in turn; an AnswerInfo beside the bot's words."""
    log = CallLog(calls)
    await log.observe(CallStarted(call_id, at, "100"))
    for turn in turns:
        if isinstance(turn, str):
            await log.observe(CallerTurn(call_id, at, turn, turn, {}))
        else:
            text, answer = turn
            await log.observe(BotTurn(call_id, at, text, text, cut=False, answer=answer, ms={}))


async def test_the_question_before_an_unknown_answer_with_what_was_said_before(calls):
    await say(
        calls, "c1",
        ("Здравствуйте.", None), "сколько стоит пресс", ("Миллион.", AnswerInfo(kb="general")),
        "а в лунном исполнении", ("Этого я не знаю.", UNKNOWN), "ну ладно", ("До свидания.", AnswerInfo()),
    )  # fmt: skip
    assert await read(calls) == [
        UnansweredTurn(
            "c1",
            local_text(NOON, "milliseconds"),
            "а в лунном исполнении",
            (
                Utterance("bot", "Здравствуйте."),
                Utterance("user", "сколько стоит пресс"),
                Utterance("bot", "Миллион."),
            ),
            "Этого я не знаю.",
        )
    ]


async def test_known_answers_and_words_that_look_like_the_mark_are_none(calls):
    await say(calls, "c1", 'запишите "known": false', ("Миллион.", AnswerInfo()))
    await say(calls, "c2", ("Не знаю.", UNKNOWN))
    assert await read(calls) == []


async def test_every_call_is_read_once_in_order_over_many_pages(calls):
    for number in range(450):
        await say(calls, f"c{number:03}", f"вопрос {number}", ("Не знаю.", UNKNOWN), at=NOON + number // 100)
    assert [turn.question for turn in await read(calls)] == [f"вопрос {number}" for number in range(450)]


async def test_since_a_moment(calls):
    await say(calls, "old", "старый вопрос", ("Не знаю.", UNKNOWN), at=NOON - 86400)
    await say(calls, "new", "новый вопрос", ("Не знаю.", UNKNOWN))
    assert [turn.call_id for turn in await read(calls, datetime.fromisoformat("2026-03-01"))] == ["new"]


async def test_an_older_bots_log_is_no_obstacle(calls, database):
    transcripts = [
        "нет",
        '{"known": false}',
        json.dumps([{"speaker": "bot", "known": False}, 7, {"text": None, "speaker": "user"}]),
        json.dumps([{"speaker": "user", "text": "сколько"}, {"speaker": "bot", "text": "Не знаю.", "known": False}]),
    ]
    async with database.write() as session:
        for number, transcript in enumerate(transcripts):
            session.add(
                LoggedCall(
                    id=f"c{number}",
                    caller_id="1",
                    start_time="2026-03-01T12:00:00",
                    status="Completed",
                    transcript_json=transcript,
                )
            )
    assert [(turn.call_id, turn.at) for turn in await read(calls)] == [("c3", "2026-03-01T12:00:00")]


async def test_staff_who_try_the_bot_from_the_panel_are_no_callers(calls):
    await say(calls, "browser-1", "есть ли рассрочка", ("Не знаю.", UNKNOWN))
    await say(calls, "c1", "есть ли лизинг", ("Не знаю.", UNKNOWN))
    assert [turn.question for turn in await read(calls)] == ["есть ли лизинг"]
    assert [turn.question async for turn in calls.asked(CallFilter(), 10)] == ["есть ли лизинг"]


async def test_the_newest_calls_first(calls):
    for number in range(250):
        await say(calls, f"c{number:03}", f"вопрос {number}", ("Не знаю.", UNKNOWN), at=NOON + number)
    read_first = [turn.question async for turn in calls.unanswered(newest_first=True)]
    assert read_first == [f"вопрос {number}" for number in reversed(range(250))]

"""What a reasoning model thinks is not spoken, whether or not its server marks where the thoughts begin."""

import pytest
from fakes.scripted_llm import FAIL, ScriptedLlm

from voxbot.agent.llm import ChatRequest, Stopped, ToolCall, stream_with_fallback
from voxbot.agent.spoken import SpokenAnswer
from voxbot.agent.thoughts import Thoughts, WithoutThoughts
from voxbot.domain.errors import ProviderUnavailableError

REQUEST = ChatRequest("", (), "?", 0.0)
sizes = pytest.mark.parametrize("size", [1, 4, 100])


def cut(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)]


def read(thoughts, text, size):
    return "".join(thoughts.push(piece) for piece in cut(text, size)) + thoughts.flush()


async def spoken(*models):
    answer = SpokenAnswer(1000)
    said = []
    async for piece in stream_with_fallback(models, REQUEST, first_token_s=1, rewind=answer.rewind):
        said += answer.take(piece.content)
    return [*said, *answer.finish()]


@sizes
@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("<think>а</think>Да.", "Да."),
        ("\n<think>а < б</think>\n\n Да <thing>.", "Да <thing>."),
        ("Гарантия <think>хм</think>два <think>а</think> года.", "Гарантия два  года."),
        ("Да. <think>не кончил", "Да. "),
        ("<thinking>Надо подумать.</thinking> Да. Есть.", "Да. Есть."),
        ("<thought>а</thought>Да.", "Да."),
        ("Да.", "Да."),
        ("а < б </b> </thi", "а < б </b> </thi"),
        ("<th", "<th"),
        ("<think>не кончил", ""),
        ("<think></think>", ""),
        ("", ""),
    ],
)
def test_announced_thoughts_are_left_out(written, answer, size):
    assert read(Thoughts(), written, size) == answer


@sizes
@pytest.mark.parametrize(
    ("written", "answer", "still"),
    [
        ("Надо подумать. Вижу.\n</think>\n\nДа. Есть.", "Да. Есть.", True),
        ("<think>Надо подумать.</think>Да.", "Да.", True),
        ("Да. Есть.", "Да. Есть.", False),
        ("<think>не кончил", "", True),
    ],
)
def test_thoughts_that_are_expected_are_held_until_they_end(written, answer, still, size):
    thoughts = Thoughts(unannounced=True)
    assert read(thoughts, written, size) == answer
    assert thoughts.unannounced is still


@sizes
@pytest.mark.parametrize("thought", ["Надо подумать о гарантии", "Думаю, думаю. ", "Надо посмотреть в справке."])
async def test_thoughts_that_nothing_announced_are_dropped_if_they_end_before_a_word_was_said(thought, size):
    model = WithoutThoughts(ScriptedLlm("main", *cut(f"{thought}</think>\n\nГарантия два года. Да.", size)))
    assert await spoken(model) == ["Гарантия два года.", "Да."]


@sizes
async def test_once_seen_they_are_never_spoken_again(size):
    text = "Надо найти срок в справке. Вижу: 24 месяца. Отвечу кратко.\n</think>\n\nГарантия два года."
    model = WithoutThoughts(ScriptedLlm("main", *cut(text, size)))
    assert (await spoken(model))[-1] == "Гарантия два года."
    for _ in range(2):
        assert await spoken(model) == ["Гарантия два года."]


async def test_a_model_that_thinks_no_more_is_believed_again():
    llm = ScriptedLlm("main", "Думаю.</think>Да.")
    model = WithoutThoughts(llm)
    await spoken(model)
    llm.script = ("Гарантия два года. ", "Да.")
    assert await spoken(model) == ["Гарантия два года.", "Да."]
    stream = model.stream(REQUEST)
    assert await anext(stream) == "Гарантия два года. "


@pytest.mark.parametrize("end", [(Stopped("length"),), (FAIL,), (ToolCall("x"),)])
async def test_thoughts_that_were_cut_off_are_no_answer(end):
    llm = ScriptedLlm("main", "Думаю.</think>Да.")
    model = WithoutThoughts(llm)
    await spoken(model)
    llm.script = ("Надо найти срок. Вижу.", *end)
    assert await spoken(model, ScriptedLlm("spare", "Два года.")) == ["Два года."]


async def test_thoughts_alone_are_an_empty_answer():
    with pytest.raises(ProviderUnavailableError, match="empty"):
        await spoken(WithoutThoughts(ScriptedLlm("main", "Думаю. ", "Думаю.</think>\n")))

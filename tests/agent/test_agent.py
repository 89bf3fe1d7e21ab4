"""The agent as a call sees it: pieces of text, and what is known about them."""

import pytest
from fakes.scripted_llm import FAIL, HANG, ScriptedLlm
from fakes.search import ScriptedSearch, hit, result
from fakes.virtual_time import run_virtual

from voxbot.agent import phrases
from voxbot.agent.agent import Agent
from voxbot.agent.llm import ChatRequest, Stopped, ToolCall, Whole, stream_with_fallback
from voxbot.agent.prompts import DEFAULT_PROMPTS
from voxbot.domain.dialogue import AnswerInfo, Utterance
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.settings.schema import LlmSettings

WARRANTY = hit("# Гарантия\nГарантия на станки — 24 месяца.", title="Гарантия", chunk_id="w1")


def agent(*models, search=None, first_token_s=0.05, **settings):
    return Agent(
        search or ScriptedSearch(result(WARRANTY)),
        prompts=lambda: DEFAULT_PROMPTS,
        settings=lambda: LlmSettings(first_token_s=first_token_s, **settings),
        threshold=lambda: 0.5,
        models=models,
    )


async def ask(agent, question, history=()):
    items = [item async for item in agent.reply(question, history)]
    infos = [item for item in items if isinstance(item, AnswerInfo)]
    return "".join(item for item in items if isinstance(item, str)), infos[-1]


async def test_model_answers_from_the_passages_with_history_in_one_request():
    llm = ScriptedLlm("main", "Гарантия ", "два года.|", "Ещё вопросы?")
    search = ScriptedSearch(result(WARRANTY))
    history = (Utterance("user", "здравствуйте"), Utterance("bot", "Слушаю вас."))
    text, info = await ask(agent(llm, search=search), "какая гарантия на станки", history)
    assert text == "Гарантия два года.|Ещё вопросы?"
    assert (info.kb, info.sources, info.known, info.model) == ("general", ("w1",), True, "main")
    assert {"embed", "search", "first_token", "total"} <= set(info.ms)
    (request,) = llm.requests
    assert "24 месяца" in request.system
    assert request.history == history
    assert search.questions == ["какая гарантия на станки"]


async def test_a_model_reads_the_headings_above_a_passage():
    llm = ScriptedLlm("main", "Девятьсот килограммов.")
    weight = hit("## Габариты\nМасса 900 кг.", above="# Пресс РЭМ-50")
    [_ async for _ in agent(llm, search=ScriptedSearch(result(weight))).reply("сколько весит РЭМ-50", [])]
    assert "# Пресс РЭМ-50\n## Габариты\nМасса 900 кг." in llm.requests[0].system


async def test_sources_come_before_the_first_word():
    items = [item async for item in agent(ScriptedLlm("main", "Да.")).reply("какая гарантия на станки", ())]
    assert isinstance(items[0], AnswerInfo)
    assert items[0].sources == ("w1",)


async def test_refusal_of_the_model_is_not_known():
    _, info = await ask(agent(ScriptedLlm("main", "К сожалению, я этого не знаю.")), "какая гарантия на станки")
    assert not info.known


@pytest.mark.parametrize("first", [(FAIL,), (HANG,), ()])
async def test_fallback_answers_when_the_first_model_says_nothing(first):
    primary = ScriptedLlm("main", *first)
    text, info = await ask(agent(primary, ScriptedLlm("spare", "Два года.")), "какая гарантия на станки")
    assert text == "Два года."
    assert info.model == "spare"
    assert primary.closed


async def test_mid_answer_failure_goes_on_without_repeating():
    spare = ScriptedLlm("spare", "Гарантия два года. ", "Продлить можно ", "до пяти лет.")
    primary = ScriptedLlm("main", "Гарантия два года. ", "Продлить можно", FAIL)
    text, _ = await ask(agent(primary, spare), "какая гарантия на станки")
    assert text == "Гарантия два года.|Продлить можно до пяти лет."
    assert "услышал: «Гарантия два года.»" in spare.requests[0].system


async def test_all_models_down_the_knowledge_base_is_quoted():
    text, info = await ask(agent(ScriptedLlm("main", FAIL), ScriptedLlm("spare", HANG)), "какая гарантия на станки")
    assert text == "Гарантия на станки — 24 месяца."
    assert info.known


async def test_broken_off_for_good_in_mid_answer_is_said_honestly():
    main = ScriptedLlm("main", "Гарантия два года. ", "Продлить ", "её", FAIL)
    text, info = await ask(agent(main), "какая гарантия на станки")
    assert text == "Гарантия два года.|" + phrases.CUT_SHORT
    assert not info.known


async def test_broken_off_before_a_word_is_spoken_the_knowledge_base_is_quoted():
    text, info = await ask(agent(ScriptedLlm("main", "Гарантия два", FAIL)), "какая гарантия на станки")
    assert text == "Гарантия на станки — 24 месяца."
    assert (info.known, info.model) == (True, "extractive")


async def test_quoting_without_a_model():
    text, info = await ask(agent(), "какая гарантия на станки")
    assert text == "Гарантия на станки — 24 месяца."
    assert (info.known, info.sources, info.kb) == (True, ("w1",), "general")


async def test_price_missing_in_the_first_base_is_looked_up_in_the_other():
    tech = result(hit("# Станок СТ-5\nСтанок СТ-5 весит 100 кг.", kb="tech"), kb="tech")
    general = result(hit("# Цены\nСтанок СТ-5 стоит 900 рублей.", chunk_id="p"))
    search = ScriptedSearch(tech, tech)
    search._results["general"] = general
    text, info = await ask(agent(search=search), "сколько стоит станок СТ-5")
    assert text == "Станок СТ-5 стоит 900 рублей."
    assert info.kb == "general"


async def test_unknown_is_said_honestly_offers_an_operator_and_varies():
    bot = agent(search=ScriptedSearch(result(hit("# Прочее\nПрочее.", score=0.1))))
    first, info = await ask(bot, "какая завтра погода")
    second, _ = await ask(bot, "какая завтра погода", (Utterance("user", "x"), Utterance("bot", first)))
    assert not info.known
    assert "оператором?" in first
    assert "оператором?" in second
    assert first != second


async def test_search_down_is_an_apology_and_no_error():
    text, info = await ask(agent(search=ScriptedSearch(result(), broken=True)), "какая гарантия")
    assert text.startswith(phrases.APOLOGY)
    assert not info.known


@pytest.mark.parametrize(
    ("said", "intent"),
    [("соедините с оператором", "operator"), ("до свидания", "goodbye"), ("вы робот?", None), ("секунду", None)],
)
async def test_wishes_need_no_search(said, intent):
    search = ScriptedSearch(result(WARRANTY))
    text, info = await ask(agent(search=search), said)
    assert text
    assert info.intent == intent
    assert search.questions == []


async def test_repeat_says_again_what_was_heard():
    history = (Utterance("user", "какая гарантия"), Utterance("bot", "Гарантия два года. Она бесплатна."))
    text, _ = await ask(agent(), "повторите пожалуйста", history)
    assert text == "Гарантия два года.|Она бесплатна."


async def test_louder_is_a_repetition_that_says_what_cannot_be_done():
    history = (Utterance("user", "какая гарантия"), Utterance("bot", "Гарантия два года. Она бесплатна."))
    text, _ = await ask(agent(), "громче", history)
    assert text == f"{phrases.LOUDER[0]}|Гарантия два года.|Она бесплатна."


async def test_follow_up_is_searched_whole():
    search = ScriptedSearch(result(WARRANTY))
    history = (Utterance("user", "сколько стоит машина на сто кН"), Utterance("bot", "Миллион."))
    await ask(agent(search=search), "а на двести?", history)
    assert search.questions[0] == "сколько стоит машина на 200 кН"


@pytest.mark.parametrize(
    "first",
    [
        ("<think>Пользователь спрашивает о гарантии.", "</think>"),
        ("<think>Пользователь спрашивает",),
        (Stopped("content_filter"),),
        ("Гарантия на", Stopped("content_filter")),
        (Stopped("length"),),
        ("Гарантия на", Stopped("length")),
    ],
)
async def test_model_that_gives_no_whole_sentence_is_followed_by_the_next(first):
    text, info = await ask(agent(ScriptedLlm("main", *first), ScriptedLlm("spare", "Гарантия на", " станки два года.")),
                           "какая гарантия на станки")  # fmt: skip
    assert text == "Гарантия на станки два года."
    assert info.model == "spare"


async def test_thoughts_are_not_spoken():
    main = ScriptedLlm("main", "<thi", "nk>Надо найти гарантию.</th", "ink>", "\n\nДва ", "года.")
    text, _ = await ask(agent(main), "какая гарантия на станки")
    assert text == "Два года."


async def test_only_whole_sentences_of_an_answer_that_was_cut_off_are_said():
    main = ScriptedLlm("main", "Гарантия два года. Продлить её можно до", Stopped("length"))
    spare = ScriptedLlm("spare", "Нет.")
    text, info = await ask(agent(main, spare), "какая гарантия на станки")
    assert text == "Гарантия два года.|"
    assert (info.known, info.model) == (True, "main")
    assert spare.requests == []


async def test_answer_too_long_for_the_ear_ends_with_a_sentence_and_stops_the_model():
    main = ScriptedLlm("main", *(f"Пункт номер {n} довольно длинный. " for n in range(1, 9)), HANG)
    text, info = await ask(agent(main, answer_max_chars=70), "какая гарантия на станки")
    assert text == "Пункт номер 1 довольно длинный.|Пункт номер 2 довольно длинный.|"
    assert info.known
    assert main.closed


@pytest.mark.parametrize(("tool", "intent"), [("transfer_to_operator", "operator"), ("end_call", "goodbye")])
@pytest.mark.parametrize("by_protocol", [True, False])
async def test_tool_call_is_a_wish_with_our_own_line(tool, intent, by_protocol):
    main = ScriptedLlm("main", ToolCall(tool) if by_protocol else f'{{"name": "{tool}", "arguments": {{}}}}')
    items = [item async for item in agent(main).reply("а пусть со мной Иван Петрович поговорит про станки", ())]
    info, line = items[-2:]
    assert (info.intent, info.kb, info.sources, info.known) == (intent, None, (), True)
    assert line in (*phrases.OPERATOR, *phrases.GOODBYE)
    assert [tool.name for tool in main.requests[0].tools] == ["transfer_to_operator", "end_call"]


async def test_wish_that_the_model_has_announced_is_not_announced_again():
    main = ScriptedLlm("main", "Хорошо, соединяю вас с отделом продаж.|", ToolCall("transfer_to_operator"))
    text, info = await ask(agent(main), "а пусть со мной Иван Петрович поговорит про станки")
    assert text.count("оединяю") == 1
    assert info.intent == "operator"


async def test_tool_that_was_never_offered_is_no_answer():
    text, info = await ask(agent(ScriptedLlm("main", ToolCall("rm_rf"))), "какая гарантия на станки")
    assert text == "Гарантия на станки — 24 месяца."
    assert info.intent is None


@pytest.mark.parametrize("nothing", [(ToolCall("rm_rf"),), ("| | ", "|"), ("```",), ("😀",), ("<think>Да.</think>",)])
async def test_model_that_says_nothing_is_followed_by_the_next(nothing):
    text, info = await ask(agent(ScriptedLlm("main", *nothing), ScriptedLlm("spare", "Два года.")), "какая гарантия")
    assert (text, info.model, info.intent) == ("Два года.", "spare", None)


async def test_tool_that_was_never_offered_takes_no_answer_back():
    text, info = await ask(agent(ScriptedLlm("main", "Гарантия два года.", ToolCall("rm_rf"))), "какая гарантия")
    assert (text, info.known, info.model) == ("Гарантия два года.", True, "main")


async def test_who_broke_off_last_is_told():
    main = ScriptedLlm("main", "Гарантия два года. Также", FAIL)
    _, info = await ask(agent(main, ScriptedLlm("spare", "На захваты полгода. И", FAIL)), "какая гарантия")
    assert (info.model, info.known, info.sources) == ("spare", False, ("w1",))


@pytest.mark.parametrize(("takes_s", "model"), [(4.0, "main"), (9.0, "spare")])
def test_whole_answer_has_its_own_time(takes_s, model):
    main, spare = ScriptedLlm("main", Whole(), takes_s, "Два года."), ScriptedLlm("spare", Whole(), 4.5, "Год.")
    _, info = run_virtual(ask(agent(main, spare, first_token_s=3.0), "какая гарантия"))
    assert info.model == model


async def test_closing_the_reply_stops_the_model():
    llm = ScriptedLlm("main", "Гарантия два года. Про", HANG)
    reply = agent(llm, first_token_s=60).reply("какая гарантия на станки", ())
    async for item in reply:
        if isinstance(item, str):
            break
    await reply.aclose()
    assert llm.closed


async def test_no_model_works_raises_the_last_error():
    request = ChatRequest("", (), "?", 0.0)
    with pytest.raises(ProviderUnavailableError, match="broke off"):
        async for _ in stream_with_fallback([ScriptedLlm("main", FAIL)], request, first_token_s=1):
            pass


async def test_other_models_answer_from_the_next_question_on():
    first, second = (
        ScriptedLlm("first", "Два года. ", "Не больше."),
        ScriptedLlm("second", "<think>Хм.</think>Три года."),
    )
    talking = agent(first)
    answer = talking.reply("какая гарантия на станки", ())
    begun = [await anext(answer)]
    while not isinstance(begun[-1], str):
        begun.append(await anext(answer))
    await talking.use([second])
    whole = [*begun, *[item async for item in answer]]
    assert "".join(item for item in whole if isinstance(item, str)) == "Два года.|Не больше."
    text, info = await ask(talking, "какая гарантия на станки")
    assert (text, info.model) == ("Три года.", "second")

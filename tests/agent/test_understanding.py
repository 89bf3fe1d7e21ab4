"""Questions that lean on the dialogue, with a language model: right, and never waited for too long."""

import asyncio

import pytest
from fakes.search import ScriptedSearch, hit, result
from fakes.virtual_time import run_virtual

from voxbot.agent.agent import Agent
from voxbot.agent.prompts import DEFAULT_PROMPTS
from voxbot.domain.dialogue import Utterance
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.settings.schema import LlmSettings

HISTORY = (Utterance("user", "сколько стоит машина на сто кН"), Utterance("bot", "Миллион."))
RAW, BY_RULES = "а на двести?", "сколько стоит машина на 200 кН"


class Model:
    """Rewrites after a delay as it is told to; answers at once."""

    name = model = "model"

    def __init__(self, rewritten="", *, after_s=0.0, broken=False):
        self._rewritten, self._after_s, self._broken = rewritten, after_s, broken
        self.requests = []

    async def stream(self, request):
        self.requests.append(request)
        if request.system == DEFAULT_PROMPTS.contextualize_q_system_prompt:
            await asyncio.sleep(self._after_s)
            if self._broken:
                raise ProviderUnavailableError("model", "down")
            yield self._rewritten
        else:
            yield "Два миллиона."


async def ask(model, question, history=HISTORY, **settings):
    """Return what was searched for, and after how long the first word came."""
    search = ScriptedSearch(result(hit("# Цены\nМашина на 200 кН стоит два миллиона.")))
    agent = Agent(
        search,
        prompts=lambda: DEFAULT_PROMPTS,
        settings=lambda: LlmSettings(**settings),
        threshold=lambda: 0.5,
        models=[model],
    )
    started, first_s = asyncio.get_running_loop().time(), None
    async for item in agent.reply(question, history):
        if isinstance(item, str) and first_s is None:
            first_s = asyncio.get_running_loop().time() - started
    return search.questions, first_s


def test_the_models_version_is_searched_for():
    model = Model("Сколько стоит разрывная машина РЭМ-200?", after_s=0.3)
    questions, first_s = run_virtual(ask(model, RAW))
    assert questions == [BY_RULES, RAW, "Сколько стоит разрывная машина РЭМ-200?"]
    assert first_s == pytest.approx(0.3)
    assert [request.question for request in model.requests] == [RAW, RAW]
    assert model.requests[0].history == HISTORY
    assert not model.requests[0].tools


@pytest.mark.parametrize("agreed", [BY_RULES.capitalize() + "?", "«А на двести»"])
def test_a_model_that_agrees_costs_no_further_search(agreed):
    questions, _ = run_virtual(ask(Model(agreed), RAW))
    assert questions == [BY_RULES, RAW]


@pytest.mark.parametrize(
    ("model", "waited_s"),
    [
        (Model("Поздно", after_s=30), 0.7),
        (Model(broken=True, after_s=0.2), 0.2),
        (Model(""), 0),
        (Model("Вот ответ:\nдва миллиона"), 0),
        (Model("слово " * 100), 0),
    ],
)
def test_rules_decide_when_the_model_is_late_or_useless(model, waited_s):
    questions, first_s = run_virtual(ask(model, RAW))
    assert questions == [BY_RULES, RAW]
    assert first_s == pytest.approx(waited_s)


def test_the_limit_is_a_setting_and_zero_asks_no_model():
    _, first_s = run_virtual(ask(Model("Поздно", after_s=30), RAW, contextualize_s=0.2))
    assert first_s == pytest.approx(0.2)
    model = Model("Сколько стоит РЭМ-200?")
    questions, _ = run_virtual(ask(model, RAW, contextualize_s=0))
    assert questions == [BY_RULES]
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    "question", ["сколько стоит доставка в Казань", "какая гарантия на станки", "а где вы находитесь?"]
)
def test_a_question_that_stands_by_itself_is_never_rewritten(question):
    model = Model("нечто")
    questions, _ = run_virtual(ask(model, question))
    assert questions == [question]
    assert len(model.requests) == 1


def test_without_a_dialogue_nothing_is_rewritten():
    model = Model("нечто")
    run_virtual(ask(model, RAW, history=()))
    assert len(model.requests) == 1


def test_barge_in_while_it_is_rewritten_leaves_nothing_behind():
    async def cut_short():
        task = asyncio.ensure_future(ask(Model("Поздно", after_s=30), RAW, contextualize_s=9))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait({task})
        return [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]

    assert run_virtual(cut_short()) == []

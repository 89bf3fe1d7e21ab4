"""Cases held with an agent: what counts as right, and what is said when it is not."""

import pytest
from fakes.search import ScriptedSearch, hit, result

from voxbot.domain.dialogue import AnswerInfo, Utterance
from voxbot.domain.errors import ProviderUnavailableError
from voxbot.ops.agent_tests.cases import Case, Turn
from voxbot.ops.agent_tests.judge import LlmJudge
from voxbot.ops.agent_tests.running import check, run_case


class ScriptedAgent:
    """Answers each question with the next of its lines."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def reply(self, question, history):
        self.asked.append((question, tuple(history)))
        text, info = self.answers.pop(0)
        yield AnswerInfo()
        yield text
        yield info


class ScriptedLlm:
    def __init__(self, *pieces, error=None):
        self.pieces = pieces
        self.error = error
        self.requests = []

    async def stream(self, request):
        self.requests.append(request)
        if self.error:
            raise self.error
        for piece in self.pieces:
            yield piece


KNOWN = AnswerInfo(kb="general")


def case(*turns, xfail=""):
    return Case("имя", turns, "cases.yaml", 7, xfail)


@pytest.mark.parametrize(
    ("turn", "info", "failure"),
    [
        (Turn("?", contains=("24 месяца",)), KNOWN, ""),
        (Turn("?", contains=("24 месяца", "бесплатно")), KNOWN, "не сказано «бесплатно»"),
        (Turn("?", contains_any=("год", "двадцать четыре")), KNOWN, ""),
        (Turn("?", contains_any=("год", "день")), KNOWN, "не сказано ничего из: «год», «день»"),
        (Turn("?", lacks=("гарантией",)), KNOWN, "сказано «гарантией»"),
        (Turn("?", base="tech"), KNOWN, "ответ из базы general, нужна tech"),
        (Turn("?", known=True), AnswerInfo(known=False), "не знает, а ответ в базе есть"),
        (Turn("?", known=False), KNOWN, "отвечает, а должен сказать, что не знает"),
        (Turn("?", contains=("бесплатно",), known="maybe"), AnswerInfo(known=False), ""),
        (Turn("?", contains=("бесплатно",), known="maybe"), KNOWN, "не сказано «бесплатно»"),
        (Turn("?", intent="operator"), KNOWN, "намерение none, нужно operator"),
        (Turn("?", intent="none"), AnswerInfo(intent="goodbye"), "намерение goodbye, нужно none"),
    ],
)
def test_check(turn, info, failure):
    assert check(turn, "Гарантия 24 месяца.", info) == ((failure,) if failure else ())


async def test_a_dialogue_is_held_as_in_a_call():
    agent = ScriptedAgent(("Миллион.|Ещё?", KNOWN), ("Два.", KNOWN))
    dialogue = case(Turn("цена на сто килоньютонов"), Turn("а на двести", contains=("три",)))
    held = await run_case(agent, dialogue)
    assert agent.asked[1] == (
        "а на двести",
        (Utterance("user", "цена на сто кН"), Utterance("bot", "Миллион. Ещё?")),
    )
    assert held.failures == ("«а на двести»: не сказано «три»",)
    assert held.outcome == "failed"


@pytest.mark.parametrize(
    ("answer", "xfail", "outcome"),
    [("да", "", "passed"), ("нет", "", "failed"), ("нет", "почему", "xfailed"), ("да", "почему", "xpassed")],
)
async def test_outcomes(answer, xfail, outcome):
    held = await run_case(ScriptedAgent((answer, KNOWN)), case(Turn("?", contains=("да",)), xfail=xfail))
    assert held.outcome == outcome


@pytest.mark.parametrize(
    ("llm", "failures"),
    [
        (ScriptedLlm('Вот: {"ok":', " true}"), ()),
        (ScriptedLlm('{"ok": false, "why": "выдумал срок"}'), ("судья: выдумал срок",)),
        (ScriptedLlm("Хороший ответ"), ("судья: ответил не по форме",)),
        (ScriptedLlm("{bad}"), ("судья: ответил не по форме",)),
        (ScriptedLlm(error=ProviderUnavailableError("fake", "down")), ("судья: не ответил (fake: down)",)),
    ],
)
async def test_the_judge_has_the_last_word(llm, failures):
    search = ScriptedSearch(result(hit("# Гарантия\nДва года.")))
    held = await run_case(ScriptedAgent(("Два года.", KNOWN)), case(Turn("гарантия?")), LlmJudge(llm, search))
    assert held.failures == failures
    assert "Два года." in llm.requests[0].question
    assert "# Гарантия" in llm.requests[0].question


async def test_the_judge_is_not_asked_of_what_failed_or_is_unknown():
    llm = ScriptedLlm("{}")
    judge = LlmJudge(llm, ScriptedSearch(result()))
    turns = (Turn("?", contains=("да",)), Turn("?", known=False))
    held = await run_case(ScriptedAgent(("нет", KNOWN), ("Не знаю.", AnswerInfo(known=False))), case(*turns), judge)
    assert held.failures == ("«?»: не сказано «да»",)
    assert llm.requests == []

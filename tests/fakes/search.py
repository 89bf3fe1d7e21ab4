"""A retriever with scripted results."""

from voxbot.domain.errors import ProviderUnavailableError
from voxbot.knowledge.search import Hit, SearchMs, SearchResult


def hit(text, *, title="Заголовок", score=0.9, kb="general", chunk_id="c1", above=""):
    return Hit(kb, title, score, text, chunk_id, above)


def result(*hits, kb="general"):
    return SearchResult(kb, kb, False, "computed", tuple(hits), SearchMs(1.0, 1.0, 2.0))


class ScriptedSearch:
    """Gives `general` and `tech` results by the base asked for; keeps the questions."""

    def __init__(self, general, tech=None, *, broken=False):
        self._results = {"auto": general, "general": general, "tech": tech or result(kb="tech")}
        self._broken = broken
        self.questions = []

    async def search(self, question, *, kb="auto", k=None):
        self.questions.append(question)
        if self._broken:
            raise ProviderUnavailableError("fake", "down")
        return self._results[kb]

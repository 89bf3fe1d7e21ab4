"""A double of a language model: it answers with the sentences of its context that are nearest to the question."""

import re
from collections import Counter

from voxbot.knowledge.words import tokenize

UNKNOWN = "К сожалению, я этого не знаю. | Соединить вас с оператором?"
_CONTEXT = re.compile(r"Справка:\s*(.*)", re.DOTALL)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_MARKS = re.compile(r"[#*_`>|\[\]()]+")
_MOST_SENTENCES = 2


def quote(body):
    """Answer a request of the chat protocol; one to rewrite a question gets it back as it was."""
    messages = body["messages"]
    question = messages[-1]["content"]
    context = _CONTEXT.search(messages[0]["content"])
    return _answer(context[1], question) if context else question


def _answer(context, question):
    sentences = [clean for raw in _SENTENCE.findall(context) if len(clean := _MARKS.sub(" ", raw).strip()) > 3]
    terms = [_terms(sentence) for sentence in sentences]
    common = Counter(term for own in terms for term in own)
    asked = _terms(question)
    scores = [sum(1 / common[term] for term in asked & own) for own in terms]
    best = sorted(range(len(sentences)), key=lambda row: -scores[row])[:_MOST_SENTENCES]
    said = [_ended(sentences[row]) for row in sorted(best) if scores[row] > 0]
    return " | ".join(said) or UNKNOWN


def _terms(text):
    return {term for token in tokenize(text) for term in token.terms}


def _ended(sentence):
    sentence = " ".join(sentence.split())
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."

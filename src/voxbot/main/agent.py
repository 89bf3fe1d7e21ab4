"""Wiring of the agent: which prompts, which language models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from voxbot.agent.agent import Agent
from voxbot.agent.prompts import PromptsSource
from voxbot.domain.errors import ConfigError
from voxbot.providers import registry
from voxbot.speech.budget import llm_first_token_s
from voxbot.text.normalizer import LiveNormalizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.agent.agent import Searcher
    from voxbot.agent.llm import Llm
    from voxbot.settings.schema import LlmSettings, Settings
    from voxbot.speech.switches import Switches

_MODELS_SHARE = 0.8
"""Of AI_PROCESSING_TIMEOUT; the rest is for the search and the voice."""

log = structlog.get_logger(__name__)


def load_prompts(settings: Settings) -> PromptsSource:
    """Read the prompts file. Raises ConfigError when it is there and wrong."""
    return PromptsSource(settings.paths.prompts)


def load_normalizer(settings: Settings) -> LiveNormalizer:
    """Make what writes a caller's units and terms canonically. Raises ConfigError when the operator's file is wrong."""
    try:
        return LiveNormalizer(settings.paths.asr_slips)
    except ConfigError as error:
        raise ConfigError(f"ASR_SLIPS_FILE_PATH={error}") from error


def build_agent(
    settings: Settings,
    retriever: Searcher,
    prompts: PromptsSource | None = None,
    *,
    current: Callable[[], Settings] | None = None,
    switches: Switches | None = None,
) -> Agent:
    """Make the agent of a unit. `current` gives the settings in force at each turn; without it they never change.

    `switches` counts what becomes of requests to the models. A change of provider, key or model name needs other
    models: see `Agent.use`. Raises ConfigError.
    """
    in_force = current or (lambda: settings)
    prompts = prompts or load_prompts(settings)
    return Agent(
        retriever,
        prompts=lambda: prompts.current,
        settings=lambda: _within_patience(in_force()),
        threshold=lambda: in_force().knowledge.fallback_threshold,
        models=language_models(settings),
        switches=switches,
    )


def _within_patience(settings: Settings) -> LlmSettings:
    """The models' settings, with no more time to the first word, or for whole answers, than the caller has."""
    models = len(_model_names(settings))
    whole_s = min(settings.llm.whole_answer_s, _MODELS_SHARE * settings.call.answer_s / max(1, models))
    first_token_s = llm_first_token_s(settings, models)
    return settings.llm.model_copy(update={"first_token_s": first_token_s, "whole_answer_s": whole_s})


def language_models(settings: Settings) -> list[Llm]:
    """Make the primary and the fallback model; none for the extractive answerer. Raises ConfigError."""
    names = _model_names(settings)
    if not names:
        log.info("Языковая модель не настроена: ответы цитируют базу знаний")
    return [registry.create_llm(settings, model) for model in names]


def _model_names(settings: Settings) -> list[str]:
    llm = settings.llm
    configured = llm.api_key is not None or llm.base_url is not None
    if llm.provider == "extractive" or (llm.provider == "auto" and not configured):
        return []
    return list(dict.fromkeys(filter(None, (llm.model_primary, llm.model_fallback))))

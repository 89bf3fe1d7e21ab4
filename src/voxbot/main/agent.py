"""Wiring of the agent: which prompts, which language models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from voxbot.agent.agent import Agent
from voxbot.agent.prompts import PromptsSource
from voxbot.domain.errors import ConfigError
from voxbot.providers import registry
from voxbot.text.normalizer import LiveNormalizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxbot.agent.agent import Searcher
    from voxbot.agent.llm import Llm
    from voxbot.settings.schema import Settings

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
) -> Agent:
    """Make the agent of a unit. `current` gives the settings in force at each turn; without it they never change.

    A change of provider, key or model name needs other models: see `Agent.use`. Raises ConfigError.
    """
    in_force = current or (lambda: settings)
    prompts = prompts or load_prompts(settings)
    return Agent(
        retriever,
        prompts=lambda: prompts.current,
        settings=lambda: in_force().llm,
        threshold=lambda: in_force().knowledge.fallback_threshold,
        models=language_models(settings),
    )


def language_models(settings: Settings) -> list[Llm]:
    """Make the primary and the fallback model; none for the extractive answerer. Raises ConfigError."""
    llm = settings.llm
    configured = llm.api_key is not None or llm.base_url is not None
    if llm.provider == "extractive" or (llm.provider == "auto" and not configured):
        log.info("Языковая модель не настроена: ответы цитируют базу знаний")
        return []
    names = dict.fromkeys(filter(None, (llm.model_primary, llm.model_fallback)))
    return [registry.create_llm(settings, model) for model in names]

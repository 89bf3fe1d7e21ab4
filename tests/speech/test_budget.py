"""The engines' times add up to less than the caller's patience, and fit into the limits of the call around them."""

from __future__ import annotations

import pytest

from voxbot.call import recognition, reply
from voxbot.settings.loader import load_settings
from voxbot.speech.budget import asr_budget, llm_first_token_s, tts_budget


def settings(**variables):
    return load_settings(None, {name: str(value) for name, value in variables.items()})


@pytest.mark.parametrize("patience_s", [1, 8, 20, 60, 120])
@pytest.mark.parametrize("models", [0, 1, 2, 3])
def test_all_engines_of_all_kinds_have_had_their_chance_before_the_caller_is_told_that_there_is_no_answer(
    patience_s, models
):
    chosen = settings(AI_PROCESSING_TIMEOUT=patience_s, LLM_FIRST_TOKEN_TIMEOUT=60)
    asr, tts = asr_budget(chosen), tts_budget(chosen)
    llm_s = models * llm_first_token_s(chosen, models)
    assert asr.total_s + llm_s + tts.total_s <= 0.9 * patience_s + 1e-9
    assert asr.total_s < recognition._ASR_TIMEOUT_S
    assert tts.total_s < reply._SOUND_S


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("engines", [1, 2, 3])
def test_the_last_engine_has_as_long_as_any_other(engines, local):
    budget = tts_budget(settings(FALLBACK_HEDGE_MAX_MS=10_000))
    assert budget.late_s(engines, local=local) * engines <= budget.total_s + 1e-9


def test_a_bot_with_two_cloud_engines_of_a_kind_waits_a_second_for_a_voice_and_two_for_a_transcript():
    assert asr_budget(settings()).late_s(2, local=False) == 2.0
    assert tts_budget(settings()).late_s(2, local=False) == 1.0
    assert tts_budget(settings()).late_s(2, local=True) == 2.5
    assert llm_first_token_s(settings(), 2) == 3.0


def test_a_hedge_is_begun_a_little_beyond_the_engine_s_p95_between_floor_and_ceiling():
    budget = tts_budget(settings())
    assert budget.hedge_s(2, None, local=False) == 1.0
    assert budget.hedge_s(2, 0.02, local=False) == 0.3
    assert budget.hedge_s(2, 0.4, local=False) == pytest.approx(0.5)
    assert budget.hedge_s(2, 7.0, local=False) == 1.0
    assert budget.hedge_s(2, 0.02, local=True) == 2.5


def test_a_floor_above_the_ceiling_is_the_ceiling():
    budget = tts_budget(settings(FALLBACK_HEDGE_MIN_MS=2000, FALLBACK_HEDGE_MAX_MS=500))
    assert budget.hedge_s(2, 0.1, local=False) == 0.5

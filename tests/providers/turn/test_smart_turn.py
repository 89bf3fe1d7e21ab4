"""The end-of-turn hint from sound: what the network is given, and what it gives."""

from pathlib import Path

import numpy as np
import pytest

from voxbot.domain.audio import AudioChunk
from voxbot.domain.errors import ModelError, ProviderError
from voxbot.providers import registry
from voxbot.providers.turn.smart_turn import SmartTurn, available
from voxbot.settings.loader import load_settings
from voxbot.speech.wav import read_wav

AUDIO = Path(__file__).parents[2] / "asterisk_lab" / "audio"


class Network:
    """Remembers its input and answers as told."""

    def __init__(self, answer: float) -> None:
        self.answer = answer
        self.features: list[np.ndarray] = []

    def __call__(self, features):
        self.features.append(features)
        return self.answer


def tone(duration_s: float, rate_hz: int = 8000) -> np.ndarray:
    return (8000 * np.sin(np.arange(round(duration_s * rate_hz)) * 2 * np.pi * 440 / rate_hz)).astype(np.int16)


async def judge(network: Network, samples: np.ndarray, rate_hz: int = 8000) -> float:
    engine = SmartTurn(lambda: network)
    try:
        return await engine.probability(AudioChunk(samples, rate_hz))
    finally:
        await engine.close()


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000])
async def test_sound_of_any_rate_fills_the_window_from_its_end(rate_hz):
    network = Network(0.75)
    assert await judge(network, tone(2, rate_hz), rate_hz) == 0.75
    (features,) = network.features
    assert features.shape == (1, 80, 800)
    assert features.dtype == np.float32
    loud = features[0].max(axis=0)
    assert loud[610:790].min() > loud[:590].max()  # the tone is in the last two seconds and nowhere else


async def test_of_a_long_utterance_the_end_is_heard():
    network = Network(0.5)
    await judge(network, np.concatenate([tone(10), np.zeros(8 * 8000, np.int16)]))
    await judge(network, np.zeros(8 * 8000, np.int16))
    assert np.allclose(network.features[0], network.features[1])


async def test_nothing_at_all_is_no_error():
    assert await judge(Network(0.1), np.zeros(0, np.int16)) == 0.1


async def test_a_broken_network_is_a_provider_error():
    with pytest.raises(ProviderError, match="smart_turn"):
        await judge(Network(float("nan")), tone(1))


async def test_a_failure_of_the_runtime_s_own_kind_is_a_provider_error_too():
    class OrtError(Exception):
        """As onnxruntime raises: its exceptions have no public base class."""

    def fail(_features):
        raise OrtError("out of arena")

    with pytest.raises(ProviderError, match="smart_turn"):
        await judge(fail, tone(1))


def test_it_is_off_unless_asked_for(tmp_path):
    assert registry.create_end_of_turn(load_settings(None, {"DATA_DIR": str(tmp_path)})) is None
    chosen = load_settings(None, {"DATA_DIR": str(tmp_path), "TURN_END_PROVIDER": "smart_turn"})
    assert registry.create_end_of_turn(chosen).name == "smart_turn"


@pytest.mark.skipif(not available(), reason="the extra smart-turn is not installed")
async def test_the_network_judges_real_speech():
    engine = SmartTurn()
    await engine.warm_up()
    pause = np.zeros(2000, np.int16)
    asked = read_wav(AUDIO / "price.wav")
    whole = await engine.probability(AudioChunk(np.concatenate([asked, pause]), 8000))
    cut = await engine.probability(AudioChunk(np.concatenate([asked[:17600], pause]), 8000))
    await engine.close()
    assert whole > 0.9
    assert cut < whole


@pytest.mark.skipif(available(), reason="the extra smart-turn is installed")
async def test_without_the_extra_the_operator_is_told_how_to_get_it():
    engine = SmartTurn()
    with pytest.raises(ModelError, match=r"scripts/bootstrap\.sh --extra smart-turn"):
        await engine.warm_up()
    await engine.close()

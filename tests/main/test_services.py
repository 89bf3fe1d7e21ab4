"""How the engines of a unit are kept to the settings in force."""

import asyncio

import pytest
from fakes.scripted_engines import HANG, ScriptedAsr, ScriptedTts, sound
from fakes.virtual_time import run_virtual

from voxbot.domain.errors import ProviderUnavailableError
from voxbot.main.services import share_patience
from voxbot.settings.loader import load_settings
from voxbot.speech.asr import AsrHints
from voxbot.speech.fallback import FallbackAsr
from voxbot.speech.fallback_tts import FallbackTts


async def seconds_of(request):
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    with pytest.raises(ProviderUnavailableError):
        await request
    return loop.time() - started_s


@pytest.mark.parametrize("patience_s", [4, 20])
def test_engines_get_their_parts_of_a_patience_that_has_changed(patience_s):
    async def main():
        asr, voice = FallbackAsr([ScriptedAsr("asr", HANG)]), FallbackTts([ScriptedTts("voice", HANG)])
        share_patience(asr, voice, load_settings(environ={"AI_PROCESSING_TIMEOUT": str(patience_s)}))
        assert await seconds_of(asr.transcribe(sound(1), AsrHints())) == pytest.approx(0.30 * patience_s)
        assert await seconds_of(anext(voice.synthesize("да"))) == pytest.approx(0.25 * patience_s)

    run_virtual(main())

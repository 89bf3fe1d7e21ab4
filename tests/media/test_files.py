"""Sound as files, against a tape deck that keeps ARI's rules, in virtual time."""

import asyncio
import io
import os
import time
import wave

import numpy as np
import pytest
from fakes.sink import Sink
from fakes.virtual_time import run_virtual

from voxbot.domain.errors import AriError, ChannelGoneError, ConfigError, MediaError
from voxbot.media.files import FilesMedia
from voxbot.media.sound_folder import SoundFolder

SECOND = 8000


def tone(seconds, level=5000):
    return np.full(int(seconds * SECOND) // 160 * 160, level, np.int16)


def wav(samples, rate=8000):
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()


class TapeDeck:
    """Plays by the loop's clock; records what `caller` gives for a stretch of time."""

    def __init__(self, folder):
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._playing = {}
        self._since = 0.0
        self.played = []  # (start, end, samples) of what was heard
        self.requests = 0
        self.failing = 0
        self.error = None
        self.broken_recordings = 0

    async def play(self, playback_id, sound, language, length_s):
        self.requests += 1
        if self.error:
            raise self.error
        if self.failing:
            self.failing -= 1
            return False
        with wave.open(str(self._folder / language / f"{sound}.wav")) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        stopped = self._playing[playback_id] = asyncio.Event()
        began = self._loop.time()
        try:
            async with asyncio.timeout(len(samples) / SECOND):
                await stopped.wait()
        except TimeoutError:
            pass
        self.played.append((began, self._loop.time(), samples))
        return True

    async def stop(self, playback_id):
        if playback_id in self._playing:
            self._playing[playback_id].set()

    async def record(self):
        self._since = self._loop.time()

    async def take(self):
        """Every sample tells when it was recorded: milliseconds of the call."""
        began, self._since = self._since, self._loop.time()
        if self.broken_recordings:
            self.broken_recordings -= 1
            return b"no wav"
        count = round((self._since - began) * SECOND)
        return wav((began * 1000 + np.arange(count) / 8).astype(np.int16))


def call(tmp_path, scenario, *, retries=2):
    """Run a scenario(media, deck, sink, receiving) in virtual time; no file may be left."""

    async def main():
        folder = SoundFolder(tmp_path, "ru")
        folder.prepare()
        deck, sink = TapeDeck(tmp_path), Sink()
        media = FilesMedia(deck, folder, retries=retries)
        receiving = asyncio.create_task(media.receive(sink))
        await asyncio.sleep(0)
        try:
            return await scenario(media, deck, sink, receiving)
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})

    result = run_virtual(main())
    assert list(tmp_path.rglob("*.wav")) == []
    return result


def test_what_is_sent_while_a_file_plays_goes_out_as_one_next_file(tmp_path):
    async def scenario(media, deck, sink, _):
        for mark, level in enumerate((1000, 2000, 3000, 4000)):
            await media.send(tone(0.4, level))
            await media.mark(mark)
            await asyncio.sleep(0.1)
        await sink.until(lambda: sink.marks == [0, 1, 2, 3], 10)
        assert [len(samples) / SECOND for _, _, samples in deck.played] == [0.4, pytest.approx(1.2)]
        assert deck.played[1][0] - deck.played[0][1] < 0.001, "no gap between the files"
        assert np.array_equal(np.unique(deck.played[1][2]), [2000, 3000, 4000])

    call(tmp_path, scenario)


def test_a_mark_without_sound_comes_at_once(tmp_path):
    async def scenario(media, deck, sink, _):
        await media.mark(5)
        await sink.until(lambda: sink.marks == [5])
        assert deck.requests == 0

    call(tmp_path, scenario)


def test_a_flush_stops_the_file_and_forgets_what_waits_and_its_marks(tmp_path):
    async def scenario(media, deck, sink, _):
        await media.send(tone(5))
        await media.mark(1)
        await asyncio.sleep(1)
        await media.send(tone(5))
        await media.mark(2)
        await media.flush()
        await media.send(tone(0.2, 77))
        await media.mark(3)
        await sink.until(lambda: sink.marks)
        assert sink.marks == [3]
        (began, ended, _), (_, _, second) = deck.played
        assert ended - began == pytest.approx(1)
        assert set(second) == {77}

    call(tmp_path, scenario)


def test_a_failed_playback_is_repeated_and_the_mark_comes_once(tmp_path):
    async def scenario(media, deck, sink, _):
        deck.failing = 2
        await media.send(tone(0.4))
        await media.mark(1)
        await sink.until(lambda: sink.marks)
        assert (deck.requests, len(deck.played), sink.marks) == (3, 1, [1])

    call(tmp_path, scenario)


@pytest.mark.parametrize("error", [None, AriError("500 no")])
def test_a_playback_that_fails_for_good_is_an_error_with_the_contract_line(tmp_path, capsys, error):
    async def scenario(media, deck, sink, receiving):
        deck.failing, deck.error = 99, error
        await media.send(tone(0.4))
        with pytest.raises(MediaError, match="ASTERISK_SOUNDS_DIR"):
            await receiving
        with pytest.raises(MediaError):
            await media.send(tone(0.4))
        assert deck.requests == 3

    call(tmp_path, scenario)
    assert "❌ ARI playback не удался" in capsys.readouterr().out


def test_a_caller_who_is_gone_is_not_tried_again(tmp_path):
    async def scenario(media, deck, sink, receiving):
        deck.error = ChannelGoneError("gone")
        await media.send(tone(0.4))
        with pytest.raises(ChannelGoneError):
            await receiving
        assert deck.requests == 1

    call(tmp_path, scenario)


def heard(sink):
    """What came, in order, sounds as (first ms, last ms)."""
    came = []
    for kind, value in sink.came:
        if kind == "audio" and came and came[-1][0] == "audio":
            came[-1] = ("audio", np.concatenate((came[-1][1], value)))
        else:
            came.append((kind, value))
    return [
        (kind, (int(value[0]), int(value[value > 0][-1]))) if kind == "audio" else (kind, value) for kind, value in came
    ]


def test_an_utterance_comes_whole_with_a_little_before_it_and_then_its_end(tmp_path):
    async def scenario(media, deck, sink, _):
        await asyncio.sleep(3)
        media.on_talk(talking=True)
        assert sink.came == [("talk", True)], "barge-in cannot wait for the recording"
        await asyncio.sleep(2)
        media.on_talk(talking=False)
        await sink.until(lambda: ("talk", False) in sink.came)
        assert heard(sink) == [("talk", True), ("audio", (2600, 4999)), ("talk", False)]

    call(tmp_path, scenario)


def test_two_utterances_share_no_sound(tmp_path):
    async def scenario(media, deck, sink, _):
        for pause in (1, 0.1):
            await asyncio.sleep(pause)
            media.on_talk(talking=True)
            await asyncio.sleep(1)
            media.on_talk(talking=False)
            await asyncio.sleep(0.001)
        first, second = (value for kind, value in heard(sink) if kind == "audio")
        assert first == (600, 1999)
        assert second == (2000, 3100), "the pause of 100 ms belongs to the second"

    call(tmp_path, scenario)


def test_after_a_long_silence_the_beginning_of_an_utterance_is_still_whole(tmp_path):
    """The recording is cut every 20 s; whoever begins to talk just then loses nothing."""

    async def scenario(media, deck, sink, _):
        await asyncio.sleep(20.1)
        media.on_talk(talking=True)
        await asyncio.sleep(1)
        media.on_talk(talking=False)
        await sink.until(lambda: ("talk", False) in sink.came)
        assert heard(sink)[1] == ("audio", (19700, 21099))

    call(tmp_path, scenario)


def test_one_who_never_stops_talking_comes_in_pieces(tmp_path):
    async def scenario(media, deck, sink, _):
        media.on_talk(talking=True)
        await asyncio.sleep(31)
        assert heard(sink) == [("talk", True), ("audio", (0, 19999))]

    call(tmp_path, scenario)


def test_who_goes_on_while_the_recording_is_fetched_is_told_as_talking_again(tmp_path):
    async def scenario(media, deck, sink, _):
        await asyncio.sleep(1)
        media.on_talk(talking=True)
        await asyncio.sleep(1)
        media.on_talk(talking=False)
        media.on_talk(talking=True)
        await sink.until(lambda: len([1 for kind, _ in sink.came if kind == "talk"]) == 3)
        assert [value for kind, value in sink.came if kind == "talk"] == [True, False, True]

    call(tmp_path, scenario)


def test_a_broken_recording_is_silence_and_the_call_goes_on(tmp_path):
    async def scenario(media, deck, sink, receiving):
        deck.broken_recordings = 1
        media.on_talk(talking=True)
        await asyncio.sleep(1)
        media.on_talk(talking=False)
        await sink.until(lambda: ("talk", False) in sink.came)
        assert not receiving.done()

    call(tmp_path, scenario)


def test_files_of_dead_processes_are_removed_and_those_of_the_living_stay(tmp_path):
    folder = tmp_path / "ru" / "voxbot"
    folder.mkdir(parents=True)
    host = os.uname().nodename
    names = {
        "dead": folder / f"{host}-4194999-x.wav",
        "ours": folder / f"{host}-{os.getpid()}-x.wav",
        "other machine": folder / "elsewhere-1-x.wav",
        "old": folder / "elsewhere-2-x.wav",
    }
    for path in names.values():
        path.touch()
    os.utime(names["old"], (0, time.time() - 7200))
    SoundFolder(tmp_path, "ru").prepare()
    assert {name for name, path in names.items() if path.exists()} == {"ours", "other machine"}


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="ASTERISK_SOUNDS_DIR"):
        SoundFolder(tmp_path / "file", "ru").prepare()

"""What came of a call: measured at the ear, and told as the list of events that is kept as a snapshot."""

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby, pairwise

from voxbot.agent.phrases import CUT_SHORT
from voxbot.domain.audio import FRAME_MS
from voxbot.domain.events import BotTurn, CallerTurn

HOLD = "♪"
"""What stands for music on hold."""
_STRETCH_GAP_MS = 300
_ANSWERED = ("says", "interrupts")


@dataclass(frozen=True)
class HeardWord:
    """A word of the bot at the ear."""

    start_ms: float
    end_ms: float
    segment: str
    index: int
    word: str


@dataclass(frozen=True)
class Outcome:
    """One call's facts. Times are milliseconds since it began; `told` are published events with their times."""

    end: str
    length_ms: float
    words: list[HeardWord]
    spoken: list
    flushed_ms: list[float]
    told: list[tuple[float, object]]
    asked: list[str]
    leftovers: list[str] = field(default_factory=list)

    # --- measures ------------------------------------------------------------------------------

    @property
    def stretches(self):
        """(start, end) of the bot's speech, pauses under 300 ms belong to it."""
        found = []
        for word in self.words:
            if found and word.start_ms - found[-1][1] <= _STRETCH_GAP_MS:
                found[-1] = (found[-1][0], word.end_ms)
            else:
                found.append((word.start_ms, word.end_ms))
        return found

    @property
    def responses_ms(self):
        """From the end of what the caller said to the bot's next sound, for what got one before the caller went on."""
        found = []
        for said, until_ms in self._waits():
            onset = next((word.start_ms for word in self.words if word.start_ms >= said.end_ms), None)
            if onset is not None and onset < until_ms:
                found.append(onset - said.end_ms)
        return found

    @property
    def barge_ins_ms(self):
        """From the onset of an interruption to the bot's silence."""
        found = []
        for said in self.spoken:
            over = next((end for start, end in self.stretches if start < said.start_ms < end), None)
            if over is not None and said.manner == "interrupts":
                found.append(over - said.start_ms)
        return found

    @property
    def cut_offs(self):
        """How often the bot began to speak while the caller was speaking or pausing inside a sentence."""
        return sum(
            said.start_ms < start < said.end_ms
            for said in self.spoken
            if said.manner in _ANSWERED
            for start, _ in self.stretches
        )

    @property
    def dead_air_ms(self):
        """The longest silence in which the caller waits, for an answer to begin and inside it.

        A sound of the caller's own is no silence: nobody speaks into it.
        """
        longest = 0.0
        for said, until_ms in self._waits():
            end_ms = min((at for at, event in self.told if _is_whole(event) and at > said.end_ms), default=until_ms)
            end_ms = min(end_ms, until_ms)
            both = [(sound.start_ms, sound.end_ms) for sound in (*self.words, *self.spoken)]
            sounds = sorted((start, end) for start, end in both if end > said.end_ms and start < end_ms)
            silent_from = said.end_ms
            for start, end in [*sounds, (end_ms, end_ms)]:
                longest = max(longest, start - silent_from)
                silent_from = max(silent_from, end)
        return longest

    def _waits(self):
        """What wants an answer, with the moment from which on it is out of date."""
        for said, following in pairwise([*(said for said in self.spoken if said.manner != "noise"), None]):
            if said.manner in _ANSWERED:
                yield said, following.start_ms if following else self.length_ms

    # --- truth ---------------------------------------------------------------------------------

    def untruths(self):
        """Turns in the transcript that are not what the ear heard.

        Where speech broke off, the last word before it may be missing or too much: half of it was heard.
        """
        since_ms, found = -1.0, []
        for at_ms, turn in self.told:
            if not isinstance(turn, BotTurn):
                continue
            mine = [word for word in self.words if since_ms <= word.start_ms < at_ms and word.word != HOLD]
            ear = _without_repeats(mine, self.flushed_ms)
            wrong = _differences(ear, turn.text.split())
            if turn.cut:  # also where it was taken up again and got less far than before
                wrong = min(wrong, _differences(_once(mine), turn.text.split()))
            broken_off = turn.cut or turn.text != turn.planned or any(since_ms <= ms < at_ms for ms in self.flushed_ms)
            if wrong > (1 if broken_off else 0):
                found.append(f"log «{turn.text}», ear «{' '.join(ear)}»")
            since_ms = at_ms
        return found

    # --- the snapshot --------------------------------------------------------------------------

    def events(self):
        """Turns of both sides, stops and resumptions of the bot's voice, sounds that are in no turn, the end."""
        timeline = [*self._holds(), *self._other_sounds(), *self._turns()]
        timeline.sort(key=lambda item: item[0])
        return [event for _, event in timeline] + [{"end": self.end}]

    def turns(self):
        """What of `events` is known without the ear; of an answer that was cut only that it was."""
        said = [{"bot cut": "…"} if "bot cut" in event else event for _, event in self._turns()]
        return [*said, {"end": self.end}]

    def _turns(self):
        for at_ms, event in self.told:
            if isinstance(event, CallerTurn):
                yield at_ms, {"caller": event.text}
            elif isinstance(event, BotTurn):
                yield at_ms, {"bot cut" if event.cut else "bot": event.text}

    def _holds(self):
        """A stop of the voice in mid-speech, and what is heard next, if it belongs to the same sentence."""
        for at_ms in self.flushed_ms:
            before = next((w for w in reversed(self.words) if w.start_ms < at_ms), None)
            after = next((w for w in self.words if w.start_ms >= at_ms), None)
            if before is None or at_ms - before.end_ms > FRAME_MS:
                continue
            yield at_ms, {"held": before.word}
            if after and after.segment == before.segment and not self._parted(at_ms, after.start_ms):
                rest = after.segment.split()[after.index :]
                yield after.start_ms, {"resumed": " ".join(rest)}

    def _parted(self, from_ms, to_ms):
        """Whether what was being said at `from_ms` had been given up by `to_ms`."""
        return any(from_ms <= at <= to_ms and isinstance(event, BotTurn) and event.cut for at, event in self.told)

    def _other_sounds(self):
        """Fillers and the like: heard, but part of no turn."""
        logged = " ".join(f"{event.planned} {event.text}" for _, event in self.told if isinstance(event, BotTurn))
        for segment, group in groupby(self.words, key=lambda word: word.segment):
            words = list(group)
            if segment not in logged:
                yield words[0].start_ms, {"sound": " ".join(word.word for word in words)}


def _differences(ear, log):
    matcher = SequenceMatcher(None, ear, log, autojunk=False)
    return sum(max(a2 - a1, b2 - b1) for kind, a1, a2, b1, b2 in matcher.get_opcodes() if kind != "equal")


def _once(words):
    """Each word of a segment where it was heard first."""
    return list({(word.segment, word.index): word.word for word in words}.values())


def _without_repeats(words, flushed_ms):
    """The words in order; what is heard again because the bot was held and went on counts once."""
    kept, held_from = [], 0
    for word in words:
        if kept and any(kept[-1].start_ms <= at_ms <= word.start_ms for at_ms in flushed_ms):
            held_from = len(kept)
        same = [i for i, old in enumerate(kept[:held_from]) if (old.segment, old.index) == (word.segment, word.index)]
        if same:
            del kept[same[-1] :]
            held_from = 0
        kept.append(word)
    return [word.word for word in kept]


def _is_whole(event):
    """All of it was said, or the caller was told that the rest will not come."""
    return isinstance(event, BotTurn) and (not event.cut or event.text.endswith(CUT_SHORT.replace("|", " ")))


def judge(outcome, limits, *, path_ms=0, words=True):
    """Everything that is not as the scenario demands, in words.

    `path_ms` is added to the limits of latency; without `words` nothing is asked of what the bot said.
    """
    wrong = [f"left behind: {name}" for name in outcome.leftovers]
    if limits.end is not None and outcome.end != limits.end:
        wrong.append(f"the call ended by {outcome.end}, not by {limits.end}")
    for name, limit, values in (
        ("response", limits.response_ms, outcome.responses_ms),
        ("barge-in", limits.barge_in_ms, outcome.barge_ins_ms),
        ("dead air", limits.dead_air_ms, [outcome.dead_air_ms]),
    ):
        if limit is not None and (not values or max(values) > limit + path_ms):
            wrong.append(f"{name} took {[round(value) for value in values]} ms, at most {limit + path_ms:g} allowed")
    if outcome.cut_offs > limits.cut_offs:
        wrong.append(f"the bot spoke into the caller's words {outcome.cut_offs} times")
    if limits.length_ms is not None and outcome.length_ms > limits.length_ms:
        wrong.append(f"the call lasted {outcome.length_ms:.0f} ms, at most {limits.length_ms:g} allowed")
    if limits.asked is not None and tuple(outcome.asked) != limits.asked:
        wrong.append(f"the agent was asked {outcome.asked}, not {list(limits.asked)}")
    return wrong + (_misheard(outcome, limits) if words else [])


def _misheard(outcome, limits):
    heard = " ".join(word.word for word in outcome.words)
    wrong = [f"transcript is not what was heard: {untruth}" for untruth in outcome.untruths()]
    wrong += [f"«{text}» was not heard" for text in limits.heard if text not in heard]
    return wrong + [f"«{text}» was heard" for text in limits.never_heard if text in heard]

"""Two people's changes of one text put together, line by line, as diff3 does it.

Sanjeev Khanna, Keshav Kunal and Benjamin C. Pierce, «A Formal Investigation of Diff3», FSTTCS 2007: what both left as
it was divides the texts into stretches, and of each stretch the changed side is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Merged:
    """The text with both sides' changes; in `both` places they changed the same lines: theirs stand before mine."""

    text: str
    both: int


def merge(before: str, mine: str, theirs: str) -> Merged:
    """Put together two texts that were made of `before`. Nothing that either side wrote is left out."""
    old, own, other = before.splitlines(), mine.splitlines(), theirs.splitlines()
    lines: list[str] = []
    both = 0
    for was, my, their in _stretches(old, own, other):
        if my in (was, their):
            lines += their
        elif their == was:
            lines += my
        else:
            lines += [*their, *my]
            both += 1
    return Merged("\n".join(lines) + "\n", both)


def _stretches(
    old: Sequence[str], own: Sequence[str], other: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[str], Sequence[str]]]:
    """Cut three texts at the lines that all of them have; every line comes once, the common ones too."""
    in_own, in_other = _kept(old, own), _kept(old, other)
    at_old = at_own = at_other = 0
    for line in sorted(in_own.keys() & in_other.keys()):
        kept = slice(line, line + 1)
        yield old[at_old:line], own[at_own : in_own[line]], other[at_other : in_other[line]]
        yield old[kept], old[kept], old[kept]
        at_old, at_own, at_other = line + 1, in_own[line] + 1, in_other[line] + 1
    yield old[at_old:], own[at_own:], other[at_other:]


def _kept(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Say which lines of `old` are still there, and where."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}

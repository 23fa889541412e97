"""What publishers say over and over: agency lines, footers, "read more". Learnt from their own stories. No I/O.

A line (a sentence of a paragraph) that stands in `UNRELATED` stories of one publisher is boilerplate, and left out where texts are
compared. With each line the ids of the first stories that had it are kept, and no count: a story that is looked at twice counts
once, and the same stories in any order teach the same, as long as a line recurs before it is forgotten.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Mapping, Sequence

from pipeline.model import Habit
from pipeline.store.words import folded, split_lines

UNRELATED = 3
"""Stories with a line in common that make a habit of it."""
MOST_LINES = 256
"""That are remembered of a publisher: those in most stories, then those seen last."""
_SLACK = 128
"""More that may be remembered until there are so many: choosing takes longer than learning."""
_FIRST, _LAST = 8, 16
"""Lines of a story that are learnt from: nobody puts a footer in the middle of a long read."""
_LEAST_WORDS = 3
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*\s")

Line = list[str]
"""Its words, folded."""


def lines(text: str) -> list[Line]:
    """The sentences of a text, of every paragraph."""
    return [line for line in split_lines(_SENTENCE_END.sub("\n", folded(text))) if line]


def own_lines(said: Sequence[Line], known: Collection[int]) -> Sequence[Line]:
    """The lines of a text without those that are `known` for boilerplate."""
    return [line for line in said if _hashed(line) not in known] if known else said


def boilerplate(habit: Habit) -> frozenset[int]:
    """The lines, by hash, that are a habit by now."""
    return frozenset(line for line, stories in habit.lines.items() if len(stories) >= UNRELATED)


def learnt(habit: Habit, said: Mapping[str, Sequence[Line]]) -> Habit:
    """`habit` with what the lines of stories teach, by their ids in the order in which they came."""
    known = dict(habit.lines)
    for story_id, its in said.items():
        _learn(known, story_id, its)
        if len(known) > MOST_LINES + _SLACK:
            known = _kept(known)
    return habit if known == habit.lines else habit._replace(lines=known)


def _learn(known: dict[int, tuple[str, ...]], story_id: str, said: Sequence[Line]) -> None:
    """Learn from one story: nothing where none of its lines is new, as then it is told again, and no other story."""
    looked_at = (line for line in [*said[:_FIRST], *said[_FIRST:][-_LAST:]] if len(line) >= _LEAST_WORDS)
    heard = list(dict.fromkeys(map(_hashed, looked_at)))
    if all(line in known and story_id not in known[line] for line in heard):
        return
    for line in heard:
        stories = known.pop(line, ())
        known[line] = stories if story_id in stories or len(stories) >= UNRELATED else tuple(sorted((*stories, story_id)))


def newly_known(before: Habit, after: Habit) -> set[str]:
    """The stories whose boilerplate is known with `after` and was not before: what they were taken for may be wrong."""
    return {story_id for line in boilerplate(after) - boilerplate(before) for story_id in after.lines[line]}


def _kept(known: dict[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
    """The lines that are worth their place, in the order in which they were seen."""
    places = {line: at for at, line in enumerate(known)}
    chosen = set(sorted(known, key=lambda line: (len(known[line]), places[line]))[-MOST_LINES:])
    return {line: stories for line, stories in known.items() if line in chosen}


def _hashed(line: Line) -> int:
    return zlib.crc32(" ".join(line).encode("utf-8", "surrogatepass"))

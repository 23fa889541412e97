"""Which stored stories tell one text, and which of them is the original: the stage's other door to the store.

A story is looked at when it is stored, and its bands are kept before others are looked for: of two that are looked at at once, the
later finds the earlier. The stories of one text are one group, whatever the order in which they came, and the earliest
published is its original.

What is boilerplate is learnt as stories come. A story that was taken for a copy before a line of it was known for boilerplate is
judged again when it is: in the end it stands where it would if all had been known from the start.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from pipeline.errors import TransientError
from pipeline.model import Habit, Passage, ReadStory, Story
from pipeline.store.roles import Place, Store
from pipeline.store.search import SearchRequest
from pipeline.store.terms import original
from pipeline.stories.boilerplate import Line, boilerplate, learnt, lines, newly_known, own_lines
from pipeline.stories.duplicates import LEAST_SHARED, Wording, is_duplicate
from pipeline.stories.versions import event_of

_MOST_TRIES = 8
_PAGE = 200


def placed(passages: Sequence[Passage], store: Store, now: datetime) -> list[Passage]:
    """`passages` of stored stories, each beside its original where it is a copy, in the event of its text.

    Other stories move too: to an original that was published earlier and came later. Their sketches follow them; that of a copy
    that is none any more is kept anew, so that its event is looked for again. Raises `TransientError` where the store is away or
    others write the same stories all the time; done again it ends the same.
    """
    if not passages:
        return []
    # Those too whose words are known: somebody may have died between storing and placing them.
    texts = _Texts(store, {passage.story.id: lines(passage.story.text) for passage in passages})
    doubted = texts.learn([passage.story for passage in passages])
    banded = {passage.story.id: texts.own(passage.story).bands() for passage in passages}
    banded = {id: bands for id, bands in banded.items() if bands}
    store.bands.keep(banded)
    near = store.bands.sharing(banded, LEAST_SHARED)
    parted: dict[str, Story] = {}
    for story in _again(doubted, store):
        parted |= _parted(story, texts, store)
    moved = dict(parted)
    for passage in passages:
        ids = near.get(passage.story.id, [])
        if ids or passage.absorbed or passage.story.duplicate_of:
            moved |= _grouped(passage, ids, texts, store)
    _keep_again([story for id, story in parted.items() if moved[id] == story], store, now)
    store.events.move({id: Place(story.event_id, story.duplicate_of) for id, story in moved.items()})
    store.events.withdraw({former for passage in passages for former in passage.story.former_ids})
    return [_moved(passage, moved) for passage in passages]


class _Texts:
    """The words of stories without their publishers' boilerplate, as far as that is known."""

    def __init__(self, store: Store, said: dict[str, list[Line]]) -> None:
        self._store = store
        self._said = said
        self._boilerplate: dict[str, frozenset[int]] = {}
        self._own: dict[tuple[str, frozenset[int]], Wording] = {}

    def learn(self, stories: Sequence[Story]) -> set[str]:
        """Learn from new stories; answers those whose boilerplate is known only now.

        Where somebody else has written the same habit meanwhile, theirs is learnt on.
        """
        left = {story.source: [each for each in stories if each.source == story.source] for story in stories}
        doubted: set[str] = set()
        for _ in range(_MOST_TRIES):
            before = {source: Habit(source) for source in left} | (self._store.habits.get(left) if left else {})
            after = {source: learnt(before[source], {each.id: self._said[each.id] for each in left[source]}) for source in left}
            self._boilerplate |= {source: boilerplate(habit) for source, habit in after.items()}
            changed = [habit for source, habit in after.items() if habit != before[source]]
            stale = self._store.habits.put(changed) if changed else set()
            for source in left.keys() - stale:
                doubted |= newly_known(before[source], after[source])
            left = {source: left[source] for source in stale}
            if not left:
                break
        return doubted

    def own(self, story: Story) -> Wording:
        """What a story says by itself."""
        return self._wording(story, story.source)

    def are_copies(self, some: Story, other: Story) -> bool:
        """Whether two stories tell one text. Two of one publisher never do."""
        if some.source == other.source:
            return False
        return is_duplicate(self._wording(some, other.source), self._wording(other, some.source))

    def _wording(self, story: Story, beside: str) -> Wording:
        """A story's words without the boilerplate of its publisher, nor of the one it is compared with: they share agencies."""
        self._know({story.source, beside})
        known = self._boilerplate[story.source] | self._boilerplate[beside]
        if (story.id, known) not in self._own:
            if story.id not in self._said:
                self._said[story.id] = lines(story.text)
            self._own[story.id, known] = Wording(own_lines(self._said[story.id], known))
        return self._own[story.id, known]

    def _know(self, sources: set[str]) -> None:
        if missing := sources - self._boilerplate.keys():
            found = self._store.habits.get(missing)
            self._boilerplate |= {source: boilerplate(found.get(source, Habit(source))) for source in missing}


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _grouped(passage: Passage, near: Sequence[str], texts: _Texts, store: Store) -> dict[str, Story]:
    """The stories that were moved as a story's copies were found among `near`, and the story itself as it is stored now."""
    copied: set[str] | None = None
    for _ in range(_MOST_TRIES):
        kept = _with_originals(store, {passage.story.id, *near, *(copied or ())})
        if passage.story.id not in kept:
            # It turned out to be another one meanwhile: whoever found that looks at the copies of both.
            return {}
        story = kept[passage.story.id].story
        if copied is None:
            copied = {id for id, read in kept.items() if id != story.id and texts.are_copies(story, read.story)}
        group = _whole(store, {id: kept[id] for id in _linked(story, copied, kept)}, passage.story.former_ids)
        wanted = _ordered(story, [read.story for read in group.values()])
        if _is_written(store, group, wanted):
            # Those too that are as they were: somebody may have died before their sketches followed.
            return wanted
    raise TransientError(f"the copies of story {passage.story.id} are written by others all the time; they are tried again later")


def _with_originals(store: Store, ids: set[str]) -> dict[str, ReadStory]:
    """The stories of ids with their originals, each by the id it has now."""
    kept = {read.story.id: read for read in store.stories.get(ids).values()}
    originals = {read.story.duplicate_of for read in kept.values() if read.story.duplicate_of} - kept.keys()
    while originals:
        found = {read.story.id: read for read in store.stories.get(originals).values()}
        kept |= found
        originals = {read.story.duplicate_of for read in found.values() if read.story.duplicate_of} - kept.keys()
    return kept


def _linked(story: Story, copied: Collection[str], kept: Mapping[str, ReadStory]) -> set[str]:
    """A story, its copies, and the originals of these, as far as they lead."""
    linked: set[str] = set()
    ends = {story.id, *copied} & kept.keys()
    while ends:
        linked |= ends
        originals = {kept[id].story.duplicate_of or id for id in ends}
        ends = (originals & kept.keys()) - linked
    return linked


def _whole(store: Store, group: dict[str, ReadStory], former_ids: Collection[str]) -> dict[str, ReadStory]:
    """`group` with the copies of those of it that are no originals any more."""
    first = min((read.story for read in group.values()), key=age)
    asked: set[str] = set()
    while left := {*(read.story.id for read in group.values() if read.story.id != first.id), *former_ids} - asked:
        asked |= left
        copies = [read for id in sorted(left) for read in copies_of(store, id)]
        group |= {read.story.id: read for read in copies}
        first = min((read.story for read in group.values()), key=age)
    return group


def copies_of(store: Store, story_id: str) -> list[ReadStory]:
    """The stories that are known for copies of one."""
    found, after = [], None
    while True:
        page = store.stories.search(SearchRequest(original(story_id), limit=_PAGE, after=after, is_of_all=True))
        found += [each.read for each in page.found]
        if page.next is None:
            return found
        after = page.next


def _ordered(newcomer: Story, stories: Sequence[Story]) -> dict[str, Story]:
    """The stories of one text, the earliest published as the original of the others, in the event where they were told before."""
    first = min(stories, key=age)
    before = [story for story in stories if story.id != newcomer.id] or [newcomer]
    event_id = min(before, key=lambda story: (story.first_seen_at, age(story))).event_id
    return {
        story.id: story._replace(duplicate_of=None if story.id == first.id else first.id, event_id=event_id) for story in stories
    }


def _is_written(store: Store, group: Mapping[str, ReadStory], wanted: Mapping[str, Story]) -> bool:
    """Write what is not yet as it is wanted; whether all of it could be, and the original is one still, in the event of all."""
    changed = [read._replace(story=wanted[id]) for id, read in group.items() if read.story != wanted[id]]
    if store.stories.put(changed):
        return False
    originals = {story.duplicate_of for story in wanted.values() if story.duplicate_of}
    found = store.stories.get(originals)
    events = {story.event_id for story in wanted.values()}
    return all(
        id in found and found[id].story.id == id and not found[id].story.duplicate_of and found[id].story.event_id in events
        for id in originals
    )


def age(story: Story) -> tuple[datetime, datetime, str]:
    """What the stories of one text are in order by: the first is the original."""
    return story.published_at, story.first_seen_at, story.id


# ── second thoughts ──────────────────────────────────────────────────────────────────────────────────────────────


def _again(ids: Collection[str], store: Store) -> list[Story]:
    """The stories of ids that are copies, or have some."""
    kept = [read.story for read in store.stories.get(ids).values()] if ids else []
    return [story for story in kept if story.duplicate_of] + [
        read.story for story in kept if not story.duplicate_of for read in copies_of(store, story.id)
    ]


def _parted(story: Story, texts: _Texts, store: Store) -> dict[str, Story]:
    """A copy by itself again, where without boilerplate it is none: of its original, nor of another copy of that."""
    for _ in range(_MOST_TRIES):
        kept = store.stories.get([story.id]).get(story.id)
        if kept is None or not kept.story.duplicate_of:
            return {}
        beside = store.stories.get([kept.story.duplicate_of]).values()
        others = [read.story for read in (*beside, *copies_of(store, kept.story.duplicate_of)) if read.story.id != story.id]
        if any(texts.are_copies(kept.story, other) for other in others):
            return {}
        alone = kept.story._replace(duplicate_of=None, event_id=event_of(story.id))
        if not store.stories.put([kept._replace(story=alone)]):
            return {story.id: alone}
    return {}


def _keep_again(alone: Sequence[Story], store: Store, now: datetime) -> None:
    """Keep the sketches of copies that are none any more, as if they had just come; what is too old for an event has none."""
    events = {story.id: story.event_id for story in alone}
    kept = store.events.of_stories(events) if events else {}
    store.events.keep([sketch._replace(event_id=events[id], duplicate_of=None) for id, sketch in kept.items()], now)


def _moved(passage: Passage, moved: Mapping[str, Story]) -> Passage:
    story = moved.get(passage.story.id)
    if story is None:
        return passage
    return passage._replace(story=story, hits=tuple(hit._replace(event_id=story.event_id) for hit in passage.hits))

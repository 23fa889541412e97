"""Which story each item version belongs to, and what the story is with it: one of the stage's doors to the store.

Safe to run again after a crash at any instruction, and beside others: ids are computed, and the store's claims decide. Where
fingerprints lead to two stories, or somebody else was faster with one of them, the two are one, and the older id stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

from pipeline.model import ItemVersion, Passage, ReadStory, Story, stable_id
from pipeline.store.roles import Store
from pipeline.stories.edits import LEAST_WORDS, tell_another, telling_words
from pipeline.stories.fingerprints import fingerprints
from pipeline.stories.text import headline, plain_text, tidy
from pipeline.stories.versions import merged, new_id, story_of


class Sighting(NamedTuple):
    """An item version with its words cleaned, its fingerprints, strongest first, and the words that tell what it is about."""

    version: ItemVersion
    title: str
    text: str
    names: tuple[str, ...]
    words: frozenset[str]


def identify(versions: Sequence[ItemVersion], store: Store) -> tuple[list[Passage], list[tuple[ItemVersion, str]]]:
    """The stories that `versions` belong to, each once, in order of its first version here; and the versions refused, with why.

    Asks the store in batches: owners, stories, claim. Raises `TransientError` where the store is away; nothing is half done then
    that doing it again does not mend.
    """
    seen = [sighting(version) for version in versions]
    good = [each for each in seen if each.title or each.text]
    passages = _passages(good, store) if good else []
    return passages, [(each.version, "It has neither a title nor a text.") for each in seen if not (each.title or each.text)]


def sighting(version: ItemVersion) -> Sighting:
    """An item version, cleaned: the same for the same version, whoever asks."""
    item = version.item
    title = headline(item.title)
    text = plain_text(item.content) if item.is_html else tidy(item.content)
    return Sighting(version, title, text, fingerprints(item, title, text), telling_words(title, text))


def _passages(sightings: Sequence[Sighting], store: Store) -> list[Passage]:
    names = _Names(sightings, store)
    found = [names.story_of(each) for each in sightings]
    names.claim()
    groups: defaultdict[str, list[Sighting]] = defaultdict(list)
    for id, each in zip(found, sightings, strict=True):
        groups[names.joined[id]].append(each)
    return [_passage(names.joined.all_of(id), group, names.stored) for id, group in groups.items()]


# ── whose name it is ─────────────────────────────────────────────────────────────────────────────────────────────


class _Joined:
    """Ids that are one story, each group known by its oldest."""

    def __init__(self) -> None:
        self._groups: dict[str, set[str]] = {}

    def __getitem__(self, story_id: str) -> str:
        return min(self.all_of(story_id))

    def all_of(self, story_id: str) -> set[str]:
        """The ids that are one with an id, itself among them."""
        return self._groups.setdefault(story_id, {story_id})

    def join(self, ids: Iterable[str]) -> None:
        together = set[str]().union(*(self.all_of(id) for id in ids))
        self._groups.update(dict.fromkeys(together, together))


class _Names:
    """Who owns the fingerprints of a batch: as the store says, and as the batch's own sightings claim one after the other.

    A guid or an address under which another story was seen is *parted*: from then on its owner is found by its name and a telling
    word together, so that an edit finds its own story. Who parts a name claims the words of the owner for it too. A sighting that
    has words of both, in whatever order they come, shows that they are one.
    """

    def __init__(self, sightings: Sequence[Sighting], store: Store) -> None:
        self._store = store
        names = {name for each in sightings for name in each.names}
        self._owners = store.claims.owners(names | {_parting(name) for name in names if _is_address(name)})
        self._wanted: dict[str, str] = {}
        self._words: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
        self.joined = _Joined()
        self.stored: dict[str, ReadStory] = {}
        self._know({owner for name, owner in self._owners.items() if not name.startswith(_PARTED)})
        parted = {_with(name, word) for each in sightings for name in self._parted_for(each) for word in each.words}
        if parted:
            self._owners |= store.claims.owners(parted)
            self._know(set(self._owners.values()))

    def story_of(self, each: Sighting) -> str:
        """The id of a sighting's story: of the oldest that its names lead to, which are one; a new one where there is none."""
        parted = self._parted_for(each)
        names = [name for name in each.names if name not in parted]
        names += [_with(name, word) for name in parted for word in sorted(each.words)]
        owners = {owner for name in names if (owner := self._owner(name))}
        if not owners and len(each.words) < LEAST_WORDS:
            # It is too short to say what it is about: an edit, as far as anybody can tell.
            owners = {owner for name in parted if (owner := self._owner(name))}
        story_id = min(owners, default=None) or new_id(_first(names, each), each.version.seen_at)
        self.joined.join({story_id, *owners})
        for name in names:
            self._want(name, story_id)
        for name in parted:
            self._part(name, story_id)
        self._words[story_id] |= each.words
        return story_id

    def claim(self) -> None:
        """Claim what is wanted; where another worker was faster, its story and ours are one."""
        answers = self._store.claims.claim(self._wanted) if self._wanted else {}
        rivals = {(self._wanted[name], owner) for name, owner in answers.items() if not name.startswith(_PARTED)}
        self._know({owner for ours, owner in rivals if owner != ours})
        for pair in rivals:
            self.joined.join(pair)

    def _know(self, ids: set[str]) -> None:
        """Look up the stories of ids; an id that was merged is one with the story that it leads to."""
        found = self._store.stories.get(ids - self.stored.keys()) if ids - self.stored.keys() else {}
        for id, read in found.items():
            self.stored[id] = self.stored[read.story.id] = read
            self.joined.join({id, read.story.id})
            self._words[id] = self._words[read.story.id] = telling_words(read.story.title, read.story.text)

    def _owner(self, name: str) -> str | None:
        return self._owners.get(name) or self._wanted.get(name)

    def _want(self, name: str, story_id: str) -> None:
        if name not in self._owners:
            self._wanted.setdefault(name, story_id)

    def _parted_for(self, each: Sighting) -> list[str]:
        """The names of a sighting that do not say by themselves whose they are."""
        return [name for name in each.names if _is_address(name) and (self._owner(_parting(name)) or self._is_anothers(name, each))]

    def _is_anothers(self, name: str, each: Sighting) -> bool:
        owner = self._owner(name)
        if owner is None or not tell_another(self._words[owner], each.words):
            return False
        self._words[owner] |= _words_of_titles(self.stored[owner].story) if owner in self.stored else frozenset()
        return tell_another(self._words[owner], each.words)

    def _part(self, name: str, story_id: str) -> None:
        owner = self._owner(name) or story_id
        self._want(name, story_id)
        self._want(_parting(name), owner)
        for word in sorted(self._words[owner]):
            self._want(_with(name, word), owner)


_PARTED = "parted:"


def _is_address(name: str) -> bool:
    return not name.startswith("content:")


def _parting(name: str) -> str:
    return _PARTED + name


def _with(name: str, word: str) -> str:
    return f"{name} {word}"


def _first(names: Sequence[str], each: Sighting) -> str:
    return names[0] if names else stable_id("sighting", each.version.id)


def _words_of_titles(story: Story) -> frozenset[str]:
    """What a story was about before: the words of every title it had."""
    return frozenset[str]().union(*(telling_words(version.title, "") for version in story.versions))


# ── what it is now ───────────────────────────────────────────────────────────────────────────────────────────────


def _passage(ids: set[str], group: Sequence[Sighting], stored: Mapping[str, ReadStory]) -> Passage:
    """What the sightings of a group make of the stories that are kept under `ids`."""
    kept = {stored[id].story.id: stored[id] for id in ids if id in stored}
    id = min(ids)
    told = (story_of(id, each.version.item, each.title, each.text, each.version.seen_at) for each in group)
    passage = Passage(
        story=reduce(merged, told),
        item_version_ids=tuple(dict.fromkeys(each.version.id for each in group)),
        is_new=True,
        revision=0,
        tells=any(each.version.tells for each in group),
    )
    absorbed = tuple((other, 0) for other in sorted(ids - {id}) if other not in stored)
    return settled(kept, passage._replace(absorbed=absorbed))


def settled(stored: Mapping[str, ReadStory], passage: Passage, edition: str = "") -> Passage:
    """`passage` with all that is stored of its story, under whatever ids: merged, under the oldest, where its event stays as it is.

    `stored` are the stories by their own ids. The current version is one of theirs or the passage's, and so is its reading, where
    it was read: of several the one of `edition`, else the passage's.
    """
    kept = [stored[id] for id in sorted(stored)]
    story = reduce(merged, (read.story for read in kept), passage.story)
    story = reduce(merged, (story._replace(id=id) for id, _ in passage.absorbed), story)
    absorbed = dict(passage.absorbed) | {read.story.id: read.revision for read in kept}
    revision = absorbed.pop(story.id, 0)
    if kept:
        story = _in_its_place(story, kept[0].story)
    readings = ([passage.reading] if passage.reading else []) + [read.reading for read in kept]
    of_it = [reading for reading in readings if reading.version_id == story.versions[-1].id]
    reading = next((reading for reading in of_it if reading.edition == edition), of_it[0] if of_it else None)
    return passage._replace(
        story=story,
        is_new=passage.is_new and not kept,
        revision=revision,
        reading=reading,
        absorbed=tuple(sorted(absorbed.items())),
        is_reworded=passage.is_reworded and (reading is None or passage.reading is not None),
    )


def _in_its_place(story: Story, kept: Story) -> Story:
    """`story` in the event and beside the original that it had; what became a part of it is no original of it."""
    original = None if kept.duplicate_of in {story.id, *story.former_ids} else kept.duplicate_of
    return story._replace(event_id=kept.event_id, duplicate_of=original)

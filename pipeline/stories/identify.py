"""Which story each item version belongs to, and what the story is with it: the stage's door to the store.

Safe to run again after a crash at any instruction, and beside others: ids are computed, and the store's claims decide.

Not done here: stories whose fingerprints lead to two stories stay two, and the copy that was stored first stays the original,
whatever arrives later. Copies that two processes have on their way at once are known for copies of each other only where one waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import NamedTuple

from pipeline.model import ItemVersion, Passage, ReadStory, Story, stable_id
from pipeline.store.roles import Store
from pipeline.stories.duplicates import bands, is_duplicate, shingles
from pipeline.stories.fingerprints import fingerprints
from pipeline.stories.text import headline, plain_text, tidy
from pipeline.stories.versions import merged, story_of

MOST_CANDIDATES = 5
"""Of a story, the texts it is compared with: those that share the most bands."""


class Sighting(NamedTuple):
    """An item version with its words cleaned and its fingerprints, strongest first."""

    version: ItemVersion
    title: str
    text: str
    names: tuple[str, ...]


def at_once(_story: Story) -> bool:
    """Waits for nobody."""
    return False


def identify(
    versions: Sequence[ItemVersion],
    store: Store,
    on_the_way: Mapping[str, Story] | None = None,
    waits: Callable[[Story], bool] = at_once,
) -> tuple[list[Passage], list[tuple[ItemVersion, str]]]:
    """The stories that `versions` belong to, each once, in order of its first version here; and the versions refused, with why.

    `on_the_way` are stories by id that were identified before and may not be stored yet: a copy of one is known for a copy. A new
    story that may be a copy of one that is neither stored nor known here, and that `waits`, is left out with its versions: whoever
    has the other on the way will have stored it when they are identified again.

    Asks the store in batches: owners, claim, stories; and for stories that are new, bands and the stories that hold them. Raises
    `TransientError` where the store is away; nothing is half done then that doing it again does not mend.
    """
    seen = [sighting(version) for version in versions]
    good = [each for each in seen if each.title or each.text]
    groups = _by_story(good, _settled_owners(good, store))
    stored = store.stories.get(list(groups)) if groups else {}
    stories = {story_id: _told(story_id, group, stored.get(story_id)) for story_id, group in groups.items()}
    new = [story for story_id, story in stories.items() if story_id not in stored]
    placed = _placed(new, store, on_the_way or {}, waits)
    stories = {
        story_id: placed.get(story_id, story) for story_id, story in stories.items() if story_id in stored or story_id in placed
    }
    passages = [_passage(story, groups[story_id], stored.get(story_id)) for story_id, story in stories.items()]
    return passages, [(each.version, "It has neither a title nor a text.") for each in seen if not (each.title or each.text)]


def sighting(version: ItemVersion) -> Sighting:
    """An item version, cleaned: the same for the same version, whoever asks."""
    item = version.item
    title = headline(item.title)
    text = plain_text(item.content) if item.is_html else tidy(item.content)
    return Sighting(version, title, text, fingerprints(item, title, text))


# ── same story ───────────────────────────────────────────────────────────────────────────────────────────────────


def _settled_owners(sightings: Sequence[Sighting], store: Store) -> Mapping[str, str]:
    """The owner of every fingerprint of `sightings`, claimed where it had none.

    A sighting goes to the owner of its strongest fingerprint that has one, and claims the rest for it; where another worker was
    faster, the claim's answer counts.
    """
    names = {name for each in sightings for name in each.names}
    if not names:
        return {}
    owners = store.claims.owners(names)
    wanted: dict[str, str] = {}
    for each in sightings:
        owned = (owners.get(name) or wanted.get(name) for name in each.names)
        story_id = next(filter(None, owned), None) or stable_id("story", each.names[0])
        wanted |= {name: story_id for name in each.names if name not in owners and name not in wanted}
    return owners | (store.claims.claim(wanted) if wanted else {})


def _by_story(sightings: Sequence[Sighting], owners: Mapping[str, str]) -> dict[str, list[Sighting]]:
    """The sightings of each story: once all is claimed, the owner of the strongest fingerprint is the story."""
    together: dict[str, list[Sighting]] = {}
    for each in sightings:
        together.setdefault(owners[each.names[0]], []).append(each)
    return together


def _told(story_id: str, group: Sequence[Sighting], stored: ReadStory | None) -> Story:
    """The story with all that is known of it; where it is stored, its event and original stay as they are."""
    told = reduce(merged, (story_of(story_id, each.version.item, each.title, each.text, each.version.seen_at) for each in group))
    if stored is None:
        return told
    return merged(stored.story, told)._replace(event_id=stored.story.event_id, duplicate_of=stored.story.duplicate_of)


def _passage(story: Story, group: Sequence[Sighting], stored: ReadStory | None) -> Passage:
    is_read = stored is not None and stored.reading.version_id == story.versions[-1].id
    return Passage(
        story=story,
        item_version_ids=tuple(dict.fromkeys(each.version.id for each in group)),
        is_new=stored is None,
        revision=stored.revision if stored else 0,
        tells=any(each.version.tells for each in group),
        reading=stored.reading if stored and is_read else None,
    )


# ── same text ────────────────────────────────────────────────────────────────────────────────────────────────────


def _placed(
    new: Sequence[Story], store: Store, on_the_way: Mapping[str, Story], waits: Callable[[Story], bool]
) -> dict[str, Story]:
    """`new` stories by id, each beside its original where another publisher had it before: stored, on the way, or in this batch.

    Without those that wait to see whether they have one.
    """
    oldest_first = sorted(new, key=_age)
    shingled = {story.id: shingles(story.text) for story in oldest_first}
    alike = _alike(shingled, store)
    elsewhere = {other for others in alike.values() for other in others}.difference(story.id for story in new)
    known = {story_id: on_the_way[story_id] for story_id in elsewhere if story_id in on_the_way}
    known |= {story_id: read.story for story_id, read in store.stories.get(elsewhere).items()} if elsewhere else {}
    unknown = elsewhere - known.keys()
    waiting = {story.id for story in oldest_first if not unknown.isdisjoint(alike[story.id]) and waits(story)}
    for story in oldest_first:
        if story.id in waiting:
            continue
        near = [(other, shingled.get(other.id) or shingles(other.text)) for other in _most_alike(alike[story.id], known)]
        known[story.id] = _beside_original(story, shingled[story.id], near)
    return {story.id: known[story.id] for story in new if story.id not in waiting}


def _alike(shingled: Mapping[str, frozenset[str]], store: Store) -> dict[str, Counter[str]]:
    """For each story, the stories that share bands with it, and how many. Claims the bands that nobody owns, the first first."""
    banded = {story_id: bands(words) for story_id, words in shingled.items()}
    wanted: dict[str, str] = {}
    for story_id, its_bands in banded.items():
        for band in its_bands:
            wanted.setdefault(band, story_id)
    owners = store.claims.claim(wanted) if wanted else {}
    alike: dict[str, Counter[str]] = {story_id: Counter() for story_id in banded}
    for story_id, its_bands in banded.items():
        for band in its_bands:
            for other in {wanted[band], owners[band]} - {story_id}:
                alike[story_id][other] += 1
                # Both ways: after a crash the owner may be a younger story of this very batch.
                alike.setdefault(other, Counter())[story_id] += 1
    return alike


def _most_alike(shared: Counter[str], known: Mapping[str, Story]) -> list[Story]:
    found = sorted((-count, other) for other, count in shared.items() if other in known)
    return [known[other] for _, other in found[:MOST_CANDIDATES]]


def _beside_original(story: Story, shingled: frozenset[str], near: Sequence[tuple[Story, frozenset[str]]]) -> Story:
    """`story` as a duplicate of the oldest among `near` that it is a copy of, in the event of that; else as it is.

    Two texts of one publisher are never duplicates.
    """
    copied = [other for other, words in near if other.source != story.source and is_duplicate(words, shingled)]
    if not copied:
        return story
    original = min(copied, key=_age)
    return story._replace(duplicate_of=original.duplicate_of or original.id, event_id=original.event_id)


def _age(story: Story) -> tuple[datetime, datetime, str]:
    return story.published_at, story.first_seen_at, story.id


# ── written meanwhile ────────────────────────────────────────────────────────────────────────────────────────────


def settled(stored: ReadStory, passage: Passage, edition: str = "") -> Passage:
    """`passage` again, where somebody else has written its story since it was identified.

    What both know is merged, and the current version is one of the two, so that one of the two readings is of it; where both are,
    the one of `edition` is taken, else the passage's. Raises ValueError where `passage` has not been read.
    """
    if passage.reading is None:
        raise ValueError("a passage is settled after it was read")
    story = merged(stored.story, passage.story)._replace(event_id=stored.story.event_id, duplicate_of=stored.story.duplicate_of)
    of_it = [reading for reading in (passage.reading, stored.reading) if reading.version_id == story.versions[-1].id]
    reading = next((reading for reading in of_it if reading.edition == edition), of_it[0])
    return passage._replace(story=story, reading=reading, revision=stored.revision, is_new=False)

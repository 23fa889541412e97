"""What is allowed in settings but hardly meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from pipeline.config.settings import EntitySettings, Settings, WatchSettings


def warnings(settings: Settings) -> list[str]:
    """A sentence for each thing that is hardly meant, in the order of the configuration."""
    return [
        *_shared_names(settings.entities),
        *_unfindable(settings.entities),
        *(text for watch in settings.watches for text in _of_watch(watch)),
        *_unused_webhooks(settings),
    ]


def _shared_names(entities: Mapping[str, EntitySettings]) -> Iterator[str]:
    owners: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for key, entity in entities.items():
        for name in (entity.name, *entity.aliases):
            owners[name.casefold()].setdefault(key, name)
    for shared in owners.values():
        if len(shared) > 1 and not _told_apart(shared, entities):
            keys = " and ".join(f"`{key}`" for key in shared)
            name = next(iter(shared.values()))
            yield f"entities {keys} share the name {name!r}: a story that uses it is given to one of them only"


def _told_apart(shared: Mapping[str, str], entities: Mapping[str, EntitySettings]) -> bool:
    """Whether a name in several spellings (WHO, Who) is found only as each entity writes it."""
    return all(entities[key].case == "exact" for key in shared) and len(set(shared.values())) == len(shared)


def _unfindable(entities: Mapping[str, EntitySettings]) -> Iterator[str]:
    for key, entity in entities.items():
        never = {name.casefold() for name in entity.never}
        for name in (entity.name, *entity.aliases):
            if name.casefold() in never:
                yield f"entity `{key}`: {name!r} is one of its names and also under `never`: it is never found by it"


def _of_watch(watch: WatchSettings) -> Iterator[str]:
    twice = sorted({key for key in watch.all if watch.all.count(key) > 1})
    for key in twice:
        yield f"watch `{watch.name}` names `{key}` more than once: an entity does not meet itself, it counts once"


def _unused_webhooks(settings: Settings) -> Iterator[str]:
    used = {name for watch in settings.watches for name in watch.alert}
    for name in settings.webhooks:
        if name not in used:
            yield f"webhook `{name}` is told by no watch: name it under `alert` of one"

"""What a lone surname in a headline stands for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.language import recall
from pipeline.language.recall import Memory
from pipeline.model import Entity, Mention, Pair, Reading, Sentence

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MUSK = Entity("person:elon-musk", "Elon Musk", "person", 1)
KIMBAL = Entity("person:kimbal-musk", "Kimbal Musk", "person", 1)
LONE = Entity("person:musk", "Musk", "person", 2)
PUTIN = Entity("putin", "Vladimir Putin", "person", 1)


def naming(*entities: Entity) -> Reading:
    """A headline that names `entities` in one sentence."""
    mentions = tuple(Mention("title", at, at + 1, "PERSON", entity.name, entity.key, 0) for at, entity in enumerate(entities))
    pairs = (Pair(entities[0].key, entities[1].key, 1, (0,)),) if len(entities) > 1 else ()
    return Reading("v", (Sentence("title", 0, 9, 0),), mentions, entities, pairs)


def memory(*named: tuple[Entity, timedelta]) -> Memory:
    """Who has learnt of each a story, so long before noon."""
    learnt = Memory()
    for at, (entity, ago) in enumerate(named):
        learnt.learn(f"s{at}", naming(entity), NOON - ago)
    return learnt


HOUR = timedelta(hours=1)


def test_the_one_candidate_is_meant() -> None:
    """Two recent stories named one Musk: the headline's Musk is he, in its mentions and pairs too."""
    found = memory((MUSK, HOUR), (MUSK, 2 * HOUR)).recalled(naming(LONE, PUTIN), NOON)
    assert found.entities == (MUSK._replace(count=2), PUTIN)
    assert [mention.entity for mention in found.mentions] == ["person:elon-musk", "putin"]
    assert (found.pairs[0].a, found.pairs[0].b) == ("person:elon-musk", "putin")


@pytest.mark.parametrize(
    "named",
    [
        pytest.param([], id="nobody"),
        pytest.param([(MUSK, HOUR)], id="one story"),
        pytest.param([(MUSK, HOUR), (MUSK, HOUR), (KIMBAL, HOUR), (KIMBAL, HOUR)], id="two people"),
        pytest.param([(MUSK, HOUR), (MUSK, timedelta(days=4))], id="long ago"),
        pytest.param([(MUSK, HOUR), (MUSK, -HOUR)], id="later"),
    ],
)
def test_else_it_stays_alone(named: list[tuple[Entity, timedelta]]) -> None:
    """Nobody is taken for anybody on less than two recent stories, or between two."""
    reading = naming(LONE, PUTIN)
    assert memory(*named).recalled(reading, NOON) is reading


def test_a_story_s_own_full_name_decides() -> None:
    """Where the story names another of the surname, or the surname is in the text only, or configured, nothing is recalled."""
    learnt = memory((MUSK, HOUR), (MUSK, HOUR))
    for reading in (
        naming(LONE, KIMBAL),
        naming(LONE)._replace(mentions=(Mention("text", 0, 1, "PERSON", "Musk", LONE.key, 0),)),
        naming(LONE._replace(key="musk")),
        naming(LONE._replace(kind="organisation")),
    ):
        assert learnt.recalled(reading, NOON) is reading


def test_a_story_read_twice_counts_once() -> None:
    """Delivery is at least once."""
    learnt = Memory()
    for _ in range(3):
        learnt.learn("s", naming(MUSK), NOON)
    assert learnt.recalled(naming(LONE), NOON) == naming(LONE)


def test_memory_is_bounded() -> None:
    """The names that were not seen for longest are forgotten, and with them their surnames."""
    learnt = Memory()
    for number in range(recall.MOST_NAMES + 500):
        learnt.learn("s", naming(Entity("k", f"Anna S{number}", "person", 1)), NOON)
    assert len(learnt._people) == len(learnt._by_surname) == recall.MOST_NAMES
    for number in range(100):
        learnt.learn(f"s{number}", naming(MUSK), NOON)
    assert len(learnt._people["elon", "musk"].named_at) == recall.MOST_STORIES


def test_some_recall_while_others_learn() -> None:
    """The slots of a worker share one memory: whoever looks through the people of a surname meets nobody half learnt."""
    namesakes = [naming(Entity("k", f"Anna{number} Musk", "person", 1)) for number in range(6_000)]
    learnt = Memory()
    for at, reading in enumerate(namesakes[:3_000]):
        learnt.learn(f"s{at}", reading, NOON)
    with ThreadPoolExecutor(1) as pool:
        learning = pool.submit(lambda: [learnt.learn("s", reading, NOON) for reading in namesakes[3_000:]])
        while not learning.done():
            assert learnt.recalled(naming(LONE), NOON) == naming(LONE)
        learning.result()

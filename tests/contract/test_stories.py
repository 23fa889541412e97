"""What every store promises of stories and their search."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.model import Entity, Pair, Reading, ReadStory, Story, TopicScore, Version
from pipeline.search.language import query_of
from pipeline.store.roles import Merger, Store
from pipeline.store.search import SearchRequest
from pipeline.store.terms import original

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
MUSK = Entity("musk", "Elon Musk", "person", 2)
PUTIN = Entity("person:vladimir-putin", "Vladimir Putin", "person", 1)
ECONOMY = TopicScore("medtop:04000000", "economy, business and finance", 0.9)


def story(
    name: str, text: str = "Words.", minutes: int = 0, duplicate_of: str | None = None, source: str = "news.example"
) -> ReadStory:
    published = NOW + timedelta(minutes=minutes)
    version = Version(f"v-{name}", published, published, name)
    told = Story(
        name,
        f"Title {name}",
        text,
        None,
        source,
        ("https://news.example/rss",),
        "en",
        published,
        NOW,
        (version,),
        f"ev-{name}",
        duplicate_of,
    )
    return ReadStory(told, Reading(version.id))


def read(told: ReadStory, *entities: Entity) -> ReadStory:
    pairs = (Pair(entities[0].key, entities[1].key, 1, (0,)),) if len(entities) > 1 else ()
    return told._replace(reading=told.reading._replace(entities=entities, pairs=pairs, topics=(ECONOMY,)))


def asked(text: str) -> SearchRequest:
    return SearchRequest(query_of(text, NOW))


def ids(store: Store, request: SearchRequest) -> list[str]:
    return [found.read.story.id for found in store.stories.search(request).found]


def test_a_story_comes_back_as_it_was_put(store: Store):
    """What is kept is what was read, with the revision to hand back."""
    told = read(story("a"), MUSK, PUTIN)
    assert store.stories.put([told]) == set()
    assert store.stories.get(["a", "b"]) == {"a": told._replace(revision=1)}
    assert store.stories.count() == 1


def test_a_stale_write_is_refused_and_a_repeated_one_counts(store: Store):
    """Two that edit one story at once: the slower is told; a replay after a crash is no conflict."""
    store.stories.put([story("a")])
    assert store.stories.put([story("a")]) == set()
    assert store.stories.put([story("a", "Other words.")]) == {"a"}
    assert store.stories.put([story("a", "Other words.")._replace(revision=1)]) == set()
    assert store.stories.get(["a"])["a"].revision == 2


def test_an_edit_is_found_by_its_new_words_only(store: Store):
    """The index follows the story."""
    store.stories.put([story("a", "The minister stays.")])
    store.stories.put([story("a", "The minister goes.")._replace(revision=1)])
    assert ids(store, asked("goes")) == ["a"]
    assert ids(store, asked("stays")) == []


def test_a_story_whose_date_moves_is_found_where_it_belongs(store: Store):
    """An earlier date of publication moves a story in the order; it stands there once."""
    store.stories.put([story("a", minutes=5), story("b", minutes=3)])
    store.stories.put([story("a", minutes=1)._replace(revision=1)])
    assert ids(store, SearchRequest()) == ["b", "a"]
    assert ids(store, asked("title")) == ["b", "a"]
    assert store.stories.count() == 2


def test_the_best_match_comes_first_where_relevance_is_asked(store: Store):
    """A title that holds the word weighs more than one mention in a long text."""
    long = "Satellites " + "and other things " * 50
    titled = story("b", "Satellites, satellites.")
    store.stories.put([story("a", long, 1), titled._replace(story=titled.story._replace(title="Satellites"))])
    assert ids(store, asked("satellites")._replace(by_relevance=True)) == ["b", "a"]


def test_pages_follow_each_other_while_stories_arrive(store: Store):
    """What arrives between two pages shifts nothing."""
    store.stories.put([story(f"s{n}", minutes=n) for n in range(5)])
    first = store.stories.search(SearchRequest(limit=2))
    store.stories.put([story("late", minutes=9)])
    second = store.stories.search(SearchRequest(limit=3, after=first.next))
    assert [found.read.story.id for found in (*first.found, *second.found)] == ["s4", "s3", "s2", "s1", "s0"]
    assert second.next is None


def test_a_snippet_marks_the_words_that_were_asked_for(store: Store):
    """A result shows why it was found."""
    store.stories.put([story("a", "Long ago. " * 30 + "Then the satellites fell silent.")])
    (found,) = store.stories.search(asked("satellites")).found
    assert "\ue000satellites\ue001 fell silent" in found.snippet


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(minutes=st.lists(st.integers(0, 3), min_size=1, max_size=12), data=st.data())
def test_all_are_there_once_in_order_of_publication_however_they_came(store: Store, minutes: list[int], data: st.DataObject):
    """Many stories of one second each have a place of their own."""
    stories = [story(f"{len(minutes)}-{n}-{minute}", minutes=minute) for n, minute in enumerate(minutes)]
    for told in data.draw(st.permutations(stories)):
        store.stories.put([told])
    listed = list(store.stories.all())
    assert {told.story.id for told in stories} <= {kept.story.id for kept in listed}
    assert len({kept.story.id for kept in listed}) == len(listed) == store.stories.count()
    assert [kept.story.published_at for kept in listed] == sorted(kept.story.published_at for kept in listed)


def test_an_id_that_was_merged_leads_to_the_other_story(store: Store):
    """Whoever holds it finds the older story; nothing else finds it, and nobody writes under it again."""
    store.stories.put([story("a", "The minister stays."), story("b", "The minister goes.", minutes=1)])
    assert store.stories.merge([Merger("b", 1, "a")]) == set()
    assert store.stories.merge([Merger("b", 1, "a")]) == set()
    assert {id: read.story.id for id, read in store.stories.get(["a", "b", "c"]).items()} == {"a": "a", "b": "a"}
    assert store.stories.current_ids(["a", "b", "c"]) == {"b": "a"}
    assert ids(store, asked("minister")) == ids(store, SearchRequest()) == ["a"]
    assert [kept.story.id for kept in store.stories.all()] == ["a"]
    assert store.stories.count() == store.stories.facets(asked("minister").query).stories == 1
    assert store.stories.put([story("b", "Other words.")]) == {"b"}
    assert store.stories.put([story("b", "Other words.")._replace(revision=2)]) == {"b"}
    assert store.stories.get(["b"])["b"].story.id == "a"


def test_an_id_is_merged_only_as_it_was_when_it_was_looked_at(store: Store):
    """What was written under it meanwhile is not lost; one that was never stored can lead elsewhere, once, and on to a third."""
    store.stories.put([story("a"), story("b"), story("0")])
    assert store.stories.merge([Merger("b", 0, "a"), Merger("d", 1, "a"), Merger("c", 0, "a")]) == {"b", "d"}
    assert store.stories.merge([Merger("c", 0, "0")]) == {"c"}
    assert store.stories.put([story("c")]) == {"c"}
    assert store.stories.merge([Merger("a", 1, "0")]) == set()
    assert store.stories.get(["c"])["c"].story.id == "0"
    assert store.stories.current_ids(["c", "a"]) == {"c": "0", "a": "0"}
    assert sorted(store.stories.leads()) == [("a", "0"), ("c", "a")]


def test_the_duplicates_of_a_story_are_found(store: Store):
    """By the id of their original."""
    store.stories.put([story("a"), story("b", duplicate_of="a"), story("c", duplicate_of="b")])
    assert ids(store, SearchRequest(original("a"))) == ["b"]

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Hit, Reading, Story, stable_id
from pipeline.watches.match import WatchIndex, hits
from tests.watches.reading import NOON, Watching, read

BOTH = ("musk", "putin")


def fired(told: tuple[Story, Reading], *watches: Watching) -> list[Hit]:
    return list(hits(*told, WatchIndex(watches), NOON))


def proof(told: tuple[Story, Reading], within: str) -> list[str]:
    found = fired(told, Watching("w", BOTH, within))
    return [evidence.text for hit in found for evidence in hit.evidence]


def test_a_sentence_proves_it() -> None:
    """Two that meet in a sentence are a hit, proved by the first such sentence with its offsets."""
    told = read("Talks", "They met. [Musk|musk] called [Putin|putin].", "[Putin|putin] called [Musk|musk].")
    [hit] = fired(told, Watching("musk-putin", ("putin", "musk")))
    [evidence] = hit.evidence
    assert evidence == ("text", 10, 28, "Musk called Putin.")
    assert told[0].text[evidence.start : evidence.end] == evidence.text
    assert [entity.key for entity in hit.entities] == ["putin", "musk"]
    assert (hit.id, hit.story_id, hit.event_id, hit.watch) == (stable_id("hit", "s", "musk-putin"), "s", "e", "musk-putin")
    assert (hit.found_at, hit.ref, hit.alert_id) == (NOON, "r", None)


def test_the_text_is_a_better_proof_than_the_title() -> None:
    """A title proves it only where no sentence of the text does."""
    assert proof(read("[Musk|musk] met [Putin|putin]", "Later [Putin|putin] denied to have met [Musk|musk]."), "sentence") == [
        "Later Putin denied to have met Musk."
    ]
    assert proof(read("[Musk|musk] met [Putin|putin]", "It rained."), "sentence") == ["Musk met Putin"]


def test_two_sentences_are_not_one() -> None:
    """Who stands in neighbouring sentences has met in the paragraph, not in a sentence."""
    told = read("T", "[Musk|musk] spoke. It rained. [Putin|putin] spoke. [Musk|musk] left.")
    assert proof(told, "sentence") == []
    assert proof(told, "paragraph") == ["Musk spoke.", "Putin spoke.", "Musk left."]


def test_a_paragraph_ends_at_its_line() -> None:
    """Two paragraphs are one story; its proof is the first sentence that names each."""
    told = read("T", "Rain. [Musk|musk] spoke.", "[Putin|putin] spoke. [Putin|putin] left. [Musk|musk]", "[Musk|musk] left.")
    assert proof(told, "paragraph") == ["Putin spoke.", "Putin left.", "Musk"]
    assert proof(read("T", "[Musk|musk] spoke.", "[Putin|putin] spoke."), "paragraph") == []
    assert proof(told, "story") == ["Musk spoke.", "Putin spoke."]


def test_the_title_is_a_paragraph_of_last_resort() -> None:
    """A paragraph of the text goes before the title."""
    assert proof(read("[Musk|musk] and [Putin|putin]", "[Musk|musk] spoke. [Putin|putin] too."), "paragraph") == [
        "Musk spoke.",
        "Putin too.",
    ]
    assert proof(read("[Musk|musk] and [Putin|putin]", "[Musk|musk] spoke."), "paragraph") == ["Musk and Putin"]


def test_one_sentence_that_names_all_is_told_once() -> None:
    """Evidence within a story does not repeat a sentence."""
    assert proof(read("T", "[Musk|musk] met [Putin|putin]."), "story") == ["Musk met Putin."]


def test_one_entity_is_enough_for_a_watch_of_one() -> None:
    """A watch for one entity fires where it is named."""
    [hit] = fired(read("T", "Then [Musk|musk] spoke."), Watching("w", ("musk",)), Watching("x", ("putin",)))
    assert hit.evidence[0].text == "Then Musk spoke."


def test_nothing_named_fires_nothing() -> None:
    """A story without mentions, and a watch without entities, yield nothing."""
    assert fired(read("T", "It rained."), Watching("w", BOTH)) == []
    assert fired(read("T", "[Musk|musk]"), Watching("none", ())) == []


def test_hits_come_in_the_order_of_the_watches() -> None:
    """The configuration's order is kept, whatever file a watch lies in."""
    told = read("T", "[Musk|musk], [Putin|putin] and [Xi|xi] met.")
    watches = [Watching(f"{a}-{b}", (a, b)) for a, b in combinations(("xi", "putin", "musk"), 2)]
    assert [hit.watch for hit in fired(told, *watches)] == [watch.name for watch in watches]


class Counted(Watching):
    """A watch that counts how often it is looked at."""

    looks = 0

    @property
    def all(self) -> tuple[str, ...]:  # type: ignore[override]
        type(self).looks += 1
        return self[1]


def test_what_others_watch_costs_nothing() -> None:
    """Of ten thousand watches about one person, a story looks only at those about who else it names."""
    index = WatchIndex([Counted(f"w{n}", ("musk", f"other{n}")) for n in range(10_000)])
    Counted.looks = 0
    told = read("T", "[Musk|musk] met [One|other1].", "[Two|other2] left.")
    assert [hit.watch for hit in hits(*told, index, NOON)] == ["w1"]
    assert Counted.looks < 10


@given(
    st.lists(st.sets(st.sampled_from("abcdef"), max_size=3).map(lambda keys: tuple(sorted(keys))), max_size=12),
    st.sets(st.sampled_from("abcdefg")),
)
def test_the_index_finds_what_looking_finds(wanted: list[tuple[str, ...]], keys: set[str]) -> None:
    """Just the watches all of whose entities are there, in order."""
    watches = [Watching(str(n), entities) for n, entities in enumerate(wanted)]
    expected = [watch for watch in watches if watch.all and keys.issuperset(watch.all)]
    assert list(WatchIndex(watches).naming_all(keys)) == expected


@pytest.mark.parametrize("within", ["sentence", "paragraph", "story"])
def test_offsets_are_code_points(within: str) -> None:
    """Beyond the basic plane, the slice is still the sentence."""
    assert proof(read("𝔗", "😀 rain. 𝔄 [Musk|musk] met [Putin|putin] 😀."), within) == ["𝔄 Musk met Putin 😀."]

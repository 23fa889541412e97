from hypothesis import given
from hypothesis import strategies as st

from pipeline.watches.explain import FoundEntity, explain
from pipeline.watches.match import WatchIndex, hits
from tests.watches.reading import NOON, Watching, read

BOTH = ("musk", "putin")


def test_what_fired_says_so_with_its_proof() -> None:
    """The reason names who was found and how, and the evidence is the hit's."""
    story, reading = read("T", "[Elon Musk|musk] met [Putin|putin].", "[Musk|musk] left.")
    told = explain(Watching("w", BOTH), story, reading)
    assert told.fired
    assert told.reason == "Elon Musk (“Elon Musk”, “Musk”) and Putin (“Putin”) are named in one sentence."
    assert told.found == (FoundEntity("musk", "Elon Musk", ("Elon Musk", "Musk"), 2), FoundEntity("putin", "Putin", ("Putin",), 1))
    assert [evidence.text for evidence in told.evidence] == ["Elon Musk met Putin."]
    assert told.missing == ()


def test_who_is_missing_is_named() -> None:
    """Where somebody is not in the story, the reason says who, and who is."""
    told = explain(Watching("w", ("musk", "putin", "xi")), *read("T", "[Musk|musk] left."))
    assert (told.fired, told.missing, told.evidence) == (False, ("putin", "xi"), ())
    assert told.reason == "putin and xi are not named in the story. Musk (“Musk”) is."
    nobody = explain(Watching("w", ("putin",)), *read("T", "It rained."))
    assert nobody.reason == "putin is not named in the story."


def test_a_near_miss_says_how_near() -> None:
    """All named but too far apart: where they come nearest, and what `within` would have fired."""
    told = explain(Watching("w", BOTH), *read("T", "[Musk|musk] left. It rained.", "[Putin|putin] left. [Musk|musk] slept."))
    assert told.reason == (
        "Both are in the story, but never in one sentence; they come nearest 1 sentence apart; within: paragraph would fire."
    )
    assert [evidence.text for evidence in told.evidence] == ["Putin left.", "Musk slept."]
    assert (told.fired, told.missing) == (False, ())


def test_paragraphs_apart_only_the_story_would_do() -> None:
    """The narrowest `within` that would fire is the one named."""
    story, reading = read("T", "[Musk|musk] left.", "It rained.", "[Putin|putin] and [Xi|xi] met.")
    assert explain(Watching("w", (*BOTH, "xi"), "paragraph"), story, reading).reason == (
        "All 3 are in the story, but never in one paragraph; they come nearest 2 sentences apart; within: story would fire."
    )


def test_many_wordings_are_not_all_quoted() -> None:
    """Three wordings of an entity are enough."""
    told = explain(Watching("w", ("x",)), *read("T", "[A|x], [B|x], [C|x], [D|x]."))
    assert told.reason == "A (“A”, “B”, “C”, …) is named in one sentence."


def test_a_watch_without_entities_says_so() -> None:
    """Nothing can fire it."""
    assert "no entity" in explain(Watching("w", ()), *read("T", "[A|x].")).reason


SENTENCES = st.lists(st.sets(st.sampled_from(["musk", "putin", "xi"])), min_size=1, max_size=4)


@given(st.lists(SENTENCES, min_size=1, max_size=4), st.sampled_from(["sentence", "paragraph", "story"]))
def test_explained_as_it_fires(paragraphs: list[list[set[str]]], within: str) -> None:
    """Whatever the story, `explain` says fired just where there is a hit, with the same proof."""
    lines = [" ".join(" ".join(f"[{key}|{key}]" for key in sorted(keys)) + " x." for keys in sentences) for sentences in paragraphs]
    story, reading = read(*lines)
    watch = Watching("w", BOTH, within)
    told = explain(watch, story, reading)
    found = list(hits(story, reading, WatchIndex([watch]), NOON))
    assert told.fired is bool(found)
    assert told.fired is False or told.evidence == found[0].evidence
    assert told.reason.endswith(".")

"""Who is who in a story: spans are given, no recogniser runs."""

from __future__ import annotations

import pytest

from pipeline.language.entities import join
from pipeline.language.named import Named, with_watched
from pipeline.language.names import Names, Watched
from pipeline.language.ner import Span
from pipeline.language.roster import Roster

MUSK = Watched("musk", "Elon Musk", "person", ("Musk",), ("Errol Musk",))
TRUMP = Watched("trump", "Donald Trump", "person", ("Trump",))
FORD = Watched("ford", "Ford Motor Company", "organisation", ("Ford",))
RUSSIA = Watched("russia", "Russia", "place")


def keys(*mentions: tuple[str, str], watched: tuple[Watched, ...] = ()) -> list[str]:
    """The entity of each of a story's mentions (name, label), the configured ones found by their names."""
    text = " met ".join(name for name, _ in mentions)
    return [key for key, _ in named_in(text, *mentions, watched=watched)]


def named_in(text: str, *mentions: tuple[str, str], watched: tuple[Watched, ...] = ()) -> list[tuple[str, str]]:
    """The entity and the words of each mention in `text`, where the recogniser marked `mentions` in order."""
    names, spans, at = Names(watched), [], 0
    for name, label in mentions:
        at = text.index(name, at)
        spans.append(Span(at, at + len(name), label))
        at += len(name)
    named = with_watched(text, spans, names.find(text), names.watched)
    return [(key, mention.name) for key, mention in zip(join(named, Roster(names)).keys, named, strict=True)]


@pytest.mark.parametrize(
    "forms",
    [
        [("Xi Jinping", "PERSON"), ("Xi", "PERSON"), ("Jinping", "ORG")],
        [("Aung San Suu Kyi", "PERSON"), ("Suu Kyi", "PERSON")],
        [("Robert Nardelli", "PERSON"), ("Bob Nardelli", "PERSON"), ("Nardelli", "PERSON")],
        [("Donald J. Trump", "PERSON"), ("Donald Trump", "PERSON")],
        [("Nouri al-Maliki", "PERSON"), ("Maliki", "PERSON")],
        [("Wall Street Journal", "ORG"), ("WSJ", "ORG")],
        [("Home Depot Inc.", "ORG"), ("Home Depot", "ORG")],
        [("Miami Dolphins", "ORG"), ("Dolphins", "ORG")],
        [("Russia", "GPE"), ("Russian", "NORP"), ("Russians", "NORP"), ("Russian Federation", "GPE")],
        [("United States", "GPE"), ("U.S.", "GPE"), ("American", "NORP"), ("US", "ORG")],
        [("Enrique Peña Nieto", "PERSON"), ("Enrique Pena Nieto", "PERSON")],
        [("PUTIN", "PERSON"), ("Putin", "PERSON"), ("Putin's", "PERSON")],
    ],
)
def test_forms_of_one_name_are_one_entity(forms: list[tuple[str, str]]) -> None:
    """Surnames, short forms, acronyms, demonyms, spellings: one key."""
    assert len(set(keys(*forms))) == 1


@pytest.mark.parametrize(
    "forms",
    [
        [("Barack Obama", "PERSON"), ("Michelle Obama", "PERSON"), ("Obama", "PERSON")],
        [("Donald Trump", "PERSON"), ("Donald Trump Jr.", "PERSON")],
        [("George H. Bush", "PERSON"), ("George W. Bush", "PERSON")],
        [("Las Vegas", "GPE"), ("North Las Vegas", "GPE")],
        [("Labour Party", "ORG"), ("Party", "ORG")],
        [("North Korea", "GPE"), ("South Korea", "GPE")],
    ],
)
def test_two_are_not_made_one(forms: list[tuple[str, str]]) -> None:
    """Two people of one surname stay two, and what stands between them stays by itself."""
    assert len(set(keys(*forms))) == len(forms)


def test_the_key_is_the_same_in_every_story() -> None:
    """A key is made of the kind and the folded name."""
    assert keys(("Xi Jinping", "PERSON"), ("Peña Nieto", "PERSON"), ("U.S.", "GPE"), ("Home Depot Inc.", "ORG")) == [
        "person:xi-jinping",
        "person:pena-nieto",
        "place:united-states",
        "organisation:home-depot",
    ]


def test_a_short_form_is_the_configured_entity() -> None:
    """`Musk`, `Mr. Musk`, and the first name beside the full one have the configuration's key."""
    assert keys(("Elon Musk", "PERSON"), ("Musk", "PERSON"), ("Elon", "PERSON"), watched=(MUSK,)) == ["musk"] * 3
    assert keys(("Musk", "PERSON"), watched=(MUSK,)) == ["musk"]


def test_the_brother_is_not_the_configured_man() -> None:
    """Another's full name is another's, and so is the bare surname unless the configured man is in the story too."""
    kimbal = "person:kimbal-musk"
    assert keys(("Kimbal Musk", "PERSON"), ("Musk", "PERSON"), watched=(MUSK,)) == [kimbal, kimbal]
    assert keys(("Kimbal Musk", "PERSON"), ("Elon Musk", "PERSON"), ("Musk", "PERSON"), watched=(MUSK,)) == [kimbal, "musk", "musk"]
    assert keys(("Errol Musk", "PERSON"), ("Musk", "PERSON"), watched=(MUSK,)) == ["person:errol-musk"] * 2


def test_a_longer_span_around_the_full_name_is_the_configured_man() -> None:
    """What the recogniser marked too long is cut to the name."""
    assert named_in("Tesla chief Elon Musk said", ("Tesla chief Elon Musk", "ORG"), watched=(MUSK,)) == [("musk", "Elon Musk")]


def test_a_headline_s_verb_is_no_first_name() -> None:
    """In a headline every word is capitalised, and still Musk and Trump are meant."""
    text = "Musk Meets Trump, Tells Musk Trump Wins"
    assert [key for key, _ in named_in(text, ("Musk Meets Trump", "PERSON"), watched=(MUSK, TRUMP))] == [
        "musk",
        "trump",
        "musk",
        "trump",
    ]
    assert named_in("Billionaire Musk said", ("Musk", "PERSON"), watched=(MUSK,)) == [("musk", "Musk")]


def test_part_of_another_name_is_not_the_configured_entity() -> None:
    """A son, a tower, a namesake."""
    assert named_in("Donald Trump Jr. spoke", ("Donald Trump Jr.", "PERSON"), watched=(TRUMP,)) == [
        ("person:donald-trump-jr", "Donald Trump Jr.")
    ]
    assert named_in("in Trump Tower", ("Trump Tower", "FAC"), watched=(TRUMP,)) == [("place:trump-tower", "Trump Tower")]
    assert named_in("Harrison Ford drove a Ford", ("Harrison Ford", "PERSON"), watched=(FORD,)) == [
        ("person:harrison-ford", "Harrison Ford"),
        ("ford", "Ford"),
    ]


def test_a_name_the_recogniser_missed_is_a_mention() -> None:
    """Its label is that of the configured kind."""
    names = Names((MUSK, FORD))
    named = with_watched("Ford and Musk", [], names.find("Ford and Musk"), names.watched)
    assert [(mention.key, mention.label) for mention in named] == [("ford", "ORG"), ("musk", "PERSON")]


def test_a_configured_country_has_its_people() -> None:
    """Russians are Russia's, where Russia is configured."""
    assert keys(("Russian", "NORP"), ("Moscow", "GPE"), watched=(RUSSIA,)) == ["russia", "place:moscow"]


def test_a_variant_of_the_full_name_is_the_configured_man() -> None:
    """A middle initial and a short given name are no other man."""
    ford = Watched("gerald", "Gerald R. Ford", "person")
    assert keys(("Gerald Ford", "PERSON"), ("Ford", "PERSON"), watched=(ford,)) == ["gerald", "gerald"]


def test_two_configured_entities_stay_two() -> None:
    """However alike their names are."""
    one, other = Watched("one", "George Bush", "person"), Watched("other", "George W. Bush", "person")
    assert keys(("George Bush", "PERSON"), ("George W. Bush", "PERSON"), ("Bush", "PERSON"), watched=(one, other)) == [
        "one",
        "other",
        "person:bush",
    ]


def test_entities_are_counted_and_ordered() -> None:
    """Most mentioned first, then first mentioned; names as full as the story gives them, all different."""
    text = "Ann Lee, Bo Ray, Ray, PARIS"
    spans = [Span(0, 7, "PERSON"), Span(9, 15, "PERSON"), Span(17, 20, "PERSON"), Span(22, 27, "GPE")]
    names = Names(())
    entities = join(with_watched(text, spans, [], names.watched), Roster(names)).entities
    assert [(entity.name, entity.kind, entity.count) for entity in entities] == [
        ("Bo Ray", "person", 2),
        ("Ann Lee", "person", 1),
        ("Paris", "place", 1),
    ]


def test_one_surface_is_one_entity_whatever_its_labels() -> None:
    """The commonest label gives the kind, so that no two entities share a name."""
    mentions = [Named(0, 1, label, "Jordan") for label in ("GPE", "PERSON", "PERSON")]
    joined = join(mentions, Roster(Names(())))
    assert [(entity.name, entity.count) for entity in joined.entities] == [("Jordan", 3)]

"""What a story is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.tables import rows
from pipeline.language.topics import topics


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Arsenal beat Chelsea", "A late goal by the striker won the match.", "sport"),
        (
            "Shares fall",
            "Stocks tumbled on Wall Street as the Federal Reserve raised interest rates.",
            "economy, business and finance",
        ),
        (
            "Man jailed for murder",
            "A jury convicted the defendant; the judge sentenced him to life in prison.",
            "crime, law and justice",
        ),
        (
            "Quake kills dozens",
            "Rescue workers searched for survivors of the earthquake.",
            "disaster, accident and emergency incident",
        ),
        ("Voters go to the polls", "The prime minister called the election in parliament.", "politics and government"),
        ("Hubble sees a comet", "Astronomers at NASA pointed the telescope at the planet.", "science and technology"),
        ("Rebels shell the town", "Troops and militants fought until a ceasefire.", "conflict, war and peace"),
        ("Vaccine trial", "Doctors gave the vaccine to patients in hospital.", "health"),
        ("The Pope speaks", "Bishops of the Catholic church prayed at the Vatican.", "religion"),
    ],
)
def test_the_first_topic_is_what_an_editor_would_say(title: str, text: str, expected: str) -> None:
    """A plain story of a subject is filed under it."""
    assert topics(title, text)[0].name == expected


def test_a_story_has_several_topics_with_scores() -> None:
    """A story on two subjects has both, the surer first, as codes of the IPTC."""
    found = topics(
        "Court fines bank",
        "The judge in the fraud trial fined the bank; its shares and profit fell, investors sued. Prosecutors appealed.",
    )
    assert {"crime, law and justice", "economy, business and finance"} <= {topic.name for topic in found}
    assert [topic.score for topic in found] == sorted((topic.score for topic in found), reverse=True)
    assert all(topic.code.startswith("medtop:") for topic in found)


def test_nothing_is_said_of_what_says_nothing() -> None:
    """Without a telling word there is no topic."""
    assert topics("", "") == ()
    assert topics("Zzz", "Lorem ipsum dolor.") == ()


def test_every_subject_has_words_of_its_own() -> None:
    """The lexicon speaks of all 17 top subjects and of no other."""
    tops = {code for code, _, _, level in rows("topics.tsv") if level == "1"}
    assert len(tops) == 17
    assert {code for code, _, _ in rows("topic_words.tsv")} == tops


@given(st.text(max_size=200), st.text(max_size=200))
def test_scores_are_fractions(title: str, text: str) -> None:
    """At most four topics, no score outside 0..1, no topic twice."""
    found = topics(title, text + " murder football election vaccine shares")
    assert len(found) <= 4
    assert all(0 < topic.score <= 1 for topic in found)
    assert len({topic.code for topic in found}) == len(found)

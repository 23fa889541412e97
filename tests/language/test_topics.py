"""What a story is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.tables import rows
from pipeline.language.tokens import story_tokens
from pipeline.language.topics import strengths, topics


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
    assert topics(story_tokens(title, text))[0].name == expected


def test_a_story_has_several_topics_with_scores() -> None:
    """A story on two subjects has both, the surer first, as codes of the IPTC."""
    found = topics(
        story_tokens(
            "Court fines bank",
            "The judge in the fraud trial fined the bank; its shares and profit fell, investors sued. Prosecutors appealed.",
        )
    )
    assert {"crime, law and justice", "economy, business and finance"} <= {topic.name for topic in found}
    scores = [topic.score for topic in found if topic.code.endswith("000000")]
    assert scores == sorted(scores, reverse=True)
    assert all(topic.code.startswith("medtop:") for topic in found)


def test_nothing_is_said_of_what_says_nothing() -> None:
    """Without a telling word there is no topic."""
    assert topics(story_tokens("", "")) == ()
    assert topics(story_tokens("Zzz", "Lorem ipsum dolor.")) == ()


@pytest.mark.parametrize(
    ("title", "text", "top", "below"),
    [
        ("Quake kills dozens", "Survivors of the earthquake fled; a tsunami followed.", "medtop:03000000", "disaster"),
        ("Arsenal beat Chelsea", "The striker scored in football; the goalkeeper fell.", "medtop:15000000", "competition discipline"),  # noqa: E501
        ("Polls open", "Voters cast ballots in the election; candidates waited.", "medtop:11000000", "election"),
        ("Stocks fall", "Shares on Wall Street fell, bonds and the dollar rose.", "medtop:04000000", "market and exchange"),
    ],
)  # fmt: skip
def test_the_subject_below_is_given_where_it_is_sure(title: str, text: str, top: str, below: str) -> None:
    """Last, with a score no higher than its top subject's, and of the first top subject only."""
    found = topics(story_tokens(title, text))
    assert found[0].code == top
    assert found[-1].name == below
    assert found[-1].score <= found[0].score


def test_no_subject_below_is_guessed() -> None:
    """One word for each of two, or a single word for one, is not sure."""
    top = {code for code, _, _, level in rows("topics.tsv") if level == "1"}
    assert {topic.code for topic in topics(story_tokens("", "The team won the game of the season."))} <= top


def test_every_subject_has_words_and_prototypes_of_its_own() -> None:
    """The tables speak of all 17 top subjects, and of those of the second level only."""
    levels = {code: level for code, _, _, level in rows("topics.tsv")}
    tops = {code for code, level in levels.items() if level == "1"}
    assert len(tops) == 17
    assert {code for code, _, _ in rows("topic_words.tsv")} == {code for code, _ in rows("topic_prototypes.tsv")} == tops
    assert {levels[code] for code, _ in rows("subtopic_words.tsv")} == {"2"}


def test_without_vectors_the_lexicon_speaks() -> None:
    """What a story is like adds to what its words say; where the table is missing the words decide."""
    assert strengths([1.0, 3.0], None) == [0.2, 0.6]
    moved = strengths([1.0, 3.0], [0.9, -0.9])
    assert moved[0] > moved[1]


@given(st.text(max_size=200), st.text(max_size=200))
def test_scores_are_fractions(title: str, text: str) -> None:
    """At most four topics and one below the first, no score outside 0..1, no topic twice."""
    found = topics(story_tokens(title, text + " murder football election vaccine shares"))
    assert len(found) <= 5
    assert all(0 < topic.score <= 1 for topic in found)
    assert len({topic.code for topic in found}) == len(found)

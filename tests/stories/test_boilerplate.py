"""What a publisher says over and over."""

from itertools import permutations

from pipeline.model import Habit
from pipeline.stories.boilerplate import MOST_LINES, UNRELATED, boilerplate, learnt, lines, newly_known, own_lines

FOOTER = "Sign up for our morning letter. Read more in our app!"


def said(number: int, own: str = "") -> list[list[str]]:
    return lines(f"Story {number} tells of thing{number}. {own}\n{FOOTER}")


def taught(*numbers: int) -> Habit:
    habit = Habit("news.example")
    for number in numbers:
        habit = learnt(habit, {f"s{number}": said(number)})
    return habit


def test_lines_are_sentences_and_paragraphs() -> None:
    """Whatever their case, and quotes stay with theirs."""
    assert lines('He said: "No." Then he left!\nNobody') == [["he", "said", "no"], ["then", "he", "left"], ["nobody"]]


def test_what_stands_in_some_stories_is_left_out() -> None:
    """Three unrelated stories with a line make a habit of it; two do not."""
    assert len(own_lines(said(9), boilerplate(taught(1, 2)))) == 3
    assert own_lines(said(9), boilerplate(taught(*range(UNRELATED)))) == [["story", "9", "tells", "of", "thing9"]]


def test_the_order_and_a_second_look_teach_the_same() -> None:
    """A story that is looked at again after a crash counts once."""
    ends = {frozenset(boilerplate(taught(*order, *order[:2]))) for order in permutations(range(3))}
    assert len(ends) == 1
    assert taught(1, 1, 1, 2, 2) == taught(1, 2)


def test_a_story_that_is_told_again_teaches_nothing() -> None:
    """The same lines under another id are the same story."""
    habit = taught(1)
    assert learnt(habit, {"again": said(1)}) == habit


def test_it_says_whose_boilerplate_is_known_only_now() -> None:
    """The stories that had the line, and nobody once it is known."""
    assert newly_known(taught(1, 2), taught(1, 2, 3)) == {"s1", "s2", "s3"}
    assert newly_known(taught(1, 2, 3), taught(1, 2, 3, 4)) == set()


def test_what_does_not_recur_is_forgotten_first() -> None:
    """What is remembered is bounded, and habits outlive single lines."""
    habit = taught(1, 2, 3)
    habit = learnt(habit, {f"n{n}": lines(f"Nothing like number{n} was ever told before.") for n in range(1_000)})
    assert len(habit.lines) <= 2 * MOST_LINES
    assert len(boilerplate(habit)) == 2


def test_stories_together_teach_what_they_teach_one_by_one() -> None:
    """Whatever the batch."""
    assert learnt(Habit("news.example"), {f"s{number}": said(number) for number in (1, 2, 3)}) == taught(1, 2, 3)

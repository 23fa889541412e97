"""What tells an edit from another story."""

from pipeline.stories.edits import tell_another, telling_words

STORM = telling_words("Storm reaches the northern coast", "Ferries stay in harbour while gusts pull roofs off barns.")
BUDGET = telling_words("Chancellor unveils surprise budget", "Income tax falls by a penny, fuel duty is frozen, pensions rise.")


def test_two_that_have_no_telling_word_in_common_are_two() -> None:
    """Whichever is asked about."""
    assert tell_another(STORM, BUDGET)
    assert tell_another(BUDGET, STORM)


def test_one_word_in_common_makes_an_edit() -> None:
    """Its beginning counts, in whatever form."""
    assert not tell_another(
        STORM, telling_words("Roof repairs begin", "Farmers count what the night cost them in timber and livestock.")
    )


def test_who_says_little_cannot_tell() -> None:
    """A bare title is an edit of whatever stood there."""
    assert not tell_another(STORM, telling_words("Chancellor unveils surprise budget", ""))


def test_words_of_any_news_tell_nothing() -> None:
    """Live, breaking, the day of the week, numbers."""
    assert telling_words("Breaking: live updates for Monday, 14 July 2026", "Watch the latest report") == {"july"}

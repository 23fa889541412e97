from pipeline.config.problems import Problem, did_you_mean, listed, quoted, without_user_info


def test_problems_are_listed_in_order_of_place_and_once() -> None:
    """Line by line, file by file."""
    problems = [Problem("b", 1, ("x",), "no"), Problem("a", 10, ("feeds", 2, "url"), "no"), Problem("a", 9, (), "no")]
    assert listed([*problems, problems[0]]) == "a:9: no\na:10: feeds[2].url: no\nb:1: x: no"


def test_a_problem_with_a_whole_file_has_no_line() -> None:
    """There is none to show."""
    assert str(Problem("a.yaml", 0, (), "there is no such file")) == "a.yaml: there is no such file"


def test_an_odd_key_is_quoted() -> None:
    """A terminal is not written to by a key."""
    assert str(Problem("a", 1, ("entities", "\x1b[2J", "x"), "no")) == r"a:1: entities.'\x1b[2J'.x: no"


def test_a_quoted_value_is_short_printable_and_without_password() -> None:
    """Whatever stands in the file."""
    assert quoted("a\x1b\u202e\n") == r"'a\x1b\u202e\n'"
    assert len(quoted("a" * 1_000)) == 63
    assert quoted("https://me:pw@x/") == "'https://…@x/'"


def test_a_url_loses_its_user_and_nothing_else() -> None:
    """An @ in the path is no user's."""
    assert [without_user_info(url) for url in ("https://a:b@c@x/y@z", "https://x/@y", "x@y")] == [
        "https://x/y@z",
        "https://x/@y",
        "x@y",
    ]


def test_the_closest_name_is_meant() -> None:
    """Whatever its case; nothing where nothing is close."""
    assert did_you_mean("MUKS", ["musk", "putin"]) == "; did you mean `musk`?"
    assert did_you_mean("zzz", ["musk", "putin"]) == ""

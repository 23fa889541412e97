from collections.abc import Callable

from pipeline.config import Settings

HOOK = "{url: https://example.org/hook, secret: ${DESK_SECRET}}"


def test_a_watch_names_what_exists(complaints: Callable[..., list[str]]) -> None:
    """An unknown key is an error that says which is meant: the closest, or that of the entity so named."""
    text = f"entities: {{musk: {{name: Elon Musk}}}}\nwebhooks: {{desk: {HOOK}}}\nwatches:\n"
    assert complaints(text + "- {name: w, all: [muks, elon musk, zzz], alert: [dsek]}") == [
        "main.yaml:4: watches[0].all[0]: expected the key of an entity (got 'muks'); did you mean `musk`?",
        "main.yaml:4: watches[0].all[1]: expected the key of an entity (got 'elon musk'); its key is `musk`",
        "main.yaml:4: watches[0].all[2]: expected the key of an entity (got 'zzz')",
        "main.yaml:4: watches[0].alert[0]: expected the name of a webhook (got 'dsek'); did you mean `desk`?",
    ]


def test_where_nothing_is_defined_the_error_says_where_to(complaints: Callable[..., list[str]]) -> None:
    """There is nothing close to be meant."""
    entity, webhook = complaints("watches: [{name: w, all: [musk], alert: [desk]}]")
    assert entity.endswith("expected the key of an entity (got 'musk'); no entity is defined: add it under `entities`")
    assert webhook.endswith("expected the name of a webhook (got 'desk'); no webhook is defined: add it under `webhooks`")


def test_what_is_wrong_in_itself_is_still_defined(complaints: Callable[..., list[str]]) -> None:
    """One mistake in an entity is one error, not one more for each watch that names it; and one in a watch hides no other."""
    assert complaints("entities: {x: {name: X, kind: z}}\nwatches:\n- {name: w, all: [x, y], within: z}") == [
        "main.yaml:1: entities.x.kind: expected person, organisation, place, group, product, event, work, law or other (got 'z')",
        "main.yaml:3: watches[0].all[1]: expected the key of an entity (got 'y')",
        "main.yaml:3: watches[0].within: expected sentence, paragraph or story (got 'z')",
    ]


def test_references_cross_files_in_either_direction(settings_of: Callable[..., Settings]) -> None:
    """A watchlist names the webhooks of the main file, and the main file's watches its entities."""
    settings = settings_of(
        f"include: list.yaml\nwebhooks: {{desk: {HOOK}}}\nwatches: [{{name: a, all: [x]}}]",
        {"list.yaml": "entities: {x: {name: X}}\nwatches: [{name: b, all: [x], alert: [desk]}]"},
    )
    assert [watch.name for watch in settings.watches] == ["a", "b"]


def test_two_watches_of_one_name_are_an_error(complaints: Callable[..., list[str]]) -> None:
    """Their alerts could not be told apart; both places are named."""
    watch = "watches:\n  - {name: w, all: [x]}"
    assert complaints(f"include: a.yaml\nentities: {{x: {{name: X}}}}\n{watch}", {"a.yaml": watch}) == [
        "a.yaml:2: watches[0].name: expected a name of its own (got 'w'); it is defined already at main.yaml:4"
    ]


def test_one_feed_twice_is_an_error(complaints: Callable[..., list[str]], settings_of: Callable[..., Settings]) -> None:
    """Spellings of the host and a fragment make no other feed; another path or scheme does."""
    twice, other = complaints("feeds:\n- url: https://example.org/a\n- {url: 'HTTPS://Example.org/a#', every: z}")
    assert twice == (
        "main.yaml:3: feeds[1].url: expected a feed of its own (got 'HTTPS://Example.org/a#'); it is defined already at main.yaml:2"
    )
    assert other.startswith("main.yaml:3: feeds[1].every: ")
    differ = ("https://example.org/a", "https://example.org/A", "http://example.org/a")
    assert len(settings_of("feeds:" + "".join(f"\n- url: {url}" for url in differ)).feeds) == 3


def test_a_thousand_dangling_watches_are_all_told(complaints: Callable[..., list[str]]) -> None:
    """Only the first few with a guess of what is meant: guessing takes time."""
    entities = "".join(f"  person-{at}: {{name: X{at}}}\n" for at in range(1_000))
    watches = "".join(f"  - {{name: w{at}, all: [persn-{at}]}}\n" for at in range(1_000))
    lines = complaints(f"entities:\n{entities}watches:\n{watches}")
    assert len(lines) == 1_000
    assert sum("did you mean" in line for line in lines) == 20

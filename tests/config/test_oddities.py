from collections.abc import Callable

from pipeline.config import Settings, warnings


def test_two_entities_that_share_a_name_are_odd(settings_of: Callable[..., Settings]) -> None:
    """Whatever its case, be it name or alias; unless both are found only as written and written differently."""
    text = "entities: {a: {name: Elon Musk, aliases: [Musk]}, b: {name: Musk Ltd, aliases: [MUSK, musk]}, c: {name: Other}}"
    assert warnings(settings_of(text)) == [
        "entities `a` and `b` share the name 'Musk': a story that uses it is given to one of them only"
    ]
    apart = "entities: {a: {name: WHO, case: exact}, b: {name: Who, case: exact}}"
    assert warnings(settings_of(apart)) == []
    assert len(warnings(settings_of(apart.replace("Who, case: exact", "Who")))) == 1
    assert len(warnings(settings_of(apart.replace("Who", "WHO")))) == 1


def test_a_watch_that_names_an_entity_twice_is_odd(settings_of: Callable[..., Settings]) -> None:
    """Nobody meets himself."""
    assert warnings(settings_of("entities: {a: {name: A}}\nwatches: [{name: w, all: [a, a]}]")) == [
        "watch `w` names `a` more than once: an entity does not meet itself, it counts once"
    ]


def test_a_name_that_is_never_found_is_odd(settings_of: Callable[..., Settings]) -> None:
    """What is under `never` hides the alias of the same words."""
    assert warnings(settings_of("entities: {a: {name: A, aliases: [B], never: [b]}}")) == [
        "entity `a`: 'B' is one of its names and also under `never`: it is never found by it"
    ]


def test_a_webhook_that_nobody_uses_is_odd(settings_of: Callable[..., Settings]) -> None:
    """It was forgotten under `alert`."""
    text = (
        "entities: {a: {name: A}}\nwebhooks: {desk: {url: 'http://x/', secret: '${DESK_SECRET}'}}\nwatches: [{name: w, all: [a]}]"
    )
    assert warnings(settings_of(text)) == ["webhook `desk` is told by no watch: name it under `alert` of one"]
    assert warnings(settings_of(text.replace("all: [a]", "all: [a], alert: [desk]"))) == []

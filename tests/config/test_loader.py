import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import Settings, load, warnings
from pipeline.errors import ConfigError

ROOT = Path(__file__).parents[2]
EXAMPLES = ("news.yaml", "example.yaml")
DOCUMENTED = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/configuration.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_load_without_a_warning(name: str, secret: str) -> None:
    """What we ship runs as it is."""
    settings = load(ROOT / "configs" / name, {"DESK_SECRET": secret})
    assert settings.feeds
    assert settings.watches
    assert warnings(settings) == []


def test_the_news_need_nothing_of_the_environment() -> None:
    """Two words on the command line, and it runs: some forty feeds, and no webhook."""
    settings = load(ROOT / "configs/news.yaml", {})
    assert len(settings.feeds) >= 40
    assert all(feed.url.startswith("https://") for feed in settings.feeds)
    assert not settings.webhooks


def test_the_documented_configuration_loads(tmp_path: Path, secret: str) -> None:
    """The first example of the page is whole."""
    (tmp_path / "x.yaml").write_text(DOCUMENTED[0], encoding="utf-8")
    assert load(tmp_path / "x.yaml", {"DESK_SECRET": secret}).watches


def test_the_documented_errors_are_the_real_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page shows what a person sees."""
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(wirewatch\.yaml:.*?)\n```", page, re.DOTALL)
    (tmp_path / "wirewatch.yaml").write_text(DOCUMENTED[-1], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as refused:
        load(Path("wirewatch.yaml"), {})
    assert str(refused.value) == shown


def test_every_problem_is_told_at_once(complaints: Callable[..., list[str]]) -> None:
    """Of every file, section and kind: nobody likes to mend one thing a run."""
    main = """\
stor: x
store: redis://x
include: [a.yaml, b.yaml, none.yaml]
feeds:
  - {url: x, every: z}
  - {url: 'http://x/', url: 'http://y/'}
watches:
  - {name: w, all: [nobody]}
webhooks:
  desk: {url: 'http://x/', secret: '${NO_SECRET}', timeout: z}
"""
    lines = complaints(main, {"a.yaml": "a: [\n", "b.yaml": "entities: {x: {nam: X}}"})
    assert [line.split(" ")[0] + " " + line.split(" ")[1] for line in lines] == [
        "a.yaml:2: expected",
        "b.yaml:1: entities.x.name:",
        "b.yaml:1: entities.x.nam:",
        "main.yaml:1: stor:",
        "main.yaml:2: store:",
        "main.yaml:3: include[2]:",
        "main.yaml:5: feeds[0].url:",
        "main.yaml:5: feeds[0].every:",
        "main.yaml:6: feeds[1].url:",
        "main.yaml:8: watches[0].all[0]:",
        "main.yaml:10: webhooks.desk.secret:",
        "main.yaml:10: webhooks.desk.timeout:",
    ]


def test_ten_thousand_entities_load(settings_of: Callable[..., Settings]) -> None:
    """A large watchlist, each entity its own."""
    entities = "".join(f"  e{at}: {{name: Person Number{at}, kind: person, aliases: [Number{at}]}}\n" for at in range(10_000))
    assert settings_of(f"entities:\n{entities}").entities["e9999"].aliases == ("Number9999",)

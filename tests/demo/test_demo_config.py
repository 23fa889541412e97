from pathlib import Path

import pytest

from pipeline.config.loader import load
from pipeline.demo.config import SECRET_VARIABLE, write_configuration
from pipeline.errors import ConfigError

FEEDS = [("http://127.0.0.1:1/a/world.xml", "A: World"), ("http://127.0.0.1:1/b/feed.json", "B")]
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


def test_it_is_a_configuration(tmp_path: Path):
    """The service reads it: feeds with their names, the watchlist beside it, a store and a webhook of its own."""
    settings = load(write_configuration(tmp_path, FEEDS, "http://127.0.0.1:2/"), {SECRET_VARIABLE: SECRET})
    assert [(feed.url, feed.name, feed.every.total_seconds()) for feed in settings.feeds] == [(*feed, 1.0) for feed in FEEDS]
    assert settings.store == f"sqlite:///{tmp_path / 'wirewatch.db'}"
    assert {watch.name for watch in settings.watches} >= {"musk-putin", "putin-xi"}
    assert all(watch.alert == ("desk",) for watch in settings.watches)
    assert settings.webhooks["desk"].secret.get_secret_value() == SECRET


def test_the_secret_comes_from_the_environment(tmp_path: Path):
    """Without the variable it is refused, with its name in the error."""
    with pytest.raises(ConfigError, match=SECRET_VARIABLE):
        load(write_configuration(tmp_path, FEEDS, "http://127.0.0.1:2/"), {})

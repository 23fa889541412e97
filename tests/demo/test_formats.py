import json
from datetime import UTC, datetime

import feedparser
import pytest

from pipeline.demo.formats import RENDERERS, Entry, FeedPage

PUBLISHED = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
UPDATED = datetime(2026, 3, 1, 12, 0, 45, tzinfo=UTC)
TITLE = "Ham & <eggs> ]]> “again”"
FULL = Entry("desk-1", "https://desk.example/1", TITLE, ("First & last.", "Second < third."), "", PUBLISHED, UPDATED)
BARE = Entry(None, None, None, ("Only words.",), "", PUBLISHED, PUBLISHED)
PAGE = FeedPage("The Desk", "https://desk.example/", UPDATED, (FULL, BARE))
VERSIONS = {"rss2": "rss20", "rss2_full": "rss20", "rss1": "rss10", "atom": "atom10", "atom_xhtml": "atom10"}


@pytest.mark.parametrize("name", VERSIONS)
def test_feedparser_reads_what_was_written(name):
    """Each XML format is well-formed and gives title, link, dates and the whole text back, whatever stands in them."""
    parsed = feedparser.parse(RENDERERS[name](PAGE), sanitize_html=False)
    assert not parsed.bozo
    assert parsed.version == VERSIONS[name]
    full, bare = parsed.entries
    assert full.title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == FULL.title
    assert full.link == FULL.url
    assert full.updated_parsed[:6] == (2026, 3, 1, 12, 0, 45)
    body = full.content[0].value if "content" in full else full.summary
    assert "First &amp; last." in body
    assert "Second &lt; third." in body
    assert "title" not in bare


@pytest.mark.parametrize("name", ["rss2", "rss2_full", "atom", "atom_xhtml"])
def test_an_edit_keeps_the_day_it_was_published(name):
    """Where the format has two dates, both come through."""
    assert feedparser.parse(RENDERERS[name](PAGE)).entries[0].published_parsed[:6] == (2026, 3, 1, 12, 0, 5)


@pytest.mark.parametrize("name", ["rss2", "rss2_full", "atom", "atom_xhtml"])
def test_what_an_entry_lacks_is_not_there(name):
    """No id and no link are no elements, not empty ones."""
    bare = feedparser.parse(RENDERERS[name](PAGE)).entries[1]
    assert "id" not in bare
    assert "link" not in bare


def test_json_feed():
    """JSON Feed 1.1 with HTML content; what is missing has no key, control characters come through."""
    hostile = FULL._replace(title="\x1b[31mred", html="<script>1</script>")
    document = json.loads(RENDERERS["jsonfeed"](PAGE._replace(entries=(hostile, BARE))))
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    full, bare = document["items"]
    assert full["title"] == "\x1b[31mred"
    assert full["content_html"] == "<p>First &amp; last.</p><p>Second &lt; third.</p><script>1</script>"
    assert set(bare) == {"content_html", "date_published", "date_modified"}

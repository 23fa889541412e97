import re
from importlib.resources import files
from itertools import combinations, pairwise

import pytest
import yaml

from pipeline.demo.expected import Arrival, expected_alerts, judge
from pipeline.demo.programme import Article, Wording, parse, programme
from pipeline.stories.grouping import LEAST_ALIKE, LEAST_CROWDED
from pipeline.stories.likeness import Rarity, packed_terms

PROGRAMME = programme()
WATCHLIST = yaml.safe_load(files("pipeline.demo").joinpath("watchlist.yaml").read_text())


def named_in(text: str) -> set[str]:
    """The keys of the watched entities that `text` names, by a rule of its own: names and aliases, where no `never` stands."""
    found = set()
    for key, entity in WATCHLIST["entities"].items():
        for never in entity.get("never", ()):
            text = text.replace(never, "_")
        names = "|".join(re.escape(name) for name in [entity["name"], *entity.get("aliases", ())])
        if re.search(rf"\b(?:{names})\b", text):
            found.add(key)
    return found


def passages(wording: Wording, within: str) -> list[str]:
    """The passages of a wording in which entities meet."""
    paragraphs = [wording.title, *wording.paragraphs]
    if within == "story":
        return ["\n".join(paragraphs)]
    if within == "paragraph":
        return paragraphs
    return [sentence for paragraph in paragraphs for sentence in re.split(r"(?<=[.?!])\s+", paragraph)]


def matches(wording: Wording) -> set[str]:
    """The watches that a wording matches, worked out from its words."""
    return {
        watch["name"]
        for watch in WATCHLIST["watches"]
        if any(set(watch["all"]) <= named_in(passage) for passage in passages(wording, watch["within"]))
    }


@pytest.mark.parametrize("article", PROGRAMME.articles, ids=lambda article: article.id)
def test_what_a_story_must_fire_is_what_its_words_say(article: Article):
    """A wording declares the watches that match it and none before it; a copy matches what its original does and declares none."""
    if article.copy_of:
        original = next(other for other in PROGRAMME.articles if other.id == article.copy_of)
        assert matches(article.wordings[0]) == matches(original.wordings[0])
        assert article.wordings[0].fires == ()
        return
    fired: set[str] = set()
    for wording in article.wordings:
        assert set(wording.fires) == matches(wording) - fired
        fired |= matches(wording)


def test_it_has_what_a_demo_must_show():
    """Six outlets in four formats, about thirty stories in about a minute; copies, edits, cross-posts, lacks and each mishap."""
    assert len(PROGRAMME.outlets) == 6
    formats = {name.partition("_")[0] for outlet in PROGRAMME.outlets for name in outlet.feeds.values()}
    assert formats == {"rss1", "rss2", "atom", "jsonfeed"}
    assert 30 <= len(PROGRAMME.articles) <= 40
    assert 45 <= PROGRAMME.length_s <= 70
    assert {mishap.kind for mishap in PROGRAMME.mishaps} == {"error", "hang", "truncated", "entity", "page"}
    assert sum(article.copy_of is not None for article in PROGRAMME.articles) >= 3
    assert any(len(article.placements) > 1 for article in PROGRAMME.articles)
    assert {part for article in PROGRAMME.articles for part in article.lacks} == {"title", "guid", "link"}
    edits = [article.wordings for article in PROGRAMME.articles if len(article.wordings) > 1]
    assert any(before.title != after.title and before.paragraphs == after.paragraphs for before, after in edits), "only re-titled"
    assert any(after.fires for _, after in edits), "an edit that fires"


@pytest.mark.parametrize("watch", [watch["name"] for watch in WATCHLIST["watches"]])
def test_every_watch_fires(watch: str):
    """No watch of the demo waits in vain."""
    assert any(alert.watch == watch for alert in expected_alerts(PROGRAMME))


def test_copies_are_near_verbatim():
    """Of the words of a copy's original at most a few are changed."""
    for copy in (article for article in PROGRAMME.articles if article.copy_of):
        original = next(other for other in PROGRAMME.articles if other.id == copy.copy_of)
        words, others = (" ".join(article.wordings[0].paragraphs).split() for article in (original, copy))
        assert copy.outlet != original.outlet
        assert words != others
        assert len(set(pairwise(words)) - set(pairwise(others))) <= 8


def test_what_must_be_told_apart_reads_apart_in_every_wording():
    """A slow machine, which sees last wordings only, tells each happening too: no two read alike, by a tenth of the bar."""
    rarity = Rarity()
    told = [article for article in PROGRAMME.articles if not article.copy_of and any(each.fires for each in article.wordings)]
    for one, other in combinations(told, 2):
        terms = [[packed_terms(each.title, "\n\n".join(each.paragraphs)) for each in article.wordings] for article in (one, other)]
        most = max(float(how) for first in terms[0] for how in rarity.alike(first, terms[1]))
        assert most < 0.9 * (LEAST_ALIKE + LEAST_CROWDED), (one.id, other.id, most)


def test_a_programme_that_contradicts_itself_is_refused():
    """An edit that replaces what is not there is an error, not a story left as it was."""
    story = "{id: s, outlet: a, at: 0, title: T, text: words, edits: [{at: 1, replace: [[gone, x]]}]}"
    text = f"{{outlets: [{{key: a, name: A, feeds: {{f: atom}}}}], mishaps: [], stories: [{story}]}}"
    with pytest.raises(ValueError, match="gone"):
        parse(text)


EXPECTED = expected_alerts(PROGRAMME)
ALL = [Arrival(f"msg_{number}", alert.watch, min(alert.urls)) for number, alert in enumerate(EXPECTED)]


def test_all_that_was_expected_once_is_right():
    """Every expected alert under one id each is a success, also where a delivery was repeated or its link carries a tracker."""
    assert judge(EXPECTED, ALL).is_right
    assert judge(EXPECTED, [*ALL, ALL[0]]).is_right
    assert judge(EXPECTED, [ALL[0]._replace(url=f"{ALL[0].url}?utm_source=rss"), *ALL[1:]]).is_right


def test_what_is_missing_unexpected_or_repeated_is_not():
    """An alert that lacks, one that nobody declared and one under a second id are each named."""
    assert judge(EXPECTED, ALL[1:]).missing == (EXPECTED[0],)
    stranger = Arrival("msg_x", "musk-putin", "https://nordwind-dispatch.example/orchard-fair")
    assert judge(EXPECTED, [*ALL, stranger]).unexpected == (stranger,)
    assert judge(EXPECTED, [*ALL, ALL[0]._replace(webhook_id="msg_again")]).repeated == (EXPECTED[0],)
    assert judge(EXPECTED, [ALL[0]._replace(url=None), *ALL[1:]]).missing == (EXPECTED[0],)

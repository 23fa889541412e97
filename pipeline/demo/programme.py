"""What the demo's newsroom publishes and when: `stories.yaml`, read and checked. Pure but for reading that file.

Times are seconds after the newsroom opens. A story stands in one feed or more (placements) in one wording after the other; a copy
is another outlet's story made from the first wording of its original.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Literal, NamedTuple, get_args

import yaml

Format = Literal["rss2", "rss2_full", "rss1", "atom", "atom_xhtml", "jsonfeed"]
MishapKind = Literal["error", "hang", "truncated", "entity", "page"]
Part = Literal["title", "guid", "link"]


class Outlet(NamedTuple):
    """A publisher of the newsroom; it does not exist."""

    key: str
    name: str
    feeds: Mapping[str, Format]
    """File name of the feed -> its format; the first is where stories stand that name none."""
    content_type: str | None
    """What it says its feeds are, where that is not true."""
    validators: bool
    """Whether it sends ETag and Last-Modified, and honours them."""

    @property
    def site(self) -> str:
        """Where its stories would be read, without a slash at the end."""
        return f"https://{self.key}.example"


class Wording(NamedTuple):
    """A story as it reads from `at_s` on."""

    at_s: float
    title: str
    paragraphs: tuple[str, ...]
    fires: tuple[str, ...]
    """The watches that this wording must fire, and no wording before it did."""


class Placement(NamedTuple):
    """A feed that a story stands in, from `at_s` on."""

    feed: str
    at_s: float


class Article(NamedTuple):
    """A story of an outlet, with all it will go through."""

    id: str
    outlet: str
    placements: tuple[Placement, ...]
    wordings: tuple[Wording, ...]
    copy_of: str | None
    lacks: tuple[Part, ...]
    """What the feed leaves out of its item."""
    html: str
    """Markup that the outlet puts behind the text, hostile as a rule."""

    @property
    def url(self) -> str:
        """Where the story would be read."""
        return f"https://{self.outlet}.example/{self.id}"


class Mishap(NamedTuple):
    """What goes wrong once, at the first poll of an outlet from `at_s` on.

    error: 500. hang: no answer for a while, then none at all. truncated: half a document. entity: an entity that nobody declared.
    page: an HTML page instead of a feed, served as 200.
    """

    outlet: str
    at_s: float
    kind: MishapKind


class Programme(NamedTuple):
    """All that the newsroom will do."""

    outlets: tuple[Outlet, ...]
    articles: tuple[Article, ...]
    mishaps: tuple[Mishap, ...]

    @property
    def length_s(self) -> float:
        """When the last thing happens."""
        return max(at_s for article in self.articles for at_s in _times(article))


def programme() -> Programme:
    """The demo's own programme."""
    return parse(files("pipeline.demo").joinpath("stories.yaml").read_text(encoding="utf-8"))


def parse(text: str) -> Programme:
    """Read a programme from YAML; raises KeyError or ValueError where it contradicts itself: the file is ours, not a user's."""
    raw = yaml.safe_load(text)
    outlets = tuple(_outlet(entry) for entry in raw["outlets"])
    first_feeds = {outlet.key: next(iter(outlet.feeds)) for outlet in outlets}
    articles: dict[str, Article] = {}
    for entry in raw["stories"]:
        article = _article(entry, first_feeds, articles)
        if article.id in articles:
            raise ValueError(f"two stories are called {article.id}")
        articles[article.id] = article
    return Programme(outlets, tuple(articles.values()), tuple(_mishap(entry) for entry in raw["mishaps"]))


def _times(article: Article) -> Iterator[float]:
    yield from (placement.at_s for placement in article.placements)
    yield from (wording.at_s for wording in article.wordings)


def _outlet(entry: Mapping[str, Any]) -> Outlet:
    for name in entry["feeds"].values():
        _one_of(get_args(Format), name)
    return Outlet(entry["key"], entry["name"], entry["feeds"], entry.get("content_type"), entry.get("validators", True))


def _mishap(entry: Mapping[str, Any]) -> Mishap:
    return Mishap(entry["outlet"], float(entry["at"]), _one_of(get_args(MishapKind), entry["kind"]))


def _article(entry: Mapping[str, Any], first_feeds: Mapping[str, str], known: Mapping[str, Article]) -> Article:
    feeds = entry.get("feeds") or {first_feeds[entry["outlet"]]: entry["at"]}
    placements = tuple(Placement(feed, float(at_s)) for feed, at_s in feeds.items())
    opens_s = min(placement.at_s for placement in placements)
    copy_of = entry.get("copy_of")
    first = _reworded(known[copy_of].wordings[0], entry, opens_s) if copy_of else _first_wording(entry, opens_s)
    return Article(
        id=entry["id"],
        outlet=entry["outlet"],
        placements=placements,
        wordings=_wordings(first, entry.get("edits", ())),
        copy_of=copy_of,
        lacks=tuple(_one_of(get_args(Part), part) for part in entry.get("lacks", ())),
        html=entry.get("html", ""),
    )


def _first_wording(entry: Mapping[str, Any], at_s: float) -> Wording:
    paragraphs = tuple(line.strip() for line in entry["text"].split("\n") if line.strip())
    return Wording(at_s, entry["title"], paragraphs, tuple(entry.get("fires", ())))


def _wordings(first: Wording, edits: Sequence[Mapping[str, Any]]) -> tuple[Wording, ...]:
    wordings = [first]
    for edit in edits:
        wordings.append(_reworded(wordings[-1], edit, float(edit["at"])))
    return tuple(wordings)


def _reworded(before: Wording, change: Mapping[str, Any], at_s: float) -> Wording:
    """`before` with another title, words replaced and a paragraph added, as far as `change` asks for it."""
    text = "\n".join(before.paragraphs)
    for old, new in change.get("replace", ()):
        if old not in text:
            raise ValueError(f"nothing to replace: {old!r}")
        text = text.replace(old, new)
    if added := change.get("add"):
        text += "\n" + added.strip()
    return Wording(at_s, change.get("title", before.title), tuple(text.split("\n")), tuple(change.get("fires", ())))


def _one_of(allowed: Sequence[str], value: str) -> Any:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
    return value

"""News-like stories, generated: the same for the same seed, no two alike."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import cache

from pipeline.demo.programme import programme
from pipeline.model import Item, ItemVersion, stable_id

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
_NAMES = ("Alma", "Boris", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Keiko", "Liam")
_OWN = 25
"""Words that only one story has; in the news, names and what they did."""
_PEOPLE, _SENTENCES = 2, 2
"""Of a story's own; its sentences, and three times as many with few names, are told again in other words."""
_SURNAMES = ("Abara", "Brandt", "Castillo", "Dorin", "Eklund", "Fischer", "Grange", "Haddad", "Ivanov", "Jensen", "Kato")


def sentences() -> list[str]:
    """Every sentence of the demo's stories."""
    paragraphs = [line for article in programme().articles for wording in article.wordings for line in wording.paragraphs]
    return [sentence.strip() + "." for paragraph in paragraphs for sentence in paragraph.split(". ") if len(sentence) > 30]


@cache
def words_of() -> list[str]:
    """Every word of the demo's stories that is no name, once."""
    return sorted({word for sentence in sentences() for word in sentence.split() if word.isalpha() and word.islower()})


@cache
def _with_few_names() -> list[str]:
    return [sentence for sentence in sentences() if sum(word[:1].isupper() for word in sentence.split()[1:]) < 2]


def made_up(rng: random.Random, count: int) -> list[str]:
    """`count` words that no other story has, as names and places are: without some, all stories would tell of one happening."""
    return ["".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(4)) for _ in range(count)]


def texts(count: int, words: int = 550, seed: int = 0) -> list[str]:
    """`count` texts of about `words` words, in paragraphs of nine sentences, each of a happening, with people and words of its own.

    Somewhat more entities, pairs and mentions than news has (13, 18 and 29; 150 captured stories, cut to as many words, have 13, 13
    and 24), and about as few stories that are compared as copies of others (one in a hundred; of 1,454 long captured stories none).
    For this three in five of the words that are no names are drawn at random, one in three of these from words that no other story
    has; without such, every story would be of one event.
    """
    rng, stock = random.Random(seed), sentences()
    return [_text(rng, stock, words) for _ in range(count)]


def versions(count: int, words: int = 550, seed: int = 0) -> list[ItemVersion]:
    """`texts` as item versions of stories of ten publishers, a minute apart."""
    return [
        ItemVersion(
            stable_id("benchmark", str(seed), str(n)),
            Item(
                feed=f"https://outlet{n % 10}.example/rss",
                guid=None,
                url=f"https://outlet{n % 10}.example/{seed}/{n}",
                title=text[:70],
                content=text,
                is_html=False,
                published_at=NOW + timedelta(minutes=n),
                ref=str(n),
            ),
            NOW + timedelta(minutes=n),
        )
        for n, text in enumerate(texts(count, words, seed))
    ]


def _text(rng: random.Random, stock: list[str], words: int) -> str:
    own, told = made_up(rng, _OWN), [*rng.sample(stock, k=_SENTENCES), *rng.sample(_with_few_names(), k=3 * _SENTENCES)]
    people = [f"{rng.choice(_NAMES)} {rng.choice(_SURNAMES)}" for _ in range(_PEOPLE)]
    parts, length = [], 0
    while length < words:
        chosen = [
            f"{rng.choice(people)} said so on {rng.choice(('Monday', 'Tuesday', 'Friday'))} in report {rng.randrange(10**6)}.",
            *(_varied(rng, sentence, own) for sentence in rng.choices(told, k=8)),
        ]
        parts.append(" ".join(chosen))
        length += sum(len(sentence.split()) for sentence in chosen)
    return " ".join("\n".join(parts).split(" ")[:words])


def _varied(rng: random.Random, sentence: str, own: list[str]) -> str:
    return " ".join(_other(rng, own) if word.islower() and rng.random() < 0.6 else word for word in sentence.split())


def _other(rng: random.Random, own: list[str]) -> str:
    return rng.choice(own if rng.random() < 1 / 3 else words_of())

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
_SURNAMES = ("Abara", "Brandt", "Castillo", "Dorin", "Eklund", "Fischer", "Grange", "Haddad", "Ivanov", "Jensen", "Kato")


def sentences() -> list[str]:
    """Every sentence of the demo's stories."""
    paragraphs = [line for article in programme().articles for wording in article.wordings for line in wording.paragraphs]
    return [sentence.strip() + "." for paragraph in paragraphs for sentence in paragraph.split(". ") if len(sentence) > 30]


@cache
def words_of() -> list[str]:
    """Every word of the demo's stories that is no name, once."""
    return sorted({word for sentence in sentences() for word in sentence.split() if word.isalpha() and word.islower()})


def made_up(rng: random.Random, count: int) -> list[str]:
    """`count` words that no other story has, as names and places are: without some, all stories would tell of one happening."""
    return ["".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(4)) for _ in range(count)]


def texts(count: int, words: int = 550, seed: int = 0) -> list[str]:
    """`count` texts of about `words` words, in paragraphs of five sentences, each with people and a happening of its own.

    Seven in ten of the words that are no names are drawn at random, one in three of these from words that no other story has. So
    one story in sixty is compared with another as its copy (of 1,454 long captured stories of 60 publishers none is); with the same
    sentences over and over it is every one. Without words of its own, every story would be of one event.
    """
    rng, stock = random.Random(seed), sentences()
    return [_text(rng, stock, words, made_up(rng, _OWN)) for _ in range(count)]


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


def _text(rng: random.Random, stock: list[str], words: int, own: list[str]) -> str:
    parts, length = [], 0
    while length < words:
        person = f"{rng.choice(_NAMES)} {rng.choice(_SURNAMES)}"
        chosen = [
            f"{person} said so on {rng.choice(('Monday', 'Tuesday', 'Friday'))} in report {rng.randrange(10**6)}.",
            *(_varied(rng, sentence, own) for sentence in rng.choices(stock, k=4)),
        ]
        parts.append(" ".join(chosen))
        length += sum(len(sentence.split()) for sentence in chosen)
    return "\n".join(parts)


def _varied(rng: random.Random, sentence: str, own: list[str]) -> str:
    return " ".join(_other(rng, own) if word.islower() and rng.random() < 0.7 else word for word in sentence.split())


def _other(rng: random.Random, own: list[str]) -> str:
    return rng.choice(own if rng.random() < 1 / 3 else words_of())

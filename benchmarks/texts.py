"""News-like stories, generated: the same for the same seed, no two alike."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import cache

from pipeline.demo.programme import programme
from pipeline.language.words import FUNCTION_WORDS
from pipeline.model import Item, ItemVersion, stable_id

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
_NAMES = ("Alma", "Boris", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Keiko", "Liam")
_OWN = 25
"""Words that only one story has; in the news, names and what they did."""
_CAST = 3
"""People of a story's own; the sentences of the demo name about as many more."""
_MARKS = '.,;:!?"”'
_PLACES = ("Turin", "Osaka", "Leeds", "Porto", "Tallinn", "Lagos", "Quito", "Perth", "Boston", "Oslo", "Lima", "Graz")
_SURNAMES = ("Abara", "Brandt", "Castillo", "Dorin", "Eklund", "Fischer", "Grange", "Haddad", "Ivanov", "Jensen", "Kato")


def sentences() -> list[str]:
    """Every sentence of the demo's stories."""
    paragraphs = [line for article in programme().articles for wording in article.wordings for line in wording.paragraphs]
    found = [sentence for paragraph in paragraphs for sentence in paragraph.split(". ") if len(sentence) > 30]
    return [sentence if sentence.endswith((".", '"')) else sentence + "." for sentence in map(str.strip, found)]


@cache
def words_of() -> list[str]:
    """Every word of the demo's stories that is no name, once."""
    return sorted({word for sentence in sentences() for word in sentence.split() if word.isalpha() and word.islower()})


@cache
def _drawn_from() -> tuple[list[str], list[str]]:
    """Articles, prepositions and the like, and the words that tell something, each as often as the demo's stories say it."""
    said = [word for sentence in sentences() for word in sentence.split() if word.isalpha() and word.islower()]
    return [word for word in said if word in FUNCTION_WORDS], [word for word in said if word not in FUNCTION_WORDS]


def made_up(rng: random.Random, count: int) -> list[str]:
    """`count` words that no other story has, as names and places are: without some, all stories would tell of one happening."""
    return ["".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(4)) for _ in range(count)]


def texts(count: int, words: int = 550, seed: int = 0) -> list[str]:
    """`count` texts of about `words` words, in paragraphs of two sentences, each text with people and a happening of its own.

    Seven in ten of the words that are no names are drawn at random, one in four of these from words that no other story has; marks
    stay where they are, and an article or preposition is drawn from its like. So one story in fifty is compared with another as its
    copy (of captured stories, one in twenty); with the same sentences over and over it is every one. Without words of its own,
    every story would be of one event.

    How dear a text is depends on what it names. To 550 words there are 31 sentences (captured stories of 300 words and more: 37,
    MSNBC: 31), 35 mentions (25, 42) of 22 entities (14, 22), 8 of them people (4, 7), 18 pairs (13, 31), and 29 pairs that never
    meet (20, 37).
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
    cast = [f"{rng.choice(_NAMES)} {rng.choice(_SURNAMES)}" for _ in range(_CAST)]
    parts, length = [], 0
    while length < words:
        chosen = [_varied(rng, sentence, own) for sentence in rng.choices(stock, k=2)]
        if rng.random() < 1 / 3 or not parts:
            day = rng.choice(("Monday", "Tuesday", "Friday"))
            chosen[0] = (
                f"{' told '.join(rng.sample(cast, k=2))} so in {rng.choice(_PLACES)} on {day} in report {rng.randrange(10**6)}."
            )
        parts.append(" ".join(chosen))
        length += sum(len(sentence.split()) for sentence in chosen)
    return "\n".join(parts)


def _varied(rng: random.Random, sentence: str, own: list[str]) -> str:
    return " ".join(_other(rng, word, own) if word.islower() and rng.random() < 0.7 else word for word in sentence.split())


def _other(rng: random.Random, word: str, own: list[str]) -> str:
    """Another word with the same marks around it: for an article or a preposition, another of those."""
    bare = word.strip(_MARKS)
    small, telling = _drawn_from()
    return word.replace(bare, rng.choice(small if bare in FUNCTION_WORDS else own if rng.random() < 1 / 4 else telling), 1)

"""The stories that the table of queries is asked of: every field, several alphabets, and dates on both sides of each bound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.model import Entity, Kind, Pair, Reading, ReadStory, Story, TopicScore, Version

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)

_KINDS: dict[str, Kind] = {
    "Elon Musk": "person", "Vladimir Putin": "person", "Xi Jinping": "person", "Emmanuel Macron": "person", "Ana Núñez": "person",
    "Kimbal Musk": "person", "Taiwan": "place", "Zürich": "place", "Starlink": "product", "European Central Bank": "organisation",
    "Siemens": "organisation",
}  # fmt: skip
_KEYS = {"Elon Musk": "musk", "Vladimir Putin": "putin", "European Central Bank": "ecb"}
_TOPICS = {
    "politics": "medtop:11000000", "economy, business and finance": "medtop:04000000", "science and technology": "medtop:13000000",
    "conflict, war and peace": "medtop:16000000", "sport": "medtop:15000000",
}  # fmt: skip


def told(
    name: str,
    when: str,
    title: str,
    text: str,
    *,
    names: str = "",
    pairs: str = "",
    topics: str = "",
    source: str = "daily.example",
    feeds: str = "",
    language: str | None = "en",
    event: str = "",
    copy_of: str | None = None,
    watches: str = "",
) -> ReadStory:
    """A story; lists are separated by `;`, the two of a pair by `+`."""
    at = datetime.fromisoformat(when).replace(tzinfo=UTC)
    entities = {name: Entity(_key(name), name, _KINDS[name], 1) for name in _list(names)}
    met = tuple(Pair(_key(a), _key(b), 1, (0,)) for a, b in (each.split("+") for each in _list(pairs)))
    scored = tuple(TopicScore(_TOPICS[name], name, 0.9) for name in _list(topics))
    version = Version(f"v-{name}", at, at, title)
    story = Story(
        name, title, text, f"https://{source}/{name}", source, tuple(_list(feeds)) or (f"https://{source}/rss",), language, at,
        NOW + timedelta(hours=1), (version,), event or f"e-{name}", copy_of,
    )  # fmt: skip
    return ReadStory(story, Reading(version.id, (), (), tuple(entities.values()), met, scored), 0, tuple(_list(watches)))


def _key(name: str) -> str:
    return _KEYS.get(name) or f"{_KINDS[name]}:{name.casefold().replace(' ', '-')}"


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


STORIES = [
    told("a", "2026-11-24T07:30:00", "Musk in secret contact with Putin",
         "Elon Musk has been in secret contact with Vladimir Putin, officials said.\nHe was asked not to switch on Starlink over "
         "Taiwan as a favour to Xi Jinping.",
         names="Elon Musk;Vladimir Putin;Starlink;Taiwan;Xi Jinping", pairs="Elon Musk+Vladimir Putin;Starlink+Taiwan;Taiwan+Xi Jinping",
         topics="politics;conflict, war and peace", event="e-contact", watches="musk-putin;starlink-taiwan"),
    told("b", "2026-11-24T07:40:00", "Report: Musk and Putin spoke regularly",
         "Elon Musk has been in secret contact with Vladimir Putin, officials said.", source="herald.example", event="e-contact",
         copy_of="a", names="Elon Musk;Vladimir Putin", pairs="Elon Musk+Vladimir Putin", topics="politics", watches="musk-putin"),
    told("c", "2026-11-24T07:50:00", "The Kremlin denies the calls", "Putin's spokesman called the report of calls untrue.",
         source="wire.example", event="e-contact", names="Vladimir Putin", topics="politics"),
    told("d", "2026-11-23T23:59:59", "Central bank holds rates", "The European Central Bank kept its rates. Markets had expected it.",
         names="European Central Bank", topics="economy, business and finance", source="wire.example"),
    told("e", "2026-11-24T00:00:00", "Markets rise", "Shares of Siemens rose by 3.5% in Zürich; the bank's rates stand.",
         names="Siemens;Zürich", pairs="Siemens+Zürich", topics="economy, business and finance", source="herald.example"),
    told("f", "2026-11-20T12:00:00", "Rocket launch delayed", "A launch of Starlink satellites was delayed by the weather.",
         names="Starlink", topics="science and technology", feeds="https://daily.example/rss;https://daily.example/science"),
    told("g", "2026-11-17T08:00:00", "Kimbal Musk opens a café", "The brother of Elon Musk opens a café in Zurich. Café society cheers.",
         names="Kimbal Musk;Elon Musk;Zürich", pairs="Kimbal Musk+Elon Musk"),
    told("h", "2026-11-17T07:59:59", "Macron meets Núñez", "Emmanuel Macron met Ana Núñez over the winter.", language="fr-FR",
         names="Emmanuel Macron;Ana Núñez", pairs="Emmanuel Macron+Ana Núñez", topics="politics", source="monde.example"),
    told("i", "2026-10-31T10:00:00", "北京大学的研究", "北京大学的科学家发表了关于卫星的研究。", language="zh", source="beijing.example"),
    told("j", "2026-10-01T00:00:00", "Сенат проголосовал", "Сенат России проголосовал за бюджет.", language="ru", source="moskva.example"),
    told("k", "2026-09-30T23:59:59", "E-mail of the U.S. minister's aide leaked", "Don’t panic, wrote the aide in an e-mail. C++ code was attached.",
         topics="science and technology"),
    told("l", "2026-01-01T00:00:00", "A new year", "Fireworks. Nothing else happened, and nobody minded.", source="herald.example"),
    told("m", "2025-12-31T23:59:59", "An old year", "The old year ends with rates, rates and rates.", topics="economy, business and finance"),
    told("n", "2025-06-15T12:00:00", "Final: home side wins", "The home side won the final on penalties.", topics="sport", source="sport.example",
         language="en-GB"),
    told("o", "2025-06-15T12:00:00", "Final, as seen by fans", "Fans sang. The side won, at home, the final.", topics="sport",
         source="sport.example", event="e-n", feeds="https://sport.example/rss;https://sport.example/fans?a=1&b=2"),
    told("p", "2024-02-29T12:00:00", "Leap day", "AND, OR and NOT are words in this text; (so they say) title:x is not a field.",
         language=None, source="odd.example"),
    told("q", "2026-11-24T07:45:00", "Elon Musk", "Musk. Musk! Musk?", names="Elon Musk", source="odd.example"),
    told("r", "2026-11-24T07:45:00", "Straße nach Łódź", "Die Straße nach Łódź ist gesperrt. Øresund auch.", language="de",
         source="strasse.example"),
    told("s", "2026-11-22T01:02:03", "Satellites over the strait", "Satellite images show the strait of Taiwan. A satelite was misspelt.",
         names="Taiwan", topics="conflict, war and peace;science and technology"),
    told("t", "2026-11-21T01:02:03", "", "A story without a title but with satellites.", source="wire.example"),
    told("u", "2026-11-19T00:00:00", "A title without a story", "", source="wire.example"),
    told("v", "2026-11-18T00:00:00", "Putin and Xi meet", "Vladimir Putin met Xi Jinping. Elon Musk was not there.",
         names="Vladimir Putin;Xi Jinping;Elon Musk", pairs="Vladimir Putin+Xi Jinping", topics="politics;conflict, war and peace",
         source="monde.example", watches="putin-xi"),
]  # fmt: skip

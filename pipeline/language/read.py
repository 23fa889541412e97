"""A story's words in, its reading out: entities, pairs, topics and key phrases with the sentences that prove them.

Title and text are read as one (`title`, a full stop, `text`), so that a headline's names are joined to the text's; offsets are
given for the field a mention stands in, and no mention crosses from one to the other.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipeline.language import entities, ner
from pipeline.language.mentions import put_right
from pipeline.language.named import Named, with_watched
from pipeline.language.names import EntitySettings, Names, Watched
from pipeline.language.pairs import pairs
from pipeline.language.phrases import key_phrases
from pipeline.language.roster import Roster
from pipeline.language.sentences import sentences
from pipeline.language.topics import topics
from pipeline.model import Mention, Reading, Sentence

if TYPE_CHECKING:
    from spacy.language import Language

    from pipeline.language.ner import Span

MOST_MENTIONS = 2_000
"""Of a story, the first of them: a long read has five hundred."""
_BETWEEN = ".\n"
_SURROGATE = re.compile("[\ud800-\udfff]")


class Text(NamedTuple):
    """One wording of a story, to be read."""

    version_id: str
    title: str
    text: str


class ReadFailure(NamedTuple):
    """A text that could not be read, and why."""

    version_id: str
    error: str


class Reader:
    """Reads stories in one process and thread; holds the recogniser and the configured names."""

    def __init__(self, watched: Mapping[str, EntitySettings] | Iterable[Watched], nlp: Language | None = None) -> None:
        self._nlp = nlp or ner.load()
        self.configure(watched)

    def configure(self, watched: Mapping[str, EntitySettings] | Iterable[Watched]) -> None:
        """Read by these entities from now on."""
        self._names = Names(watched)
        self._roster = Roster(self._names)

    def read(self, texts: Sequence[Text]) -> list[Reading | ReadFailure]:
        """The reading of each text, in order; a text that cannot be read is a failure and the others are read.

        Recognised are the first 100,000 characters of title and text (`ner.READ_AT_MOST`); configured names are found in all of it.
        """
        wholes = [ner.recased(_whole(text)) for text in texts]
        return [self._reading(text, whole, spans) for text, whole, spans in zip(texts, wholes, self._spans(wholes), strict=True)]

    def _spans(self, wholes: Sequence[str]) -> list[tuple[Span, ...] | str]:
        """The spans of each text, or why it has none: where the batch fails, each text is tried alone."""
        readable = [ner.readable(whole) for whole in wholes]
        try:
            return [*ner.spans(self._nlp, readable)]
        except Exception:  # noqa: BLE001  which text it was is found out by reading each alone
            return [self._spans_alone(text) for text in readable]

    def _spans_alone(self, text: str) -> tuple[Span, ...] | str:
        try:
            return ner.spans(self._nlp, [text])[0]
        except Exception as error:  # noqa: BLE001  whatever a hostile text sets off in spaCy, it is that text's failure
            return _described(error)

    def _reading(self, text: Text, whole: str, spans: tuple[Span, ...] | str) -> Reading | ReadFailure:
        if isinstance(spans, str):
            return ReadFailure(text.version_id, spans)
        try:
            return self._read(text, whole, spans)
        except Exception as error:  # noqa: BLE001  a rule that stumbles over one text must not take the batch
            return ReadFailure(text.version_id, _described(error))

    def _read(self, text: Text, whole: str, spans: tuple[Span, ...]) -> Reading:
        hits = self._names.find(whole)[:MOST_MENTIONS]
        named = with_watched(whole, put_right(whole, spans), hits, self._names)[:MOST_MENTIONS]
        joined = entities.join(named, self._roster)
        found = sentences(text.title, text.text)
        mentions = _mentions(text, named, joined.keys, found)
        places = ((mention.entity, mention.sentence) for mention in mentions)
        return Reading(
            version_id=text.version_id,
            sentences=found,
            mentions=mentions,
            entities=joined.entities,
            pairs=pairs(joined.entities, places, self._roster.watched),
            topics=topics(text.title, text.text),
            key_phrases=key_phrases(text.title, text.text, [entity.name for entity in joined.entities]),
        )


def _whole(text: Text) -> str:
    """Title and text in one, offsets kept; half a character (a lone surrogate) cannot be encoded and is replaced."""
    whole = text.title + _BETWEEN + text.text if text.title else text.text
    return whole if whole.isascii() else _SURROGATE.sub("\ufffd", whole)


def _mentions(text: Text, named: Sequence[Named], keys: Sequence[str], found: Sequence[Sentence]) -> tuple[Mention, ...]:
    """The mentions with offsets into their fields. A name that took the full stop after the title is cut to the title."""
    text_at = len(text.title) + len(_BETWEEN) if text.title else 0
    is_titled = bool(found) and found[0].field == "title"
    starts = [sentence.start for sentence in found[is_titled:]]
    mentions = []
    for (start, end, label, _, _), key in zip(named, keys, strict=True):
        if start >= text_at:
            start, end = start - text_at, end - text_at
            sentence = max(0, bisect_right(starts, start) - 1) + is_titled
            mentions.append(Mention("text", start, end, label, text.text[start:end], key, sentence))
        else:
            end = min(end, len(text.title))
            mentions.append(Mention("title", start, end, label, text.title[start:end], key, 0))
    return tuple(mentions)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]

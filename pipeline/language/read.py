"""A story's words in, its reading out: entities, pairs, topics and key phrases with the sentences that prove them.

Title and text are read as one (`title`, a full stop, `text`), so that a headline's names are joined to the text's; offsets are
given for the field a mention stands in, and no mention crosses from one to the other.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import WirewatchError
from pipeline.language import entities, ner
from pipeline.language.detect import ENGLISH, language_of
from pipeline.language.furniture import silent
from pipeline.language.known import KnownNames, load
from pipeline.language.mentions import put_right
from pipeline.language.named import Named, with_watched
from pipeline.language.names import EntitySettings, Names, Watched
from pipeline.language.ner import Span
from pipeline.language.pairs import pairs
from pipeline.language.phrases import key_phrases, said_once
from pipeline.language.resources import NO_RESOURCES, Resources
from pipeline.language.roster import Roster
from pipeline.language.sentences import sentences
from pipeline.language.tokens import story_tokens
from pipeline.language.topics import topics
from pipeline.model import Mention, Reading, Sentence, Story

if TYPE_CHECKING:
    from spacy.language import Language

MOST_MENTIONS = 2_000
"""Of a story, the first of them: a long read has five hundred."""
_BETWEEN = ".\n"
_SURROGATE = re.compile("[\ud800-\udfff]")


class Text(NamedTuple):
    """One wording of a story, to be read."""

    version_id: str
    title: str
    text: str
    source: str = ""
    """The publisher's domain, which nobody in the story meets."""
    language: str | None = None
    """As the feed declares it."""


def text_of(story: Story) -> Text:
    """The current wording of a story."""
    return Text(story.versions[-1].id, story.title, story.text, story.source, story.language)


class ReadFailure(NamedTuple):
    """A text that could not be read, and why."""

    version_id: str
    error: str


class Steps(NamedTuple):
    """A text on its way to a reading, for people who want to know why (`explain.py`). Spans are of `whole`."""

    text: Text
    whole: str
    """Title and text in one, shouted lines recased."""
    recognised: tuple[Span, ...]
    right: tuple[Span, ...]
    """Those put right."""
    named: tuple[Named, ...]
    """With the configured and the known names."""
    keys: tuple[str, ...]
    """The entity of each of `named`."""
    reading: Reading


class Reader:
    """Reads stories in one process and thread; holds the recogniser and the configured names."""

    def __init__(
        self,
        watched: Mapping[str, EntitySettings] | Iterable[Watched],
        nlp: Language | None = None,
        resources: Resources = NO_RESOURCES,
    ) -> None:
        self._models: dict[str, Language] = {ENGLISH: nlp or ner.load()}
        self.configure(watched, resources)

    def configure(self, watched: Mapping[str, EntitySettings] | Iterable[Watched], resources: Resources = NO_RESOURCES) -> None:
        """Read by these entities and with these resources from now on; a language's model is loaded with its first story."""
        self._names = Names(watched)
        known = load(Path(resources.known)) if resources.known else ()
        self._known = KnownNames(known, self._names.watched.values())
        self._roster = Roster(self._names, self._known.entities)
        self._packages = dict(resources.models)

    def read(self, texts: Sequence[Text]) -> list[Reading | ReadFailure]:
        """The reading of each text, in order; a text that cannot be read is a failure and the others are read.

        Recognised are the first 100,000 characters of title and text (`ner.READ_AT_MOST`); configured names are found in all of it.
        """
        drafts = [self._draft(text) for text in texts]
        for language in dict.fromkeys(draft.read_as for draft in drafts):
            if language in self._models or language in self._packages:
                self._recognise([draft for draft in drafts if draft.read_as == language], language)
        return [self._reading(draft) for draft in drafts]

    def steps(self, text: Text) -> Steps:
        """What each step of reading makes of one text. Raises WirewatchError where it cannot be read."""
        draft = self._draft(text)
        if draft.read_as in self._models or draft.read_as in self._packages:
            self._recognise([draft], draft.read_as)
        reading = self._reading(draft)
        if isinstance(reading, ReadFailure):
            raise WirewatchError(f"The story cannot be read: {reading.error}")
        recognised = tuple(draft.spans) if not isinstance(draft.spans, str) else ()
        right = put_right(draft.whole, recognised) if draft.read_as == ENGLISH else [*recognised]
        named = self._named(draft.whole, right)
        return Steps(text, draft.whole, recognised, tuple(right), tuple(named), entities.join(named, self._roster).keys, reading)

    def _draft(self, text: Text) -> _Draft:
        return _Draft(text, ner.recased(_whole(text)), language_of(text.title, text.text, text.language))

    def _recognise(self, drafts: Sequence[_Draft], language: str) -> None:
        """Give each draft its spans, or why it has none: where the batch fails, each text is tried alone."""
        readable = [ner.readable(draft.whole) for draft in drafts]
        try:
            found: Sequence[tuple[Span, ...] | str] = ner.spans(self._model(language), readable)
        except Exception:  # noqa: BLE001  which text it was is found out by reading each alone
            found = [self._spans_alone(text, language) for text in readable]
        for draft, spans in zip(drafts, found, strict=True):
            draft.spans = spans

    def _spans_alone(self, text: str, language: str) -> tuple[Span, ...] | str:
        try:
            return ner.spans(self._model(language), [text])[0]
        except Exception as error:  # noqa: BLE001  whatever a hostile text sets off in spaCy, it is that text's failure
            return _described(error)

    def _model(self, language: str) -> Language:
        if language not in self._models:
            self._models[language] = ner.load(self._packages[language])
        return self._models[language]

    def _reading(self, draft: _Draft) -> Reading | ReadFailure:
        text = draft.text
        if isinstance(draft.spans, str):
            return ReadFailure(text.version_id, draft.spans)
        try:
            return self._read(draft, draft.spans)
        except Exception as error:  # noqa: BLE001  a rule that stumbles over one text must not take the batch
            return ReadFailure(text.version_id, _described(error))

    def _read(self, draft: _Draft, spans: tuple[Span, ...]) -> Reading:
        text, whole = draft.text, draft.whole
        is_english = draft.read_as == ENGLISH
        named = self._named(whole, put_right(whole, spans) if is_english else [*spans])
        joined = entities.join(named, self._roster)
        found = sentences(text.title, text.text)
        mentions = _mentions(text, named, joined.keys, found)
        unmet = silent(mentions, joined.entities, text.title, text.text, text.source)
        met = pairs(joined.entities, mentions, found, self._names.watched, unmet)
        names = [entity.name for entity in joined.entities]
        told = story_tokens(text.title, text.text) if is_english else None
        return Reading(
            version_id=text.version_id,
            sentences=found,
            mentions=mentions,
            entities=joined.entities,
            pairs=met.pairs,
            topics=topics(told) if told else (),
            key_phrases=key_phrases(told, names) if told else said_once(names),
            language=draft.language,
            apart=met.apart,
        )

    def _named(self, whole: str, spans: Sequence[Span]) -> list[Named]:
        """The recogniser's, the configured and the known names of a text in one row."""
        hits = self._names.find(whole)[:MOST_MENTIONS]
        known = self._known.find(whole, spans, hits)[:MOST_MENTIONS]
        return with_watched(whole, spans, sorted((*hits, *known)), self._roster.watched)[:MOST_MENTIONS]


class _Draft:
    """A text on its way to a reading."""

    __slots__ = ("language", "spans", "text", "whole")

    def __init__(self, text: Text, whole: str, language: str | None) -> None:
        self.text = text
        self.whole = whole
        """Title and text, shouted lines recased."""
        self.language = language
        self.spans: tuple[Span, ...] | str = ()
        """What the recogniser found, or why it found nothing."""

    @property
    def read_as(self) -> str:
        """A text too short to tell is read as English: most of the news is."""
        return self.language or ENGLISH


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

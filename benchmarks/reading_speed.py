"""How fast stories are read. Prints one JSON line.

    python benchmarks/reading_speed.py [--stories 768] [--rounds 5]

- steps: milliseconds of processor time a 550-word story for each step after the recogniser, and for all of them.
- against_bare: the stage (`pool_for(...).submit`, what the chain calls) against the bare tuned `nlp.pipe` in as many processes, on
  the same texts, taking turns; against_own_bare: against the recogniser it reads with, as bare (`bare.py`).
- scaling: the stage with a process a core against the stage with one, taking turns.

Exit 1 where a figure is missed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from texts import texts
from throughput import ENTITIES, Bare

from pipeline.config import Settings
from pipeline.language import entities, ner
from pipeline.language.detect import language_of
from pipeline.language.furniture import silent
from pipeline.language.mentions import put_right
from pipeline.language.named import with_watched
from pipeline.language.pairs import pairs
from pipeline.language.phrases import key_phrases
from pipeline.language.pool import ReadingPool
from pipeline.language.read import Reader, Text, _mentions, _whole
from pipeline.language.sentences import sentences
from pipeline.language.tokens import story_tokens
from pipeline.language.topics import topics
from pipeline.memory import settle
from pipeline.store.beam import batches

MOST_MS = 1.2
LEAST_AGAINST_BARE = 0.88
LEAST_SCALING = 1.8


def stories(count: int, seed: int) -> list[Text]:
    """Stories of 550 words: the first sentence is the title."""
    made = []
    for number, text in enumerate(texts(count, seed=seed)):
        title, _, rest = text.partition(". ")
        made.append(Text(f"{seed}-{number}", title, rest, "example.org", "en"))
    return made


class Steps:
    """Times each step over the same stories, one step after the other."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    def of(self, name: str, work: Callable[..., Any], *columns: list[Any]) -> list[Any]:
        rows = list(zip(*columns, strict=True))
        gc.disable()  # what all stories' steps leave here for the next step, no reading process keeps
        began = time.process_time()
        done = [work(*row) for row in rows]
        self.ms[name] = round((time.process_time() - began) / len(rows) * 1e3, 4)
        gc.enable()
        return done


def steps(reader: Reader, found: list[Text]) -> dict[str, float]:
    """Milliseconds a story, by step."""
    timed = Steps()
    wholes = timed.of("whole, recased", lambda text: ner.recased(_whole(text)), found)
    timed.of("language", lambda text: language_of(text.title, text.text, text.language), found)
    spans = [*reader._recognisers["en"].spans([ner.readable(whole) for whole in wholes])]
    right = timed.of("put right", put_right, wholes, spans)
    hits = timed.of("configured names", reader._names.find, wholes)
    row = timed.of("in one row", lambda *each: with_watched(*each, reader._roster.watched), wholes, right, hits)
    joined = timed.of("one name each", lambda named: entities.join(named, reader._roster), row)
    split = timed.of("sentences", lambda text: sentences(text.title, text.text), found)
    mentions = timed.of(
        "mentions", lambda text, named, each, cut: _mentions(text, named, each.keys, cut), found, row, joined, split
    )
    unmet = timed.of(
        "nobody meets",
        lambda text, named, each: silent(named, each.entities, text.title, text.text, text.source),
        found, mentions, joined,
    )  # fmt: skip
    timed.of(
        "pairs",
        lambda each, named, cut, quiet: pairs(each.entities, named, cut, reader._names.watched, quiet),
        joined, mentions, split, unmet,
    )  # fmt: skip
    told = timed.of("words", lambda text: story_tokens(text.title, text.text), found)
    timed.of("topics", topics, told)
    timed.of("key phrases", lambda words, each: key_phrases(words, [entity.name for entity in each.entities]), told, joined)
    return timed.ms


def together(reader: Reader, found: list[Text]) -> float:
    """Milliseconds a story of all that stands around the recogniser, batch by batch as a reading process does it."""
    wholes = [ner.readable(ner.recased(_whole(text))) for text in found]
    recognised = dict(zip([text.version_id for text in found], reader._recognisers["en"].spans(wholes), strict=True))
    settle()
    began = time.process_time()
    for batch in batches(found):
        drafts = [reader._draft(text) for text in batch]
        for draft in drafts:
            draft.spans = recognised[draft.text.version_id]
        reader._finished(drafts)
    return round((time.process_time() - began) / len(found) * 1e3, 3)


def read(pool: ReadingPool, found: list[Text]) -> float:
    """Stories a second of the stage."""
    began = time.perf_counter()
    for future in [pool.submit(batch) for batch in batches(found)]:
        future.result(300)
    return len(found) / (time.perf_counter() - began)


def main() -> int:
    """Measure, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    settings = Settings.model_validate({"entities": ENTITIES})
    reader = Reader(settings.entities)
    steps(reader, stories(64, 99))
    by_step = [steps(reader, found) | {"all": together(reader, found)} for found in (stories(200, seed) for seed in range(3))]
    median_ms = {name: statistics.median(each[name] for each in by_step) for name in by_step[0]}
    cores = len(os.sched_getaffinity(0))
    rates: dict[str, list[float]] = {"bare": [], "own bare": [], "stage": [], "stage on one core": []}
    bare, own = Bare(cores), Bare(cores, "own")
    with ReadingPool(settings.entities, cores) as pool, ReadingPool(settings.entities, 1) as alone:
        for each in bare, own:
            each.read(64, 98)
        for warm in (pool, pool, alone):
            read(warm, stories(700, 97))  # the first two million characters are remembered
        for seed in range(options.rounds):
            found = stories(options.stories, seed)
            rates["bare"].append(options.stories / bare.read(options.stories, seed))
            rates["stage"].append(read(pool, found))
            rates["own bare"].append(options.stories / own.read(options.stories, seed))
            rates["stage on one core"].append(read(alone, found[: options.stories // 2]))
    for each in bare, own:
        each.close()
    median = {name: statistics.median(each) for name, each in rates.items()}
    against_bare, scaling = median["stage"] / median["bare"], median["stage"] / median["stage on one core"]
    print(
        json.dumps(
            {
                "benchmark": "reading_speed",
                "cores": cores,
                "after_ner_ms": median_ms,
                "after_ner_ms_by_round": [each["all"] for each in by_step],
                "stories_per_s": {
                    name: [round(min(each), 1), round(median[name], 1), round(max(each), 1)] for name, each in rates.items()
                },
                "against_bare": round(against_bare, 3),
                "against_bare_by_round": [round(s / b, 3) for s, b in zip(rates["stage"], rates["bare"], strict=True)],
                "against_own_bare": round(median["stage"] / median["own bare"], 3),
                "scaling": round(scaling, 3),
                "wanted": {"after_ner_ms": MOST_MS, "against_bare": LEAST_AGAINST_BARE, "scaling": LEAST_SCALING},
            }
        )
    )
    return 0 if median_ms["all"] <= MOST_MS and against_bare >= LEAST_AGAINST_BARE and scaling >= LEAST_SCALING else 1


if __name__ == "__main__":
    sys.exit(main())

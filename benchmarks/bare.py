"""A process that reads texts with the bare tuned model and nothing else: what the whole chain is compared with.

Lines of JSON in (a list of texts), a line out a batch (how many entities), until standard input ends.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Read batches until there are no more."""
    from pipeline.language.ner import load

    nlp = load()
    print("ready", flush=True)
    for line in sys.stdin:
        with nlp.memory_zone():
            print(sum(len(doc.ents) for doc in nlp.pipe(json.loads(line), batch_size=32)), flush=True)


if __name__ == "__main__":
    main()

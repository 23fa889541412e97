"""How well stories are read, through the real code, against annotated news and judged stories. Prints one JSON line.

    python benchmarks/reading_quality.py [--shared ../shared] [--only ner,names,topics] [--draw SEED]

- names: `eval/newseval.py` prepares each set, `wirewatch backfill` reads it, `wirewatch export` writes it, newseval.py scores it.
- AG News test: the first topic of title and description, under the mapping below, which was fixed before anything was measured.
- judged: `topics_judged.tsv` lists stories drawn at random from the captured feeds, and what each is about, judged by reading it.
  A story is right where the first topic is one that was accepted. `--draw SEED` prints a new draw, to be judged.

Exit 1 where a figure is below its floor.
"""

from __future__ import annotations

import argparse
import csv
import html
import json
import random
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

from pipeline.errors import BadElement
from pipeline.feeds.document import parse
from pipeline.language.detect import language_of
from pipeline.language.tokens import story_tokens
from pipeline.language.topics import topics
from pipeline.stories.text import headline, plain_text, tidy

COMMAND = str(Path(sys.executable).with_name("wirewatch"))
JUDGED = Path(__file__).with_name("topics_judged.tsv")
FLOORS = {"conll2020": 0.77, "worldwide": 0.66, "msnbc links": 0.90, "msnbc alerts": 0.80, "agnews": 0.80, "judged": 0.80}
AGNEWS = {"15000000": 2, "04000000": 3, "09000000": 3, "13000000": 4, "06000000": 4, "07000000": 4}
"""Sport is Sports; economy and labour are Business; science, environment and health are Sci/Tech; the other 11 are World."""
WORLD = 1
DRAWN = 50
LEAST_WORDS = 30
"""Of a story that is drawn: of fewer nobody could say what it is about."""


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def annotated(name: str, shared: Path, folder: Path) -> dict[str, dict[str, object]]:
    """The scores of one set of `newseval.py`, by task."""
    evaluation, out = str(shared / "eval" / "newseval.py"), folder / name
    run(sys.executable, evaluation, "prepare", name, str(out))
    watches = (out / "watchlist.yaml").read_text() if (out / "watchlist.yaml").exists() else ""
    config = out / "wirewatch.yaml"
    config.write_text(f"store: sqlite:///{out}/store.db\nknown_entities: {out}/none.tsv\n{watches}")
    run(COMMAND, "backfill", str(out / "stories.jsonl"), "-c", str(config))
    run(COMMAND, "export", "stories", "--full", "-c", str(config), "-o", str(out / "export.jsonl"))
    run(COMMAND, "export", "hits", "-c", str(config), "-o", str(out / "hits.jsonl"))
    tasks = {"names": "export.jsonl", "alerts": "hits.jsonl"} if watches else {"ner": "export.jsonl"}
    return {
        task: json.loads(run(sys.executable, evaluation, "score", task, str(out), str(out / file))) for task, file in tasks.items()
    }


def names(shared: Path) -> dict[str, object]:
    """The figures of entities."""
    with tempfile.TemporaryDirectory() as folder:
        conll, worldwide, msnbc = (annotated(name, shared, Path(folder)) for name in ("conll2020", "worldwide", "msnbc"))
    return {
        "conll2020": {kind: score["F1"] for kind, score in conll["ner"].items()},
        "worldwide": {kind: score["F1"] for kind, score in worldwide["ner"].items()},
        "msnbc links": msnbc["names"],
        "msnbc alerts": msnbc["alerts"],
    }


def agnews(data: Path) -> dict[str, object]:
    """The share of the AG News test items whose first topic is of their class; without a topic a story is World."""
    right, total = Counter[int](), Counter[int]()
    with (data / "agnews" / "test.csv").open(encoding="utf-8") as file:
        for label, title, text in csv.reader(file):
            found = topics(story_tokens(unescaped(title), unescaped(text)))
            total[int(label)] += 1
            right[int(label)] += (AGNEWS.get(found[0].code.removeprefix("medtop:"), WORLD) if found else WORLD) == int(label)
    names_of = ("World", "Sports", "Business", "Sci/Tech")
    return {
        "accuracy": round(sum(right.values()) / sum(total.values()), 4),
        "by_class": {name: round(right[at] / total[at], 3) for at, name in enumerate(names_of, 1)},
    }


def unescaped(text: str) -> str:
    """Text without the debris of the set: half-decoded entities, backslashes, tags."""
    whole = re.sub(r"&?#(\d+);", r"&#\1;", text.replace("\\", " "))
    return re.sub(r"<[^>]+>", " ", html.unescape(html.unescape(whole)))


def captured(data: Path) -> dict[str, list[tuple[str, str]]]:
    """Title and text of the stories, by feed."""
    found: dict[str, list[tuple[str, str]]] = {}
    with tarfile.open(next((data / "captures").glob("*.tar.xz"))) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is None:
                continue
            try:
                items = parse(stream.read(), None, "https://feeds.example.org/feed").items
            except BadElement:
                continue
            stories = [(headline(item.title), plain_text(item.content) if item.is_html else tidy(item.content)) for item in items]
            if stories:
                found[Path(member.name).name] = stories
    return found


def is_judgeable(title: str, text: str) -> bool:
    """Whether a story is in English and long enough to say what it is about."""
    return len(f"{title} {text}".split()) >= LEAST_WORDS and language_of(title, text) == "en"


def draw(data: Path, seed: int) -> list[tuple[str, str, str]]:
    """Fifty stories: feeds in random order, a random story of each in turn, so that no feed of a thousand items decides."""
    rng = random.Random(seed)
    judgeable = {feed: [story for story in stories if is_judgeable(*story)] for feed, stories in captured(data).items()}
    feeds = {feed: stories for feed, stories in judgeable.items() if stories}
    chosen: list[tuple[str, str, str]] = []
    while len(chosen) < DRAWN:
        for feed in rng.sample(sorted(feeds), len(feeds)):
            story = (feed, *rng.choice(feeds[feed]))
            if len(chosen) < DRAWN and story not in chosen:
                chosen.append(story)
    return chosen


def judged(data: Path) -> dict[str, object]:
    """How many of the judged stories have a first topic that was accepted."""
    with JUDGED.open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if line and not line[0].startswith("#")]
    stories = {(feed, shown(story[0])): story for feed, found in captured(data).items() for story in reversed(found)}
    seeds = sorted({int(line[0]) for line in lines})
    figures: dict[str, object] = {}
    for seed in seeds:
        right = 0
        for _, feed, title, _, _, accepted in (line for line in lines if int(line[0]) == seed):
            found = topics(story_tokens(*stories[feed, title]))
            right += (found[0].name if found else "none") in accepted.split("|")
        figures[f"draw {seed}"] = {"right": right, "of": DRAWN}
    last = figures[f"draw {seeds[-1]}"]
    assert isinstance(last, dict)
    return {"share": round(last["right"] / last["of"], 2), **figures}


def shown(title: str) -> str:
    return " ".join(title.split())[:120]


def print_draw(data: Path, seed: int) -> None:
    """A story a paragraph, for whoever judges; what we make of it is not said, so that it does not suggest itself."""
    for number, (feed, title, text) in enumerate(draw(data, seed), 1):
        print(f"\n── {number} · {feed} · {shown(title)}\n   {' '.join(text.split())[:700]}")


def main() -> int:
    """Run, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--only", default="names,agnews,judged")
    parser.add_argument("--draw", type=int)
    options = parser.parse_args()
    data = options.shared / "data"
    if options.draw is not None:
        print_draw(data, options.draw)
        return 0
    wanted = options.only.split(",")
    figures: dict[str, object] = names(options.shared) if "names" in wanted else {}
    figures |= {"agnews": agnews(data)} if "agnews" in wanted else {}
    figures |= {"judged": judged(data)} if "judged" in wanted else {}
    missed = [name for name, floor in FLOORS.items() if name in figures and reached(name, figures[name]) < floor]
    print(json.dumps({"benchmark": "reading_quality", **figures, "floors": FLOORS, "missed": missed}))
    return 1 if missed else 0


def reached(name: str, figure: object) -> float:
    """The one number of a figure that has a floor."""
    assert isinstance(figure, dict)
    if name in ("conll2020", "worldwide"):
        return float(figure["all"])
    if name == "msnbc links":
        return float(figure["links"]["F1"])
    return float(figure.get("F1") or figure.get("accuracy") or figure.get("share") or 0)


if __name__ == "__main__":
    sys.exit(main())

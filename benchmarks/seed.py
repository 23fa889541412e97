"""`wirewatch watch test` on the seed story: which watches fire, and the pairs under their full names. Prints one JSON line.

    python benchmarks/seed.py [--story ../shared/data/seed_story.txt]

Exit 1 where musk-putin does not fire with a sentence that names both, or a pair is missing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

CONFIGURATION = """
entities:
  musk:  {name: Elon Musk, kind: person, aliases: [Musk], never: [Kimbal Musk, Errol Musk]}
  putin: {name: Vladimir Putin, kind: person, aliases: [Putin, the Russian president]}
watches:
  - {name: musk-putin, all: [musk, putin], within: sentence}
"""
PAIRS = (("Elon Musk", "Vladimir Putin"), ("Vladimir Putin", "Xi Jinping"), ("Elon Musk", "Donald Trump"))


def main() -> int:
    """Run the command as a user would, and look at what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--story", type=Path, default=Path(__file__).parents[2] / "shared" / "data" / "seed_story.txt")
    story = parser.parse_args().story
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "wirewatch.yaml")
        config.write_text(CONFIGURATION)
        command = [str(Path(sys.executable).with_name("wirewatch")), "watch", "test", "--json", "-f", str(story), "-c", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    if not done.stdout:
        print(done.stderr, file=sys.stderr)
        return 1
    said = json.loads(done.stdout)
    names = {entity["key"]: entity["name"] for entity in said["reading"]["entities"]}
    pairs = {frozenset((names[pair["a"]], names[pair["b"]])) for pair in said["reading"]["pairs"]}
    (watch,) = said["explanations"]
    proof = [evidence["text"] for evidence in watch["evidence"]]
    missing = [pair for pair in PAIRS if frozenset(pair) not in pairs]
    print(
        json.dumps(
            {
                "benchmark": "seed",
                "fired": watch["fired"],
                "proof": proof,
                "pairs": sorted(" – ".join(sorted(pair)) for pair in pairs),
                "missing_pairs": missing,
                "exit_code": done.returncode,
            },
            ensure_ascii=False,
        )
    )
    is_proved = any("Musk" in sentence and "Putin" in sentence for sentence in proof)
    return 0 if done.returncode == 0 and watch["fired"] and is_proved and not missing else 1


if __name__ == "__main__":
    sys.exit(main())

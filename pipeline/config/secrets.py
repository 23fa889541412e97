"""A webhook's secret: whether it is one, and the file it may be kept in. No message holds a secret, nor what may be one."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

PREFIX = "whsec_"
_SIZES_BYTES = range(24, 65)
_LARGEST_FILE_BYTES = 4096
_REMEDY = 'make one with `echo "whsec_$(openssl rand -base64 32)"`'


def checked_secret(written: str) -> str:
    """`written` without the space around it, where it is a secret as `key_of` has it. Raises ValueError."""
    key_of(written)
    return written.strip()


def key_of(written: str) -> bytes:
    """The key that a secret of Standard Webhooks (symmetric) stands for: 24 to 64 bytes in base64.

    `whsec_` may stand before it, and the `=` at its end may be left out. Raises ValueError, which does not hold the secret.
    """
    encoded = written.strip().removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"expected base64, with {PREFIX} before it; {_REMEDY}") from None
    if len(key) not in _SIZES_BYTES:
        raise ValueError(f"expected 24 to 64 bytes in base64, with {PREFIX} before them (got {len(key)} bytes); {_REMEDY}")
    return key


def read_secret(written: str, directory: Path) -> str:
    """The secret in the file that `written` names, relative to `directory`; raises ValueError, which does not hold `written`."""
    try:
        path = directory / Path(written).expanduser()
        if not path.is_file():
            raise ValueError(f"expected the path of a file, relative to {directory} (there is no such file; the path is not shown)")
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "no home directory"
        raise ValueError(f"expected a file that can be read ({why}; the path is not shown)") from None
    if len(content) > _LARGEST_FILE_BYTES:
        raise ValueError("expected a file that holds one secret and nothing else")
    # What is no text is no base64 either, and is refused as such.
    return content.decode("utf-8", "replace")

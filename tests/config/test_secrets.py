import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.config.secrets import checked_secret


def webhook(secret: str) -> str:
    return f"webhooks:\n  desk:\n    url: https://example.org/T0KEN\n    {secret}\n"


@pytest.mark.parametrize("size", [24, 32, 63, 64])
@pytest.mark.parametrize("prefix", ["", "whsec_"])
def test_a_secret_is_24_to_64_bytes_in_base64(size: int, prefix: str) -> None:
    """With the prefix of Standard Webhooks or without, with its padding or without; space around it does not count."""
    encoded = base64.b64encode(bytes(range(size))).decode()
    assert checked_secret(f" {prefix}{encoded}\n") == prefix + encoded
    assert checked_secret(prefix + encoded.rstrip("=")) == prefix + encoded.rstrip("=")


@pytest.mark.parametrize(
    "wrong", ["", "whsec_", "hunter2hunter2", "not base64 at all!", "whsec_" + "A" * 33, "A" * 88, "ключ" * 8, "whsec_" + "-_" * 16]
)
def test_what_is_no_secret_is_refused_without_showing_it(wrong: str) -> None:
    """Too short, too long, no base64: the error says how to make one."""
    with pytest.raises(ValueError, match="openssl rand -base64 32") as refused:
        checked_secret(wrong)
    assert not wrong.removeprefix("whsec_") or wrong not in str(refused.value)


@pytest.mark.parametrize("end", ["", "\n", " \r\n"])
def test_a_secret_may_be_in_a_file(end: str, secret: str, settings_of: Callable[..., Settings]) -> None:
    """The path is relative to the file that names it."""
    files = {"desk/hooks.yaml": webhook("secret_file: desk.secret"), "desk/desk.secret": secret + end}
    settings = settings_of("include: desk/*.yaml", files)
    assert settings.webhooks["desk"].secret.get_secret_value() == secret


@pytest.mark.parametrize("key", ["secret", "secret_file", "secrte"])
@pytest.mark.parametrize("value", ["hunter2hunter2", "[hunter2]", "{hunter2: hunter2}"])
def test_no_error_shows_a_secret_or_what_may_be_one(key: str, value: str, complaints: Callable[..., list[str]]) -> None:
    """A secret in the wrong place, of the wrong form, or under a misspelt key; nor the token of a URL."""
    text = "\n".join(complaints(webhook(f"{key}: {value}").replace("T0KEN", "T0KEN x")))
    assert "main.yaml:4: webhooks.desk.secr" in text
    assert "main.yaml:3: webhooks.desk.url: expected a URL" in text
    assert "hunter2" not in text
    assert "T0KEN" not in text


def test_a_secret_and_a_file_are_one_too_many(complaints: Callable[..., list[str]]) -> None:
    """Nobody could say which counts."""
    assert complaints(webhook("secret: ${DESK_SECRET}\n    secret_file: x")) == [
        "main.yaml:5: webhooks.desk.secret_file: expected `secret` or `secret_file`, not both"
    ]


def test_a_webhook_without_a_secret_says_where_one_comes_from(complaints: Callable[..., list[str]]) -> None:
    """The remedy names the environment and the file."""
    (line,) = complaints(webhook("timeout: 5s"))
    assert line.startswith("main.yaml:2: webhooks.desk.secret: is required: ")
    assert "${NAME}" in line
    assert "secret_file" in line


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"x" * 5_000, "holds one secret and nothing else"), (b"\xff\xfe", "expected base64"), (b"", "24 to 64 bytes")],
)
def test_a_file_that_holds_no_secret_is_an_error(
    content: bytes, says: str, tmp_path: Path, complaints: Callable[..., list[str]]
) -> None:
    """The error stands where the file is named."""
    (tmp_path / "desk.secret").write_bytes(content)
    (line,) = complaints(webhook("secret_file: desk.secret"))
    assert line.startswith("main.yaml:4: webhooks.desk.secret_file: ")
    assert says in line


def test_a_directory_is_no_secret(complaints: Callable[..., list[str]]) -> None:
    """Nor is what cannot be read."""
    assert "there is no such file" in complaints(webhook("secret_file: ."))[0]

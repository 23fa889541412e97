"""Signatures that the public library accepts."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from pipeline.alerts.sign import headers, webhook_of
from pipeline.errors import ConfigError

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()


def now() -> datetime:
    return datetime.now(tz=UTC)


@given(text=st.text(), delivery_id=st.from_regex(r"msg_[a-z2-7]{20}", fullmatch=True))
def test_the_library_verifies_what_we_sign(text: str, delivery_id: str):
    """The verifier of Standard Webhooks accepts every body of ours under the secret it was signed with."""
    body = text.encode("utf-8")
    Webhook(SECRET).verify(body, headers(SecretStr(SECRET), delivery_id, now(), body), json_parse=False)


@pytest.mark.parametrize("changed", ["secret", "id", "timestamp", "body"])
def test_what_was_changed_on_the_way_is_refused(changed: str):
    """Another secret, another id, another time and another body do not verify."""
    at = now()
    signed = headers(SECRET, "msg_1", at, b"{}")
    if changed == "id":
        signed["webhook-id"] = "msg_2"
    if changed == "timestamp":
        signed["webhook-timestamp"] = str(int(at.timestamp()) + 2)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(OTHER if changed == "secret" else SECRET).verify(b"[]" if changed == "body" else b"{}", signed)


def test_an_old_attempt_cannot_be_replayed():
    """The timestamp is the attempt's, so that a call of yesterday is refused today."""
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(b"{}", headers(SECRET, "msg_1", now() - timedelta(days=1), b"{}"))


def test_the_zone_of_the_clock_does_not_matter():
    """One instant is signed alike in every zone."""
    at = now()
    assert headers(SECRET, "msg_1", at, b"{}") == headers(SECRET, "msg_1", at.astimezone(timezone(timedelta(hours=9))), b"{}")


@pytest.mark.parametrize("written", [SECRET.removeprefix("whsec_"), SECRET.rstrip("="), f" {SECRET}\n"])
def test_a_secret_may_be_written_as_receivers_write_it(written: str):
    """Prefix and padding may be left out, and a secret read from a file may end in a line break."""
    at = now()
    assert headers(written, "msg_1", at, b"{}") == headers(SECRET, "msg_1", at, b"{}")


@pytest.mark.parametrize("written", ["", "whsec_", "hunter2!", "whsec_äöü", "whsec_a", "whsec_YWJj-_"])
def test_what_is_no_secret_is_refused_without_being_repeated(written: str):
    """A secret that is empty or no base64 is a mistake of the configuration, whose message does not tell it."""
    with pytest.raises(ConfigError, match=r"expected .*base64") as caught:
        webhook_of(SecretStr(written))
    shown = repr(caught.value) + str(caught.value.__context__)
    assert "hunter2" not in shown

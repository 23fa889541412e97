"""The headers by which a receiver knows that a delivery is ours: Standard Webhooks 1.0.0, symmetric (`v1`, HMAC-SHA256)."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import SecretStr
from standardwebhooks import Webhook

from pipeline.config.secrets import key_of
from pipeline.errors import ConfigError


def webhook_of(secret: SecretStr | str) -> Webhook:
    """The library's signer and verifier for `secret`: base64, with `whsec_` before it or not.

    The library drops what is no base64 without a word and signs with the rest, which receivers in other languages refuse: here it
    raises ConfigError, which does not hold the secret.
    """
    try:
        return Webhook(key_of(secret.get_secret_value() if isinstance(secret, SecretStr) else secret))
    except ValueError as error:
        raise ConfigError(f"a webhook's secret is not usable: {error}") from None


def headers(secret: SecretStr | str, delivery_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The signed headers of an attempt made at `at` to send `body` (UTF-8).

    The id is the same at every attempt, time and signature are the attempt's own: receivers refuse what is five minutes old. Raises
    ConfigError where the secret is not usable.
    """
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        # The library reads the clock face of the datetime as UTC, whatever its zone.
        "webhook-signature": webhook_of(secret).sign(delivery_id, at.astimezone(UTC), body.decode("utf-8")),
    }

"""What goes wrong, and what is done about it.

WirewatchError
├── ConfigError       the user is told: file, line, what was expected
├── BadElement        one element is set aside as a dead letter; the rest goes on
└── TransientError    a service is away: the work waits and is tried again
"""

from __future__ import annotations


class WirewatchError(Exception):
    """Anything Wirewatch raises on purpose."""


class ConfigError(WirewatchError):
    """The user's configuration or command cannot be carried out as written; the message names the place and the remedy."""


class BadElement(WirewatchError):
    """One element can never succeed as it is: it becomes a dead letter with this error's text."""


class TransientError(WirewatchError):
    """A service did not answer or answered "later": nothing is wrong with the work, which is tried again."""

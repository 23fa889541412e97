"""Why a poll failed, in words for a person: what happened, and what it means. No I/O.

The words are ours and name no part of an address: those of libraries hold URLs, and a URL may hold a password or a token.
"""

from __future__ import annotations

import asyncio
import ssl

import aiohttp

_MEANINGS = {
    204: "no content",
    304: "not modified, though it was never sent before",
    400: "the server did not understand the request",
    401: "the feed needs a login: put user and password into its URL, as https://user:${PASSWORD}@host/feed",
    402: "the feed is for paying readers",
    403: "the server refuses us: it may block programs, or this network",
    404: "nothing at this address: the feed may have moved",
    406: "the server has no version of it that we accept",
    407: "a proxy on the way wants a login",
    408: "the server gave up waiting",
    410: "the feed is gone for good: remove it",
    421: "the server is not responsible for this host name",
    429: "too many requests: polled less often until it answers again",
    451: "withheld for legal reasons",
    500: "the server has an error of its own",
    502: "the server behind it does not answer",
    503: "the server is overloaded or being maintained",
    504: "the server behind it is too slow",
    520: "the server behind it answered nonsense",
    521: "the server behind it is down",
    522: "the server behind it does not answer",
    523: "the server behind it cannot be reached",
    525: "the server behind it has no valid TLS",
    530: "the server behind it cannot be found",
}


def status_words(status: int) -> str:
    """What an answer of `status`, other than a document or "not modified", means."""
    others = {3: "a redirect that leads nowhere", 5: "a failure of the server's"}
    return f"answered {status} ({_MEANINGS.get(status) or others.get(status // 100, 'not a document')})"


def failure_words(error: Exception, timeout_s: float) -> str:
    """What `error`, raised while a document was asked for, means; `timeout_s` is how long the whole was allowed to take."""
    match error:
        case TimeoutError() | asyncio.TimeoutError():
            return f"not finished within {timeout_s:g} s: the server is slow or away"
        case aiohttp.TooManyRedirects():
            return "redirected too often: the server sends us in circles"
        case aiohttp.NonHttpUrlClientError() | aiohttp.NonHttpUrlRedirectClientError():
            return "redirected to an address that is not http or https"
        case aiohttp.InvalidURL() | UnicodeError():
            return "the address cannot be used: check its spelling"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError() | ssl.SSLError():
            return f"the connection could not be made secure (TLS): {_tls(error)}"
        case aiohttp.ClientConnectorDNSError():
            return "the host name was not found (DNS): check its spelling, or this machine's network"
        case aiohttp.ClientConnectorError(os_error=os_error):
            return f"no connection: {_reason(os_error)}"
        case aiohttp.ServerDisconnectedError():
            return "the server closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            return "the document broke off: the connection ended before it was complete"
        case aiohttp.ClientResponseError():
            return "the answer was not HTTP as it should be"
        case OSError():
            return f"the connection broke: {_reason(error)}"
        case _:
            return f"could not be fetched ({type(error).__name__})"


def _tls(error: Exception) -> str:
    """The verdict on a certificate, where there is one; OpenSSL's names no address but the host's."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({cause.verify_message})"
    return "no common protocol, or no TLS at all at this address"


def _reason(error: OSError) -> str:
    match error:
        case ConnectionRefusedError():
            return "refused, nothing listens there"
        case ConnectionResetError():
            return "reset by the server"
        case _:
            return (error.strerror or type(error).__name__).lower()

"""Which addresses are one address: a story's URL as an identity, and whose it is. No network: public suffixes are those installed.

What comes out of `canonical` names a story and is not for visiting; `web_address` is.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from w3lib.url import canonicalize_url, safe_url_string

if TYPE_CHECKING:
    from tldextract import TLDExtract

LONGEST_URL = 4_000
"""Code points. A longer address is data, not a place; browsers and servers stop at 2,000 to 8,000."""

_DEFAULT_PORTS = {80, 443}
_HOST = re.compile(r"[^\s/?#@\[\]\\<>\"'`{}|^%,;!$&()*+=~]+|[0-9a-f:.]*:[0-9a-f:.]*(?:%[\w.-]+)?")
_SAME_SITE = re.compile(r"(?:(?:www\d?|m|mobile|amp)\.)+(?=[^.]+\.)")

_CLICKS = (
    "fbclid gclid gclsrc gbraid wbraid dclid msclkid yclid ysclid twclid ttclid li_fat_id igshid igsh epik srsltid "
    "_openstat _ga _gl rdt_cid wickedid rb_clickid s_kwcid ef_id mkt_tok mkcid mkevt mkrid dicbo zanpid action_object_map "
    "action_ref_map action_type_map"
)
_CAMPAIGNS = (
    "cmpid cmp cmpgn ftag ocid icid ito xtor ncid nr_email_referer referrer referer emc smid sref sr_share cmpref "
    "campaign_id ref_src ref_url taid wpisrc wprss wpmm guccounter spm soc_src soc_trk tsrc intcmp int_cmp intlink_from_url "
    "link_location feedtype feedname sharetype shareid amp"
)
_FAMILIES = (
    "utm_ at_ ns_ itm_ mtm_ matomo_ pk_ piwik_ mc_ hsa_ _hs __hs oly_ vero_ fb_ guce_ trk_ wt. ga_ cmp_ asc_ smtyp ftcamp sc_c"
)
_TRACKING_PREFIXES = tuple(_FAMILIES.split())
_TRACKING = frozenset(f"{_CLICKS} {_CAMPAIGNS}".split())
"""The parameters that the published lists of trackers name (Mozilla's, AdGuard's, ClearURLs') and that feeds carry."""
_TRACKING_VALUE = re.compile(r"(?:rss|atom|feed|amp)(?:$|[_.\-%].*)", re.IGNORECASE)

_IDLE_FRAGMENT = re.compile(
    r"|\d{1,2}|.*=.*|(?:comments?|respond|disqus_thread|top|main|content|share|story|rss|atom|feed|more-\d+)",
    re.IGNORECASE | re.DOTALL,
)
"""Fragments that do not tell one story from another. Others do: 3 of 99 captured feeds list the anchors of one page."""


def canonical(url: str) -> str | None:
    """The form of `url` that all addresses of one story share; None where it is no web address. Never raises.

    Scheme, default port, credentials, a host's `www.`, `m.` or `amp.`, tracking parameters, the order of parameters, an AMP ending
    and a closing slash make no difference, nor does a fragment that is not an anchor of a story.
    """
    parts = _split(url)
    if parts is None or not parts.hostname:
        return None
    host = _SAME_SITE.sub("", _bracketed(parts.hostname), count=1)
    port = f":{parts.port}" if parts.port and parts.port not in _DEFAULT_PORTS else ""
    query = "&".join(pair for pair in parts.query.split("&") if pair and not _tracks(pair))
    fragment = "" if _IDLE_FRAGMENT.fullmatch(parts.fragment) else f"#{parts.fragment}"
    return f"https://{host}{port}{_without_ending(parts.path)}{'?' if query else ''}{query}{fragment}"


def names_a_page(canonical_url: str) -> bool:
    """Whether a canonical URL leads past the front door: some feeds give every item the address of their site."""
    return "/" in canonical_url.removeprefix("https://").rstrip("/") or "?" in canonical_url or "#" in canonical_url


def web_address(url: str) -> str | None:
    """`url` as a person may follow it, escaped; None where it is no web address or carries credentials."""
    parts = _split(url)
    if parts is None or parts.username is not None:
        return None
    return str(safe_url_string(url.strip()))


def publisher(url: str) -> str | None:
    """The registered domain of `url` (bbc.co.uk of www.bbc.co.uk), else its host; None where it has none. Never raises.

    By the public suffix list that `tldextract` ships, private suffixes included (alice.github.io is not bob.github.io).
    """
    parts = _split(url)
    return _registered(parts.hostname) if parts and parts.hostname else None


@lru_cache(maxsize=1_024)
def _split(url: str) -> SplitResult | None:
    """The parts of `url`, percent-encoded alike, where it is an http(s) address with a host and a port that can be."""
    if len(url) > LONGEST_URL:
        return None
    try:
        parts = urlsplit(canonicalize_url(url.strip(), keep_fragments=True))
        usable = parts.scheme in {"http", "https"} and parts.port != 0 and _HOST.fullmatch(parts.hostname or "")
    except ValueError:  # Also UnicodeError: a bad port, bracket or code point.
        return None
    return parts._replace(netloc=_lower_netloc(parts)) if usable else None


def _lower_netloc(parts: SplitResult) -> str:
    user, at, _ = parts.netloc.rpartition("@")
    host = _bracketed((parts.hostname or "").rstrip("."))
    return f"{user}{at}{host}:{parts.port}" if parts.port else f"{user}{at}{host}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _tracks(pair: str) -> bool:
    name, _, value = pair.partition("=")
    lower = unquote(name).lower()
    return lower in _TRACKING or lower.startswith(_TRACKING_PREFIXES) or bool(_TRACKING_VALUE.fullmatch(value))


def _without_ending(path: str) -> str:
    shorter = path.removesuffix(".amp.html") + ".html" if path.endswith(".amp.html") else path
    while True:
        path, shorter = shorter, shorter.rstrip("/").removesuffix("/amp").removesuffix(".amp")
        if path == shorter:
            return path


@lru_cache(maxsize=16_384)
def _registered(host: str) -> str:
    return _suffixes().extract_str(f"https://{_bracketed(host)}/").top_domain_under_public_suffix or host


@cache
def _suffixes() -> TLDExtract:
    """The extractor, offline: it reads the snapshot in its package and writes no cache."""
    from tldextract import TLDExtract

    return TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)

"""HTML to the words a reader sees, and the same cleaning for plain text. No I/O.

Time and memory grow with the input alone, whatever is in it. A tree is made of small documents only: by the HTML standard's rules,
34 kB of unclosed formatting make two million nodes (735 MB, 2 s), and a hundred thousand nested elements or attributes take 20 s.
"""

from __future__ import annotations

import html as entities
import re

from selectolax.lexbor import LexborHTMLParser

LONGEST_HTML = 2_000_000
"""Code points of markup that are looked at."""
LONGEST_TEXT = 200_000
"""Code points of text that are kept: a long read has 60,000."""
LONGEST_TITLE = 1_000
"""Code points."""
_LARGEST_TREE = 200_000
_MOST_TAGS = 1_000
_LONG_TAG = re.compile(r"<[a-zA-Z][^>]{4000}")

_BREAK = "\x1e"
"""Stands where a paragraph begins or ends until white space is collapsed: ASCII's record separator, which no text needs."""

_BLOCKS = (
    "address article aside blockquote br caption center dd details dialog dir div dl dt fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol optgroup option p pre section summary table tbody "
    "td tfoot th thead tr ul"
)
_UNSEEN = "script style template noscript iframe object svg math textarea select title head"

_BLOCK_NAMES = frozenset(_BLOCKS.split())
_ALL_BLOCKS = ",".join(_BLOCKS.split())
_ALL_UNSEEN = ",".join(_UNSEEN.split())
_COMMENT_OR_UNSEEN = re.compile(rf"<!--|<({_UNSEEN.replace(' ', '|')})(?=[\s/>])")
_CAPITALS = re.compile("[A-Z]+")
_TAG = re.compile(r"</?([a-zA-Z][^\s/>]*+)[^>]*+(?:>|\Z)|<[!?/][^>]*+(?:>|\Z)")

_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_ORDINARY = re.compile("[ -~\n\u00a1-\u00ac\u00ae-\u024f\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]*+")
"""What has nothing to tidy, as most texts: Latin letters, typographic quotes and dashes, currencies."""
_SPACE = re.compile(r"[^\S \n]|\u200b")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200c-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    r"\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Controls, bidirectional marks and overrides, soft hyphens, joiners, fillers, tags, lone surrogates: inside a name, each would
hide it from a watch."""
_JOINERS = "\u200c\u200d"
_MARKUP = re.compile(
    r"</?(?:a|abbr|b|bdi|br|cite|code|del|div|em|font|h\d|i|img|ins|mark|p|q|s|small|span|strong|sub|sup|u|wbr)\b[^<>]*>|&#?\w{2,32};"
)


def plain_text(html: str) -> str:
    """The visible text of `html`, a paragraph, list item or table cell a line, white space collapsed, entities decoded once.

    At most `LONGEST_TEXT` code points. Never raises.
    """
    html = _visible(html[:LONGEST_HTML]).replace(_BREAK, " ")
    text = (_text_of_tree(html) if _is_small(html) else None) or _text_of_tags(html)
    return _shortened(_lines(_visible(text)), LONGEST_TEXT)


def tidy(text: str) -> str:
    """Plain text without what cannot be seen, white space as plain blanks, lines ended by a line feed, the ends stripped.

    Runs of blanks and empty lines stay, so that offsets into an ordinary text hold in what comes out. At most `LONGEST_TEXT` code
    points.
    """
    text = text[:LONGEST_HTML]
    if not _ORDINARY.fullmatch(text):
        text = _visible(_SPACE.sub(" ", _LINE_END.sub("\n", text)))
    return _shortened(text.strip(), LONGEST_TEXT)


def headline(title: str) -> str:
    """A title in one line, at most `LONGEST_TITLE` code points; where it is HTML, as feeds do not tell, its text."""
    title = title[: 20 * LONGEST_TITLE]
    text = plain_text(title) if _MARKUP.search(title) else tidy(title)
    return _shortened(" ".join(text.split()), LONGEST_TITLE)


def _is_small(html: str) -> bool:
    return len(html) <= _LARGEST_TREE and html.count("<") <= _MOST_TAGS and not _LONG_TAG.search(html)


def _text_of_tree(html: str) -> str | None:
    """The text by the standard's own rules (Lexbor), breaks marked; None where the document has no body."""
    tree = LexborHTMLParser(html)
    # The innermost first: a node must not be touched after one that holds it is gone.
    for unseen in reversed(tree.css(_ALL_UNSEEN)):
        unseen.decompose()
    for block in tree.css(_ALL_BLOCKS):
        block.insert_before(_BREAK)
        block.insert_after(_BREAK)
    return tree.body.text() if tree.body else None


def _text_of_tags(html: str) -> str:
    """The text by taking tags away, breaks marked: for what is too big, or too odd, to make a tree of."""
    return entities.unescape(_TAG.sub(_break_or_nothing, _without_unseen(html)))


def _break_or_nothing(tag: re.Match[str]) -> str:
    return _BREAK if (tag[1] or "").lower() in _BLOCK_NAMES else ""


def _without_unseen(html: str) -> str:
    """`html` without comments and elements that nobody sees; one that is never closed takes the rest with it."""
    lower = _CAPITALS.sub(lambda capitals: capitals[0].lower(), html)
    kept, at = [], 0
    while opening := _COMMENT_OR_UNSEEN.search(lower, at):
        kept.append(html[at : opening.start()])
        at = _end_of(lower, opening)
    kept.append(html[at:])
    return "".join(kept)


def _end_of(lower: str, opening: re.Match[str]) -> int:
    """Where the comment or element that was opened ends. `<!-->` is a whole comment."""
    at = lower.find(f"</{opening[1]}", opening.end()) if opening[1] else lower.find("-->", opening.end() - 2)
    closed = lower.find(">", at) if at >= 0 else -1
    return closed + 1 if closed >= 0 else len(lower)


def _lines(text: str) -> str:
    """A line for each stretch between breaks that holds anything, white space collapsed."""
    lines = (" ".join(stretch.split()) for stretch in text.replace("\u200b", " ").split(_BREAK))
    return "\n".join(line for line in lines if line)


def _visible(text: str) -> str:
    return _INVISIBLE.sub(_joiner_or_nothing, text)


def _joiner_or_nothing(found: re.Match[str]) -> str:
    """The joiner, where it stands behind a letter of a script that is written with them (Arabic to Sinhala)."""
    at = found.start()
    return found[0] if found[0] in _JOINERS and at and "\u0600" <= found.string[at - 1] <= "\u0dff" else ""


def _shortened(text: str, longest: int) -> str:
    """`text`, cut at white space where it is longer than `longest` code points (in the middle of a word where that is endless)."""
    if len(text) <= longest:
        return text
    cut = text[:longest]
    at = max(cut.rfind(" "), cut.rfind("\n"))
    return cut[:at].rstrip() if at > longest - 100 else cut

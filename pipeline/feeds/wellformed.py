"""XML that is nearly XML, made well-formed. No I/O, linear in the size of the document whatever is in it.

What follows is known to be XML, so that nothing after it needs a parser that guesses: those take minutes for a hostile megabyte.
The document type is taken off, and with it every way for entities to expand.
"""

from __future__ import annotations

import re
from html.entities import html5
from itertools import islice
from xml.parsers import expat

from pipeline.errors import BadElement

_PROLOG = re.compile(
    r"""(?: \s+ | <\?.*?\?> | <!--.*?-->
        | (?P<doctype> <!DOCTYPE (?:[^\[<>"']|"[^"]*"|'[^']*')*+ (?: \[ (?P<subset>.*?) \]\s* )? > )
        )*+""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
_ROOT = re.compile(r"<(?:\w{1,20}:)?(?:rss|rdf|feed|channel)[\s>]", re.IGNORECASE)

_ENTITY = re.compile(
    r"<!ENTITY\s+(?P<name>[^\s%<>]+)\s+(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<external>SYSTEM|PUBLIC)\b)"
)
_MADE_OF_ENTITIES = re.compile(r"&(?!#|amp;|lt;|gt;|quot;|apos;)[^\s;]+;|%[^\s;]+;")
_MOST_EXPANDED = 1_000_000
"""Characters that a document's own entities may add to it."""
_OWN_REFERENCE = re.compile(r"&([A-Za-z_][\w.-]*+);")

_ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold (XML 1.0 §2.2)."""
_BARE_AMPERSAND = re.compile(r"&(?!#x[0-9a-fA-F]{1,6};|#[0-9]{1,7};|[A-Za-z][A-Za-z0-9]{1,31};)")
_REFERENCE = re.compile(r"&(?:#(?:x(?P<hex>[0-9a-fA-F]{1,6})|(?P<decimal>[0-9]{1,7}))|(?P<name>[A-Za-z][A-Za-z0-9]{1,31}));")
_TOKEN = re.compile(
    r"""<!\[CDATA\[ (?P<cdata>.*?) (?:\]\]>|\Z)
      | <!--.*?(?:-->|\Z) | <[?].*?(?:[?]>|\Z) | <![A-Za-z][^<>]*+>?
      | </(?P<end>[A-Za-z_][\w:.-]*+)[^<>]*+>?
      | <(?P<start>[A-Za-z_][\w:.-]*+)
          (?P<attributes>(?:[\s/]+(?:[^\s<>"'=/]++(?:\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s<>"']++))?+)?+)*+) >
      | (?P<text>(?:[^<]++|<(?![A-Za-z_/!?]))++|<)""",
    re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w:.-]*+)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)'|([^\s<>"']++))""")

_ITEMS = frozenset({"item", "entry"})
_LEAVES = frozenset({"title", "link", "guid", "id", "pubdate", "published", "updated", "category"})
"""Elements of an item that hold text alone: the next of them ends the one before, where its end is missing."""
_VOID = frozenset({"br", "hr", "img", "wbr"})

_MOST_PIECES = 1_500_000
"""References to characters, and lines: each costs feedparser 2 us, as much as a whole short text."""
_MOST_PREFIXES = 200
_LOOK_BACK = 200
"""Open elements that an end tag is compared with: more makes a hostile document quadratic."""
_MOST_TOKENS = 500_000
"""Tags and texts of a document that is repaired: about a second's worth. What comes after is left out."""

_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xhtml": "http://www.w3.org/1999/xhtml",
}
"""For prefixes that a document uses and does not declare."""


def well_formed(text: str) -> tuple[str, list[str]]:
    """`text` from its root element on as well-formed XML without entities of its own, and what was repaired, in words.

    Raises `BadElement` where no element begins, where entities are made of entities, and where no repair helps.
    """
    text, problems = _from_root(text)
    _expect_few_pieces(text)
    if (error := fault(text)) is None:
        return text, problems
    repaired = _Repair(text).text()
    _expect_few_pieces(repaired)
    if (still := fault(repaired)) is not None:
        raise BadElement(
            f"it is not XML, and could not be repaired ({still}): tell its publisher, or look for another feed of theirs"
        )
    return repaired, [*problems, f"not well-formed XML ({error}): repaired"]


def _expect_few_pieces(text: str) -> None:
    if text.count("&") + text.count("\n") > _MOST_PIECES:
        raise BadElement(f"it holds more than {_MOST_PIECES:,} references to characters and lines: refused")


def fault(text: str) -> str | None:
    """What keeps `text` from being well-formed XML with namespaces, in expat's words; None where nothing does."""
    parser = expat.ParserCreate("utf-8", " ")
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        return str(error)
    return None


def _from_root(text: str) -> tuple[str, list[str]]:
    """`text` without what stands before its root element, its own entities replaced."""
    prolog = _PROLOG.match(text)
    start = prolog.end() if prolog else 0
    if re.compile(r"<[A-Za-z_]").match(text, start):
        return _without_entities(text[start:], (prolog and prolog["subset"]) or "")
    if root := _ROOT.search(text, start):
        return text[root.start() :], ["something stands before the document: skipped"]
    raise BadElement("it is neither XML nor JSON: check that the address is a feed's")


def _without_entities(text: str, subset: str) -> tuple[str, list[str]]:
    """`text` with the entities that `subset`, of its document type, declares put in; those from elsewhere are not fetched."""
    declared = list(_ENTITY.finditer(subset))
    values = {entity["name"]: entity["double"] or entity["single"] or "" for entity in declared if not entity["external"]}
    if any(map(_MADE_OF_ENTITIES.search, values.values())) or "<!ENTITY %" in subset:
        raise BadElement("its document type declares entities made of other entities, which can grow without end: refused")
    problems = ["it declares entities that are kept elsewhere: not fetched"] if len(values) < len(declared) else []
    if not values:
        return text, problems
    added = sum(len(values.get(reference[1], "")) for reference in _OWN_REFERENCE.finditer(text))
    if added > _MOST_EXPANDED:
        raise BadElement(f"its own entities would make it {added:,} characters longer: refused")
    return _OWN_REFERENCE.sub(lambda reference: values.get(reference[1], reference[0]), text), problems


class _Repair:
    """One pass over a document that is not well-formed, which writes one that is.

    An end tag closes what it names and all that is open inside; one that names nothing open is dropped. What is open at the end is
    closed there, the root element always. References, attributes and prefixes are made legal.
    """

    def __init__(self, source: str) -> None:
        self._source = _ILLEGAL.sub("", source)
        self._pieces: list[str] = []
        self._open: list[str] = []
        self._root_at: int | None = None
        self._used: set[str] = set()
        self._declared = {"xml": "http://www.w3.org/XML/1998/namespace"}
        self._declared_by_root: frozenset[str] = frozenset()

    def text(self) -> str:
        for token in islice(_TOKEN.finditer(self._source), _MOST_TOKENS):
            self._take(token)
        self._close_to(0)
        if self._root_at is not None:
            self._pieces[self._root_at] += "".join(map(self._declaration, sorted(self._used - self._declared_by_root)))
        return "".join(self._pieces)

    def _declaration(self, prefix: str) -> str:
        namespace = self._declared.get(prefix) or _NAMESPACES.get(prefix, f"urn:undeclared:{prefix}")
        return f' xmlns:{prefix}="{namespace}"'

    def _take(self, token: re.Match[str]) -> None:
        if token["start"]:
            self._start(token["start"], token["attributes"])
        elif token["end"]:
            self._end(token["end"])
        elif not self._open:
            return
        elif token["cdata"] is not None:
            self._pieces.append(f"<![CDATA[{token['cdata']}]]>")
        elif token["text"]:
            self._pieces.append(_legal(token["text"]).replace("]]>", "]]&gt;"))

    def _start(self, name: str, attributes: str) -> None:
        name = self._known(name)
        folded = name.lower()
        if len(self._open) > 1 and self._open[-1].lower() in _LEAVES and (folded in _LEAVES or folded in _ITEMS):
            self._close_to(len(self._open) - 1)
        if folded in _ITEMS and (still_open := self._depth_of(name)):
            self._close_to(still_open)
        if self._root_at is None:
            self._root_at = len(self._pieces)
            self._pieces.append(f"<{name}")
            self._pieces.append(f"{self._attributes(attributes)}>")
            self._declared_by_root = frozenset(self._declared)
            self._open.append(name)
        elif attributes.rstrip().endswith("/") or folded in _VOID:
            self._pieces.append(f"<{name}{self._attributes(attributes)}/>")
        else:
            self._pieces.append(f"<{name}{self._attributes(attributes)}>")
            self._open.append(name)

    def _end(self, name: str) -> None:
        # The root stays open until the end, so that what stands behind it is not lost.
        if depth := self._depth_of(name):
            self._close_to(depth)

    def _depth_of(self, name: str) -> int:
        """How many elements are open around the innermost open one of this name; 0 where none is, or only the root."""
        name = name.lower()
        for depth in range(len(self._open) - 1, max(0, len(self._open) - _LOOK_BACK), -1):
            if self._open[depth].lower() == name:
                return depth
        return 0

    def _close_to(self, depth: int) -> None:
        while len(self._open) > depth:
            self._pieces.append(f"</{self._open.pop()}>")

    def _attributes(self, source: str) -> str:
        values: dict[str, str] = {}
        for name, double, single, bare in _ATTRIBUTE.findall(source):
            values.setdefault(name if name.startswith("xmlns:") else self._known(name), double or single or bare)
        return "".join(
            f' {name}="{self._value(name, value)}"' for name, value in values.items() if value or not name.startswith("xmlns")
        )

    def _value(self, name: str, value: str) -> str:
        value = _legal(value).replace('"', "&quot;")
        if name.startswith("xmlns"):
            # White space in a namespace is what parsers cannot bear.
            value = "".join(value.split())
        if name.startswith("xmlns:"):
            self._declared[name[6:]] = value
        return value

    def _known(self, name: str) -> str:
        """`name` with at most one colon, its prefix remembered."""
        prefix, colon, local = name.partition(":")
        local = local.replace(":", "_")
        if not colon or not re.match(r"[A-Za-z_]", local) or len(self._used) > _MOST_PREFIXES:
            return name.replace(":", "_")
        self._used.add(prefix)
        return f"{prefix}:{local}"


def _legal(text: str) -> str:
    """`text` with every reference one that XML knows: HTML's become numbers, bare ampersands are escaped, forbidden numbers go."""
    return _REFERENCE.sub(_reference, _BARE_AMPERSAND.sub("&amp;", text)).replace("<", "&lt;")


def _reference(match: re.Match[str]) -> str:
    if match["name"]:
        return _named(match["name"])
    number = int(match["hex"], 16) if match["hex"] else int(match["decimal"])
    return f"&#{number};" if number < 0x110000 and not _ILLEGAL.match(chr(number)) else ""


def _named(name: str) -> str:
    if name in {"amp", "lt", "gt", "quot", "apos"}:
        return f"&{name};"
    characters = html5.get(f"{name};")
    return "".join(f"&#{ord(character)};" for character in characters) if characters else f"&amp;{name};"

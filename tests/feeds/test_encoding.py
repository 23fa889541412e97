"""Bytes as text, whatever they are said to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.encoding import decoded

WORDS = "<rss>Zoë à Łódź — “déjà vu”</rss>"
WESTERN = "<rss>Zoë déjà vu</rss>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_unicode_is_told_by_its_bytes(encoding: str) -> None:
    """With a byte order mark or without, and no matter what the server says."""
    assert decoded(WORDS.encode(encoding), "text/xml; charset=iso-8859-1")[0] == WORDS


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "iso-8859-15"])
def test_the_declared_encoding_is_used_where_it_is_not_utf8(encoding: str) -> None:
    """The document's declaration, in whatever western set."""
    body = f"<?xml version='1.0' encoding='{encoding}'?>{WESTERN}".encode(encoding)
    assert decoded(body, None)[0].endswith(WESTERN)


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("shift_jis", "日本語の見出し"), ("gb2312", "中文新闻"), ("koi8-r", "новости"), ("big5", "新聞"), ("euc-kr", "뉴스")],
)
def test_other_scripts_are_read(encoding: str, words: str) -> None:
    """By the server's word, where the document says nothing."""
    assert decoded(f"<rss>{words}</rss>".encode(encoding), f"text/xml; charset={encoding}")[0] == f"<rss>{words}</rss>"


def test_the_document_goes_before_the_server() -> None:
    """A server's default for all its files knows less than who wrote the document."""
    body = "<?xml version='1.0' encoding='koi8-r'?><rss>новости</rss>".encode("koi8-r")
    assert "новости" in decoded(body, "text/xml; charset=windows-1251")[0]


def test_utf8_that_is_declared_as_something_else_stays_utf8() -> None:
    """No mojibake, and a note of it."""
    text, note = decoded(f"<?xml version='1.0' encoding='iso-8859-1'?>{WORDS}".encode(), "text/xml")
    assert text.endswith(WORDS)
    assert note is not None
    assert "utf-8" in note


def test_ascii_declared_as_utf16_is_ascii() -> None:
    """Half the bytes would be missing."""
    assert decoded(b"<?xml version='1.0' encoding='utf-16'?><rss>plain</rss>", None)[0].endswith("<rss>plain</rss>")


def test_a_few_wrong_bytes_do_not_spoil_the_rest() -> None:
    """A windows-1252 quotation pasted into UTF-8 is read as what it is."""
    text, note = decoded("<rss>Łódź ".encode() + b"\x93quoted\x94 caf\xe9" + b"</rss>", None)
    assert text == "<rss>Łódź “quoted” café</rss>"
    assert note is not None


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "unicode_escape", "utf-7", "rot13", "zlib", "no-such", "undefined", "charmap"]
)
def test_codecs_that_no_publisher_uses_are_not_run(name: str) -> None:
    """They take quadratic time, run escapes, or are none."""
    body = f"<?xml version='1.0' encoding='{name}'?><rss>+ADw- \\u0041 caf\u00e9</rss>".encode()
    assert decoded(body, f"text/xml; charset={name}")[0].endswith("<rss>+ADw- \\u0041 café</rss>")


@given(
    st.binary(max_size=200),
    st.sampled_from(["utf-8", "utf-16", "shift_jis", "gb18030", "iso-2022-jp", "hz", "cp037", "big5", "cp1252"]),
)
def test_no_bytes_break_it(body: bytes, encoding: str) -> None:
    """There is always a text."""
    assert isinstance(decoded(body, f"text/xml; charset={encoding}")[0], str)

"""Small documents in every format, each with the same two stories."""

RSS20 = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Example &amp;amp; Sons</title><link>https://news.example/</link><language>en-gb</language>
<item><title>Storm &amp;amp; flood</title><link>/storm</link><guid isPermaLink="false">urn:story-1</guid>
<pubDate>Sun, 01 Mar 2026 13:00:00 +0100</pubDate><dc:creator>Ann Author</dc:creator><category>weather</category>
<description>In short.</description><content:encoded><![CDATA[<p>A storm hit the coast.</p><p>Nobody was hurt.</p>]]>
</content:encoded></item>
<item><title>Second story</title><link>https://news.example/second</link><description>Plain words.</description></item>
</channel></rss>"""

RSS10 = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel rdf:about="https://news.example/"><title>Example &amp;amp; Sons</title><link>https://news.example/</link>
<dc:language>en-gb</dc:language></channel>
<item rdf:about="urn:story-1"><title>Storm &amp;amp; flood</title><link>https://news.example/storm</link>
<dc:creator>Ann Author</dc:creator>
<dc:date>2026-03-01T12:00:00Z</dc:date><dc:subject>weather</dc:subject><description>In short.</description>
<content:encoded>&lt;p&gt;A storm hit the coast.&lt;/p&gt;&lt;p&gt;Nobody was hurt.&lt;/p&gt;</content:encoded></item>
<item rdf:about="https://news.example/second"><title>Second story</title><link>https://news.example/second</link>
<description>Plain words.</description></item>
</rdf:RDF>"""

ATOM10 = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://news.example/" xml:lang="en-gb">
<title type="html">Example &amp;amp; Sons</title><link href="/"/><link rel="self" href="/feed"/><id>urn:feed</id>
<updated>2026-03-01T12:00:00Z</updated>
<entry><title type="html">Storm &amp;amp; flood</title><link href="storm"/><id>urn:story-1</id>
<published>2026-03-01T12:00:00Z</published>
<updated>2026-03-01T12:30:00Z</updated><author><name>Ann Author</name></author><category term="weather"/>
<summary>In short.</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>A storm hit the coast.</p><p>Nobody was hurt.</p></div>
</content></entry>
<entry><title>Second story</title><link href="https://news.example/second"/><id>urn:story-2</id>
<updated>2026-03-01T11:00:00Z</updated>
<content>Plain words.</content></entry>
</feed>"""

ATOM03 = """<feed version="0.3" xmlns="http://purl.org/atom/ns#" xml:lang="en-gb"><title>Example &amp; Sons</title>
<link rel="alternate" type="text/html" href="https://news.example/"/>
<entry><title mode="escaped" type="text/html">Storm &amp;amp; flood</title>
<link rel="alternate" type="text/html" href="https://news.example/storm"/>
<id>urn:story-1</id><issued>2026-03-01T12:00:00Z</issued><author><name>Ann Author</name></author>
<dc:subject xmlns:dc="http://purl.org/dc/elements/1.1/">weather</dc:subject>
<content mode="escaped" type="text/html">&lt;p&gt;A storm hit the coast.&lt;/p&gt;&lt;p&gt;Nobody was hurt.&lt;/p&gt;</content>
</entry>
<entry><title>Second story</title><link rel="alternate" type="text/html" href="https://news.example/second"/>
<content>Plain words.</content></entry>
</feed>"""

JSON11 = """{"version": "https://jsonfeed.org/version/1.1", "title": "Example & Sons",
"home_page_url": "https://news.example/", "language": "en-gb",
"items": [{"id": "urn:story-1", "url": "https://news.example/storm", "title": "Storm & flood",
"date_published": "2026-03-01T13:00:00+01:00",
"authors": [{"name": "Ann Author"}], "tags": ["weather"], "summary": "In short.",
"content_html": "<p>A storm hit the coast.</p><p>Nobody was hurt.</p>"},
{"id": 2, "url": "https://news.example/second", "title": "Second story", "content_text": "Plain words."}]}"""

JSON10 = JSON11.replace("version/1.1", "version/1").replace(
    '"authors": [{"name": "Ann Author"}]', '"author": {"name": "Ann Author"}'
)

ALL = {"rss20": RSS20, "rss10": RSS10, "atom10": ATOM10, "atom03": ATOM03, "json11": JSON11, "json10": JSON10}

"""The built site is whole: a page a name, a picture and an example a page, no link that is dead."""

import posixpath
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

import keras_losskit as kl
from tests.test_readme import losses

LOSSES = sorted(losses())
OTHERS = sorted(set(kl.__all__) - set(LOSSES))


class Page(HTMLParser):
    """What a page links to, loads and names."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.ids = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        if tag in ("img", "script", "source") and given.get("src"):
            self.loads.add(given["src"])
        if tag == "link" and given.get("rel") in ("stylesheet", "preload", "icon", "modulepreload"):
            self.loads.add(given["href"])


@cache
def page(path):
    return Page(Path(path).read_text(encoding="utf-8"))


def pages(site):
    return sorted(p for p in site.rglob("*.html") if "_static" not in p.parts)


def targets(site, path):
    """The pages of the site that a page links to."""
    for link in page(path).links:
        address, _ = urldefrag(link)
        if address and "://" not in address and not address.startswith("mailto:"):
            there = path.parent.relative_to(site) / unquote(address)
            yield site / posixpath.normpath(there.as_posix())


def test_the_build_says_no_warning(built):
    _, done = built
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_has_a_page_with_all_that_belongs_there(site, name):
    text = (site / "losses" / f"{name}.html").read_text(encoding="utf-8")
    found = page(site / "losses" / f"{name}.html")
    assert f"<h1>{name}" in text
    assert 'class="formula-block"' in text, "its formula is missing in kitdocs/formulas.py"
    assert any(x.endswith(f"{name}.png") for x in found.loads), "it has no picture"
    for section in ("example", "what-it-takes", "options", "its-neighbours", "reference"):
        assert section in found.ids, section
    assert re.search(r'class="gp">&gt;&gt;&gt;', text), "its example shows no code"
    assert re.search(r'class="go"', text), "its example shows no output"


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_public_name_has_a_page_with_an_example(site, name):
    text = (site / "api" / f"{name}.html").read_text(encoding="utf-8")
    assert f"<h1>{name}" in text and 'class="gp">&gt;&gt;&gt;' in text


def test_no_link_is_dead(site):
    dead = []
    for path in pages(site):
        for link in page(path).links | page(path).loads:
            address, anchor = urldefrag(link)
            if "://" in address or address.startswith(("mailto:", "data:", "javascript:")):
                continue
            address = address.partition("?")[0]
            where = (path.parent / unquote(address)).resolve() if address else path
            if not where.exists():
                dead.append((str(path.relative_to(site)), link))
            elif anchor and where.suffix == ".html" and path.name not in ("genindex.html",):
                if unquote(anchor) not in page(where).ids:
                    dead.append((str(path.relative_to(site)), link))
    assert not dead, dead[:20]


def test_nothing_is_loaded_from_elsewhere(site):
    far = {x for path in pages(site) for x in page(path).loads if "://" in x or x.startswith("//")}
    assert not far
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_every_loss_is_two_clicks_away(site):
    once = set(targets(site, site / "index.html"))
    twice = {t for path in once if path.suffix == ".html" and path.exists()
             for t in targets(site, path)}
    missing = [n for n in LOSSES if site / "losses" / f"{n}.html" not in twice]
    assert not missing


def test_every_example_is_in_the_gallery(site):
    root = Path(__file__).resolve().parents[2]
    for path in (root / "examples").glob("*.py"):
        assert (site / "gallery" / f"{path.stem}.html").exists(), path.stem


def test_every_row_of_the_docstrings_is_on_the_migration_page(site):
    from tests.elsewhere.rows import documented

    text = (site / "migration.html").read_text(encoding="utf-8")
    words = re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", text))
    for name in {name for name, _ in documented()}:
        assert name in words, name

"""`make docs` writes a site that has every page, loads nothing from another host, and has no
broken link.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

import ska_edge
from tests.conftest import without

ROOT = Path(__file__).parents[1]
PAGES = ("*.md", "docs/*.md", "examples/*/README.md")
BROKEN = """
[no page](NO-PAGE.md), [no heading](BOARDS.md#no-board), [no heading here](#no-heading)
"""


class Html(HTMLParser):
    """What a page refers to.

    Attributes:
        loaded: addresses of scripts, styles, pictures and frames.
        links: addresses that a reader can go to.
        ids: the places of the page that a link can name.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.add(found.get("id", ""))
        if tag == "a":
            self.links.append(found.get("href", ""))
        else:
            self.loaded += (found[name] for name in ("src", "srcset", "href") if name in found)


def foreign(text: str, suffix: str) -> list[str]:
    """Return what an HTML page or a style sheet loads from another host."""
    style = r"""(?:url\(|@import)\s*["']?([^"')\s]+)"""
    loaded = Html(text).loaded if suffix == ".html" else []
    loaded += re.findall(style, text)
    return [each for each in loaded if re.match(r"\w+://|//", each)]


@pytest.mark.parametrize(
    ("suffix", "text", "found"),
    [
        (".html", '<a href="https://a.org"></a><img src="a.png">', []),
        (".html", '<script src="https://a.org/a.js"></script>', ["https://a.org/a.js"]),
        (".html", '<link rel="stylesheet" href="//a.org/a.css">', ["//a.org/a.css"]),
        (".html", "<style>a {src: url('http://a.org/a')}</style>", ["http://a.org/a"]),
        (".css", "a {src: url(a.woff)} b {src: url(data:image/png,)}", []),
        (".css", '@import "https://a.org/a.css";', ["https://a.org/a.css"]),
    ],
)
def test_what_comes_from_another_host_is_found(suffix: str, text: str, found: list[str]) -> None:
    assert foreign(text, suffix) == found


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def copied(folder: Path) -> list[Path]:
    """Copy what `make docs` reads into a folder; return the pages."""
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "Makefile", folder)
    pages = sorted(path.relative_to(ROOT) for some in PAGES for path in ROOT.glob(some))
    for page in pages:
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, folder / page)
    return pages


def test_the_site_has_every_page_and_a_broken_link_is_an_error(tmp_path: Path) -> None:
    """All is in one test, because a second build would take as long as the first one."""
    if sys.version_info < (3, 11):
        pytest.skip("the extra docs is for Python 3.11 or newer")
    if shutil.which("make") is None or find_spec("sphinx") is None:
        without("make and the extra docs are needed")
    pages = copied(tmp_path)
    # With `-o`, make takes dev.stamp as up to date, so it installs nothing.
    built = run(tmp_path, "make", "docs", f"VENV={sys.prefix}", f"-o{sys.prefix}/dev.stamp")
    assert built.returncode == 0, built.stderr

    site = tmp_path / "site"
    first = Html((site / "index.html").read_text("utf-8"))
    assert len(pages) > 20
    for page in pages:
        target = page.with_suffix(".html").as_posix()
        assert (site / target).exists(), page
        assert target in first.links or page == Path("README.md"), page

    html = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    places = {place for text in html.values() for place in Html(text).ids}
    assert {f"ska_edge.{name}" for name in ska_edge.__all__} <= places

    texts = {**html, **{path: path.read_text("utf-8") for path in site.rglob("*.css")}}
    assert {
        path: found for path, text in texts.items() if (found := foreign(text, path.suffix))
    } == {}

    with (tmp_path / "docs" / "DATA.md").open("a", encoding="utf-8") as data:
        data.write(BROKEN)
    (tmp_path / "docs" / "STRAY.md").write_text("# Not in the navigation\n", encoding="utf-8")
    # Without `-E`, only the changed pages are read.
    check = ("-b", "dummy", "-q", "-W", "-c", "docs/site", "-d", "build/site")
    broken = run(tmp_path, sys.executable, "-m", "sphinx", *check, ".", "build/check")
    assert broken.returncode == 1
    for word in ("NO-PAGE.md", "no-board", "no-heading", "STRAY.md"):
        assert word in broken.stderr, broken.stderr
    assert broken.stderr.count("WARNING") == 4, broken.stderr

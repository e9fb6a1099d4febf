"""How the documentation becomes a site: ``make docs``. The pages are plain Markdown and read as well without it.

The table of contents is that of ``index.md``: its headings are the sections, its links the pages. Pages of reference
are made from the code and its data before they are read (``reference_pages.py``); nothing is fetched from anywhere.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from kubesim.version import VERSION

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "kubesim"
release = version = VERSION
copyright = "the kubesim authors"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["changes", "gallery"]
myst_heading_anchors = 3
myst_fence_as_directive: set[str] = set()
nitpicky = False
html_theme = "alabaster"
html_title = f"kubesim {VERSION}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {
    "description": "what the kubelet does with your Pod, and why",
    "fixed_sidebar": True,
    "page_width": "1180px",
    "sidebar_width": "250px",
    "font_family": "system-ui, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif",
    "head_font_family": "system-ui, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif",
    "font_size": "16px",
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_show_sphinx = False
html_copy_source = False
pygments_style = "friendly"
suppress_warnings = ["myst.header"]

_SECTION = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_PAGE = re.compile(r"\]\((?P<page>[\w./-]+)\.(?:md|ipynb)\)")
_OUTSIDE = re.compile(r"\[(?P<words>[^\]]+)\]\((?P<path>\.\./[^)]+)\)")
_SETTINGS = re.compile(r"^```(\w+) [^\n]*$", re.MULTILINE)
_TORN_JSON = re.compile(r"^```json$(?=\n(?:(?!```)[^\n]*\n)*?[^\n]*…)", re.MULTILINE)
_ITEM = re.compile(r"^- [^\n]*\]\((?P<page>[\w.-]+\.md)\)[^\n]*\n", re.MULTILINE)


def read_page(_app: Any, docname: str, source: list[str]) -> None:
    """What the site needs and a forge does not: a table of contents, and no links to files outside of ``docs/``."""
    text = source[0]
    if "/" not in docname:
        text = _OUTSIDE.sub(lambda found: f"{found['words']} (`{found['path'].removeprefix('../')}`)", text)
    text = _TORN_JSON.sub("```text", _SETTINGS.sub(lambda found: f"```{found[1]}", text))
    if docname == "index":
        text = _ITEM.sub(lambda found: found[0] if (HERE / found["page"]).exists() else "", text)
        text += "".join(_contents(text))
    source[0] = text


def _contents(text: str) -> list[str]:
    """One hidden table of contents for each section of the start page."""
    parts = _SECTION.split(text)[1:]
    tables = []
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        pages = [page for page in dict.fromkeys(_PAGE.findall(body)) if (HERE / f"{page}.md").exists()]
        if pages:
            lines = "\n".join(pages)
            tables.append(f"\n```{{toctree}}\n:hidden:\n:caption: {title.strip()}\n\n{lines}\n```\n")
    return tables


def setup(app: Any) -> dict[str, bool]:
    from reference_pages import write_pages

    app.connect("builder-inited", lambda _app: write_pages(HERE / "reference"))
    app.connect("source-read", read_page)
    return {"parallel_read_safe": False}

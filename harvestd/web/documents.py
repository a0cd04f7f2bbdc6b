"""Pages for people: the index, the problems, the documentation. Plain HTML, no inline script or style."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from harvestd.market.errors import NotFound
from harvestd.web.problems import PROBLEMS, Problem

HTML = "text/html; charset=utf-8"
#: Only this server's own files; nothing inline, nobody may frame it.
POLICY = (
    "Content-Security-Policy",
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
#: Swagger UI sets style attributes, draws its icons from data: and calls the API.
DOCS_POLICY = (
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
)
#: What ``/docs/<name>`` serves: media type, and whether it is Swagger UI's or ours.
STATIC = {
    "docs.js": ("text/javascript; charset=utf-8", "ours"),
    "pages.css": ("text/css; charset=utf-8", "ours"),
    "swagger-ui-bundle.js": ("text/javascript; charset=utf-8", "swagger"),
    "swagger-ui.css": ("text/css; charset=utf-8", "swagger"),
}


def static(name: str) -> tuple[bytes, str]:
    """A file of the documentation and its media type. Raises ``NotFound``."""
    if name not in STATIC:
        raise NotFound("there is no such file")
    media_type, whose = STATIC[name]
    if whose == "swagger":
        return (_swagger() / name).read_bytes(), media_type
    return files("harvestd.web").joinpath("static", name).read_bytes(), media_type


@cache
def _swagger() -> Path:
    """The folder of Swagger UI's files, found without importing the package that carries them."""
    spec = find_spec("swagger_ui")
    if spec is None or not spec.submodule_search_locations:
        raise NotFound("Swagger UI is not installed; install swagger-ui-py, or read /openapi.json")
    return Path(spec.submodule_search_locations[0]) / "static"


def docs(title: str) -> bytes:
    """The page that shows the contract and tries it."""
    head = '<link rel="stylesheet" href="/docs/swagger-ui.css">'
    body = (
        '<div id="docs"><noscript>This page needs scripts; <a href="/openapi.json">the document</a> does not.</noscript></div>'
        '<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/docs.js"></script>'
    )
    return _page(f"{title}: the API", body, head)


def index(title: str) -> bytes:
    """What somebody sees who opens the server's address in a browser."""
    links = (
        ("/docs", "The API, and a page to try it in"),
        ("/openapi.json", "The API as OpenAPI 3.1"),
        ("/api/products", "What is on sale, as JSON"),
        ("/problems", "What errors mean, and their cures"),
        ("/health/ready", "How the server is"),
    )
    items = "".join(f'<li><a href="{path}">{path}</a> {escape(text)}</li>' for path, text in links)
    return _page(title, f"<main><h1>{escape(title)}</h1><p>This is the market's API server.</p><ul>{items}</ul></main>")


def problem_list() -> bytes:
    """All problems on one page."""
    rows = "".join(
        f'<tr><td>{p.status}</td><td><a href="{p.type}">{escape(p.title)}</a></td><td>{escape(p.cure)}</td></tr>'
        for p in PROBLEMS
    )
    table = f"<table><thead><tr><th>Status</th><th>Problem</th><th>Cure</th></tr></thead><tbody>{rows}</tbody></table>"
    return _page("Problems", f"<main><h1>What can go wrong</h1>{table}</main>")


def problem_page(problem: Problem) -> bytes:
    """The page that a problem's ``type`` names."""
    body = (
        f"<main><p><a href='/problems'>All problems</a></p><h1>{escape(problem.title)}</h1>"
        f"<p>Status {problem.status}, type <code>{problem.type}</code></p>"
        f"<h2>Cause</h2><p>{escape(problem.cause)}</p><h2>Cure</h2><p>{escape(problem.cure)}</p></main>"
    )
    return _page(problem.title, body)


def _page(title: str, body: str, head: str = "") -> bytes:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/docs/pages.css">{head}</head><body>{body}</body></html>'
    )
    return text.encode("utf-8")

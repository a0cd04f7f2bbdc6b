"""HTML pages for developers, in English: the index and the list of problems; a problem's own page, in the market's languages; and the static files that all pages share."""

from __future__ import annotations

from html import escape
from importlib.resources import files

import attrs

from harvestd.kernel import languages
from harvestd.kernel.codes import CODES
from harvestd.web.pages import people
from harvestd.web.pages.html import marked, page, table
from harvestd.web.problems import PROBLEMS, Problem

HTML = "text/html; charset=utf-8"
#: Only this server's own files and responses; nothing inline, no framing.
POLICY = (
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
)
#: Files that ``/docs/<name>`` serves beside the sections of the reference.
STATIC = {
    "sign-in.js": "text/javascript; charset=utf-8",
    "passkeys.js": "text/javascript; charset=utf-8",
    "things.js": "text/javascript; charset=utf-8",
    "own.js": "text/javascript; charset=utf-8",
    "account.js": "text/javascript; charset=utf-8",
    "reference.js": "text/javascript; charset=utf-8",
    "pages.css": "text/css; charset=utf-8",
    "favicon.svg": "image/svg+xml; charset=utf-8",
}


#: Read at startup: later there may be no file descriptor left.
_FILES = {name: files("harvestd.web.pages").joinpath("static", name).read_bytes() for name in STATIC}


def static(name: str) -> bytes:
    """A static file of the pages."""
    return _FILES[name]


def index(title: str) -> bytes:
    """The start page for a browser at the server's address."""
    links = (
        ("/docs", "The API, and forms to try it"),
        ("/openapi.json", "The API as OpenAPI 3.1"),
        ("/docs/ranking", "What search ranks by, in words"),
        ("/api/products", "What is on sale, as JSON"),
        ("/account", "One's own account: signing in, passkeys, one's data"),
        ("/problems", "What errors mean, and their cures"),
        ("/health/ready", "How the server is"),
    )
    items = "".join(f'<li><a href="{path}">{path}</a> {escape(text)}</li>' for path, text in links)
    return page(title, f"<h1>{escape(title)}</h1><p>This is the market's API server.</p><ul>{items}</ul>")


def problem_list() -> bytes:
    """All problems on one page."""
    rows = [(f'<a href="{p.type}">{escape(p.title)}</a>', str(p.status), marked(p.cure)) for p in PROBLEMS]
    problems = table(("Problem", "Status", "Cure"), rows, "Problems")
    return page("Problems", f"<h1>What can go wrong</h1>{problems}<h2>With a field, or a cart</h2>{_code_list()}")


def _code_list() -> str:
    """The values of ``errors[].code`` and a cart's ``warnings[].code``."""
    names = {
        code: ", ".join((*row.params, *(f"{name} (where it applies)" for name in row.more)))
        for code, row in CODES.items()
    }
    rows = [(f"<code>{code}</code>", marked(row.meaning), escape(names[code])) for code, row in sorted(CODES.items())]
    return table(("Code", "Meaning", "Params"), rows, "Codes of errors and warnings")


def problem_page(problem: Problem, language: str = languages.ENGLISH) -> bytes:
    """The page that a problem's ``type`` names, in a language."""
    told = problem_texts(problem, language)
    kind = escape(people.text("kind of problem", language)).format(
        status=problem.status, type=f"<code>{problem.type}</code>"
    )
    cause, cure = (f"<h2>{escape(people.text(name, language))}</h2>" for name in ("cause", "cure"))
    return page(
        told.title,
        f"<h1>{escape(told.title)}</h1><p>{kind}</p>{cause}<p>{marked(told.cause)}</p>{cure}<p>{marked(told.cure)}</p>",
        language=language,
        skip=people.text("skip", language),
    )


def problem_texts(problem: Problem, language: str) -> Problem:
    """A problem with its texts in a language, as far as it has them."""
    cause, cure = (languages.sentence(text, language) or text for text in (problem.cause, problem.cure))
    return attrs.evolve(problem, title=languages.title(problem.title, language), cause=cause, cure=cure)

"""HTML pages: the index and the problems; and the static files that all pages share."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from harvestd.kernel.codes import CODES
from harvestd.web.pages.html import CODE, marked, page, table
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
        ("/api/products", "What is on sale, as JSON"),
        ("/problems", "What errors mean, and their cures"),
        ("/health/ready", "How the server is"),
    )
    items = "".join(f'<li><a href="{path}">{path}</a> {escape(text)}</li>' for path, text in links)
    return page(title, f"<h1>{escape(title)}</h1><p>This is the market's API server.</p><ul>{items}</ul>")


HEADINGS = {
    "verify": "Confirm your address", "link": "Sign in", "reset": "Set a new password", "factor": "Sign in", "invitation": "Join a farm",
    "forgot": "Forgotten password",
}  # fmt: skip


def account(title: str, password_least: int) -> bytes:
    """The page that mailed links lead to where the shop has none; ``account.js`` shows the form for the link."""
    forms = (
        ("verify", "", "Confirm this address"),
        ("link", CODE, "Sign in"),
        ("factor", CODE, "Sign in"),
        ("reset", f'<label>New password, {password_least} characters or more <input name="password" type="password" required '
         f'minlength="{password_least}" autocomplete="new-password"></label>', "Set the password"),
        ("invitation", '<p>Sign in with your account, or open one first and come back to this link.</p>'
         '<label>E-mail address <input name="email" type="email" required autocomplete="username"></label>'
         '<label>Password <input name="password" type="password" required autocomplete="current-password"></label>'
         + CODE, "Sign in and accept"),
        ("forgot", '<label>E-mail address of your account <input name="email" type="email" required autocomplete="email"></label>',
         "Send a mail to set a new password"),
    )  # fmt: skip
    shown = "".join(
        f'<form id="{name}" method="post" hidden><h2>{escape(HEADINGS[name])}</h2>{fields}<p><button>{escape(button)}</button></p></form>'
        for name, fields, button in forms
    )
    return page(
        f"Your account at {title}",
        f'<h1>Your account at {escape(title)}</h1><p id="said" role="status" tabindex="-1"></p>{shown}'
        '<p id="again" hidden>Ask for a new mail: <a href="/account">for a new password</a>, or where you asked for this one.</p>'
        "<noscript><p>This page needs JavaScript.</p></noscript>",
        head='<script src="/docs/account.js" defer></script>',
        navigation=False,
    )


def missing(path: str, why: str) -> bytes:
    """The page for a browser that requests a missing page."""
    return page(
        "There is no such page",
        f"<h1>There is no such page</h1><p><code>{escape(path)}</code>: {escape(why)}.</p>"
        '<ul><li><a href="/docs">The API</a></li><li><a href="/">The start</a></li></ul>',
    )


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


def problem_page(problem: Problem) -> bytes:
    """The page that a problem's ``type`` names."""
    return page(
        problem.title,
        f"<h1>{escape(problem.title)}</h1><p>Status {problem.status}, type <code>{problem.type}</code></p>"
        f"<h2>Cause</h2><p>{marked(problem.cause)}</p><h2>Cure</h2><p>{marked(problem.cure)}</p>",
    )

"""Plain HTML pages: no inline script or style, one common look, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

#: The navigation links of every page.
_NAVIGATION = (
    ("/docs", "The API"),
    ("/docs/schemas", "Schemas"),
    ("/problems", "Problems"),
    ("/openapi.json", "OpenAPI"),
)


def code_field(label: str, short: str = "Code") -> str:
    """Asked for once the market says that the account has a second factor; empty and hidden until then. Its faults are told under ``short``."""
    return f'<label class="code" hidden>{escape(label)} <input name="code" data-name="{escape(short)}" autocomplete="one-time-code"></label>'


CODE = code_field("Code of your second factor, or a recovery code")


def scripts(domain: str, *names: str) -> str:
    """The elements that load these scripts of ``static``, after the one of passkeys, which are for ``domain``."""
    first = f'<script src="/docs/passkeys.js" data-domain="{escape(domain.lower())}" defer></script>'
    return first + "".join(f'<script src="/docs/{name}.js" defer></script>' for name in names)


def page(
    title: str,
    main: str,
    head: str = "",
    beside: str = "",
    navigation: bool = True,
    language: str = "en",
    skip: str = "Skip to the content",
) -> bytes:
    """A complete page; ``main`` begins with its one ``h1``, ``beside`` comes before it (navigation, sign-in). Pages for
    people have no ``navigation`` of the API, and may be in another ``language``, with ``skip`` for the link to what matters."""
    links = "".join(f'<li><a href="{path}">{escape(text)}</a></li>' for path, text in _NAVIGATION)
    header = f'<header><nav aria-label="Site"><ul>{links}</ul></nav></header>' if navigation else ""
    text = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f'<link rel="icon" href="/docs/favicon.svg"><title>{escape(title)}</title>'
        f'<link rel="stylesheet" href="/docs/pages.css">{head}</head><body>'
        f'<a class="skip" href="#main">{escape(skip)}</a>'
        f'{header}{beside}<main id="main">{main}</main></body></html>'
    )
    return text.encode("utf-8")


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], caption: str) -> str:
    """A table of HTML cells; the first of each row is its header."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in rows
    )
    return (
        f'<div class="wide" role="region" aria-label="{escape(caption)}" tabindex="0"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def code(text: str, label: str) -> str:
    """A code block that is scrollable by keyboard, with a label for screen readers."""
    return f'<pre role="region" aria-label="{escape(label)}" tabindex="0"><code>{escape(text)}</code></pre>'


def marked(text: str) -> str:
    """Text with `code` and [links](/path) in Markdown, as HTML."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else _linked(piece) for i, piece in enumerate(pieces))


def _linked(text: str) -> str:
    """``[words](address)`` as links, from left to right."""
    before, bracket, rest = text.partition("[")
    words, middle, after = rest.partition("](")
    address, end, last = after.partition(")")
    if not (bracket and middle and end):
        return text
    return f'{before}<a href="{address}">{words}</a>{_linked(last)}'

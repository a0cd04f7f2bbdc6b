"""The API reference as HTML: a page per section and one for the schemas, generated from the document, with a form to try each
operation.

Not Swagger UI, Redoc or Scalar: these load 1.4 to 4.9 MB of script on a phone, fail every accessibility checker, and need
styles that our content security policy would have to allow. This is some 20 kB, readable without scripts, and its examples
work unchanged on this market.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from harvestd.kernel.errors import NotFound
from harvestd.web.pages.examples import inputs
from harvestd.web.pages.html import CODE, code, marked, page, scripts, table

#: Without the script a form is refused: POST keeps typed values out of the URL, and so out of logs.
_POST = 'method="post"'
#: Pattern and error message of a field. In a path, browsers resolve ``.`` and ``..`` before sending (even percent-encoded), and a
#: name cannot contain a slash (:mod:`harvestd.web.http.request`).
_NAMES = r"[^\/]*[^\s.\/][^\/]*", "not only blanks or dots, and no slash"
_ANYTHING = r".*\S.*", "not only blanks"
_SIGN_IN = f"""<form id="sign-in" {_POST} aria-label="Sign in"><noscript><p>The forms need scripts.</p></noscript><p class="who" role="status">Not signed in</p>
<div class="fields"><label>E-mail <input name="email" type="email" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
{CODE}<button>Sign in</button><button type="button" name="passkey">Sign in with a passkey</button></div>
<p class="not-here" hidden>Passkeys work at <a href="ORIGIN/docs">DOMAIN</a> alone: open this page there.</p><button type="button" name="out" hidden>Sign out</button></form>"""


def index(document: dict[str, Any]) -> bytes:
    """All operations by section."""
    title = document["info"]["title"]
    paragraphs = "".join(f"<p>{marked(text)}</p>" for text in document["info"]["description"].split("\n\n"))
    sections = "".join(_section(document, tag) for tag in document["tags"])
    return page(f"{title}: the API", f"<h1>{escape(title)}: the API</h1>{paragraphs}{sections}")


def _section(document: dict[str, Any], tag: dict[str, str]) -> str:
    items = "".join(
        f'<li><a href="/docs/{tag["name"]}#{operation["operationId"]}"><code>{method} {escape(path)}</code></a> '
        f"{marked(operation['summary'])}</li>"
        for method, path, operation in _operations(document, tag["name"])
    )
    return f'<h2 id="{tag["name"]}">{tag["name"].capitalize()}</h2><p>{marked(tag["description"])}</p><ul class="operations">{items}</ul>'  # fmt: skip


def section(document: dict[str, Any], name: str, domain: str = "localhost", origin: str = "http://localhost") -> bytes:
    """The operations of one section, or ``schemas``; passkeys are for ``domain``, and the market's own pages at ``origin``. Raises ``NotFound``."""
    title = document["info"]["title"]
    if name == "schemas":
        return page(f"Schemas: {title}", "<h1>Schemas</h1>" + "".join(_schemas(document)))
    tag = next((tag for tag in document["tags"] if tag["name"] == name), None)
    if tag is None:
        raise NotFound("there is no such page; /docs has all of them")
    operations = "".join(_operation(document, *found) for found in _operations(document, name))
    sign_in = _SIGN_IN.replace("ORIGIN", escape(origin)).replace("DOMAIN", escape(domain))
    main = f"<h1>{name.capitalize()}</h1><p>{marked(tag['description'])}</p>{operations}"
    return page(f"{name.capitalize()}: {title}", main, scripts(domain, "sign-in", "reference"), sign_in)


def _operations(document: dict[str, Any], tag: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method.upper(), path, operation


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    name = operation["operationId"]
    parameters = _own(operation)
    shown = [
        f'<section aria-labelledby="{name}"><h2 id="{name}"><code>{method} {escape(path)}</code> {marked(operation["summary"])}</h2>',
        f"<p>{marked(operation['description'])}</p>",
    ]
    if parameters:
        rows = [
            (f"<code>{p['name']}</code>", _where(p), _type(p["schema"]), marked(p["description"])) for p in parameters
        ]
        shown.append(table(("Name", "In", "Type", "Meaning"), rows, f"Parameters of {name}"))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        shown.append(f"<p>Body: {_type(body['schema'])}</p>")
    shown += [_answers(document, operation), _form(document, method, path, operation), "</section>"]
    return "".join(shown)


def _own(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Its parameters except those of every operation, which browsers send by themselves."""
    return [parameter for parameter in operation.get("parameters", []) if "$ref" not in parameter]


def _where(parameter: dict[str, Any]) -> str:
    return str(parameter["in"]) + (", required" if parameter["required"] else "")


def _answers(document: dict[str, Any], operation: dict[str, Any]) -> str:
    rows = []
    for status, response in operation["responses"].items():
        if "$ref" in response:
            response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        schemas = [_type(content["schema"]) for content in response.get("content", {}).values()]
        rows.append((status, marked(response["description"]), ", ".join(schemas)))
    return table(("Status", "When", "Body"), rows, f"Answers of {operation['operationId']}") + _example(operation)


def _example(operation: dict[str, Any]) -> str:
    contents = next(iter(operation["responses"].values())).get("content", {}).values()
    example = next((content["example"] for content in contents if "example" in content), None)
    if example is None:
        return ""
    text = code(json.dumps(example, indent=2, ensure_ascii=False), f"Example answer of {operation['operationId']}")
    return f"<details><summary>Example of an answer</summary>{text}</details>"


def _form(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    name = operation["operationId"]
    fields = "".join(_field(document, method, path, name, p) for p in _own(operation))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        text = json.dumps(body.get("example", {}), indent=2, ensure_ascii=False)
        fields += f'<label>Body <textarea name="body" rows="{min(20, text.count(chr(10)) + 2)}" spellcheck="false">{escape(text)}</textarea></label>'  # fmt: skip
    return (
        f'<details class="try"><summary>Try {name}</summary><form {_POST} data-method="{method}" data-path="{escape(path)}">{fields}'
        f'<button>Send</button><pre role="status" aria-label="What came back from {name}" tabindex="0"></pre>'
        f'<details class="headers" hidden><summary>Headers</summary><pre role="region" aria-label="Headers of what came back from {name}" '
        'tabindex="0"></pre></details></form></details>'
    )


def _field(document: dict[str, Any], method: str, path: str, name: str, parameter: dict[str, Any]) -> str:
    """A parameter's form field, prefilled from the example; for path names without an example the script offers the list's items."""
    called, where = parameter["name"], parameter["in"]
    value = inputs(name).get(called, "")
    if parameter["schema"].get("type") == "array":
        return (
            f'<label><code>{called}</code>, one or more, each on a line of its own <textarea name="{called}" data-in="{where}" '
            f'rows="2" spellcheck="false">{escape(str(value))}</textarea></label>'
        )
    attributes = f'name="{called}" data-in="{where}" value="{escape(str(value))}"{_hint(parameter)}'
    if parameter["required"] and where != "header":  # the script fills in headers
        pattern, title = _NAMES if where == "path" else _ANYTHING
        attributes += f' required pattern="{pattern}" title="{title}"'
    lister, within = ("", "") if where != "path" or value else _list(document, method, path, called)
    if not lister:
        return f"<label><code>{called}</code> <input {attributes}></label>"
    choices = f"{name}-{called}"
    attributes += f' data-list="{escape(lister)}"{_signed_in(document, lister)} list="{choices}" autocomplete="off" placeholder="one of GET {escape(lister)}"'
    attributes += f' data-within="{within}"' if within else ""
    return f'<label><code>{called}</code> <input {attributes}></label><datalist id="{choices}"></datalist>'


def _list(document: dict[str, Any], method: str, path: str, name: str) -> tuple[str, str]:
    """The address of the list that contains the resource ``{name}`` of ``path``, "" if there is none; for writes, the list of the
    caller's own, if there is one. With the member of its items that the resource is in, "" if it is an item itself."""
    lister, within = path.partition(f"/{{{name}}}")[0], ""
    operation = document["paths"].get(lister, {}).get("get")
    if operation is None:
        collection, within = path.partition("/{")[0], lister.rpartition("/")[2]
        lister, operation = collection, document["paths"].get(collection, {}).get("get")
        if operation is None or not _has_within(document, operation, within):
            return "", ""
    mine = method != "GET" and any(p["name"] == "mine" for p in _own(operation))
    return (f"{lister}?mine=true" if mine else lister), within


def _has_within(document: dict[str, Any], operation: dict[str, Any], member: str) -> bool:
    """Whether the items of a list have a list of their own by this name: the lines of orders."""
    schema = operation["responses"]["200"]["content"].get("application/json", {}).get("schema", {})
    for step in ("items", "items", member):
        schema = _referred(document, schema)
        schema = schema.get("properties", {}).get(step, {}) if schema.get("type") == "object" else schema.get(step, {})
    return bool(schema.get("type") == "array")


def _referred(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the one that it refers to."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def _signed_in(document: dict[str, Any], lister: str) -> str:
    """Marks a list, for the script, as available only to signed-in users."""
    path, _, query = lister.partition("?")
    security = document["paths"][path]["get"].get("security", [])
    return " data-signed-in" if query or (security and {} not in security) else ""


def _hint(parameter: dict[str, Any]) -> str:
    hints = {"Idempotency-Key": "a fresh one", "If-Match": "the present version, asked for"}
    hint = hints.get(parameter["name"])
    return f' placeholder="{hint}"' if hint else ""


def _schemas(document: dict[str, Any]) -> Iterator[str]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f'<section aria-labelledby="{name}"><h2 id="{name}">{name}</h2><p>{marked(schema.get("description", ""))}</p>'
        if "enum" in schema:
            yield "<ul>" + "".join(f"<li><code>{escape(word)}</code></li>" for word in schema["enum"]) + "</ul>"
        required = schema.get("required", ())
        rows = [
            (f"<code>{property}</code>", _type(kind), "yes" if property in required else "", marked(kind.get("description", "")))
            for property, kind in schema.get("properties", {}).items()
        ]  # fmt: skip
        if rows:
            yield table(("Property", "Type", "Required", "Meaning"), rows, f"Properties of {name}")
        yield "</section>"


def _type(schema: dict[str, Any]) -> str:
    """The type in a few words, with links to schemas."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="/docs/schemas#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind = schema.get("type", "any value")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{words} ({schema['format']})" if "format" in schema else words

"""The addresses of routes, to be matched alone: none is ever built of a route's name and values."""

from __future__ import annotations

from typing import Any, NoReturn

from werkzeug.routing import Map, RuleFactory


class Addresses(Map):
    """Werkzeug compiles two functions for each rule that build its address: of two hundred rules a fifth of a second, nearly all that they take, while the
    reactor waits. A Werkzeug that names this otherwise is as slow as it is."""

    def add(self, rulefactory: RuleFactory) -> None:
        """Add rules that cannot be built."""
        for rule in rulefactory.get_rules(self):
            rule._compile_builder = _never  # type: ignore[method-assign]
            super().add(rule)


def _never(append_unknown: bool = True) -> Any:
    return _built


def _built(*_: Any, **values: Any) -> NoReturn:
    raise NotImplementedError("addresses are matched, not built")

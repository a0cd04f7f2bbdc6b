"""The daemon's own routes: health, metrics, the contract and its pages."""

from __future__ import annotations

from harvestd.web.routes import Route

SYSTEM: tuple[Route, ...] = ()

"""The section of the contract about accounts, with the meaning of the names in it."""

from __future__ import annotations

from harvestd.market.accounts import (
    address_shapes,
    avatar_shapes,
    consent_shapes,
    factor_shapes,
    identity_shapes,
    key_shapes,
    passkey_shapes,
    recovery_shapes,
    session_shapes,
    shapes,
)
from harvestd.web.routes import Section

_SHAPES = (
    identity_shapes,
    shapes,
    avatar_shapes,
    recovery_shapes,
    factor_shapes,
    passkey_shapes,
    session_shapes,
    key_shapes,
    address_shapes,
    consent_shapes,
)
_WORDS = {name: text for module in _SHAPES for name, text in module.WORDS.items()}
ACCOUNTS = Section("accounts", "Registration, sign-in and sign-out, and user profiles.", _WORDS)

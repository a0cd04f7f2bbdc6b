"""The operations of accounts, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from tests.openapi.steps import BUYER, FAY, Step

STEPS: tuple[Step, ...] = (
    Step("register", body={"email": "ada@example.org", "username": "ada", "password": "carrots by the kilogram",
                           "name": "Ada Archer", "role": "farmer", "farm_name": "Archer's Field"}),
    Step("signIn", body={"email": "ada@example.org", "password": "carrots by the kilogram"}),
    Step("refreshTokens", body={"refresh_token": "{signIn.refresh_token}"}),
    Step("getMe", BUYER),
    Step("changeMe", BUYER, body={"phone": "+43 664 1234567"}),
    Step("getUser", parameters={"id": FAY}),
    Step("signOut", BUYER, last=True),
)  # fmt: skip

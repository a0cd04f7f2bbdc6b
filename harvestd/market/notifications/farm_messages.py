"""Texts of the mails about farms, in English: invitations, and what the market says of them. Pure."""

from __future__ import annotations

#: By their kind: the subject, and the text.
FARM_MAILS: dict[str, tuple[str, str]] = {
    "invitation": (
        "Invitation from {farm} at {market}",
        "{farm}, a farm at {market}, invites you to join it as {role}. Sign in with this address, or open an account with it, and accept "
        "here:\n\n{link}\n\nThe link works once, within seven days. If you do not know the farm, ignore this mail.\n",
    ),
    "invitation_unnamed": (
        "Invitation from a farm at {market}",
        "A farm at {market} invites you to join it as {role}. Its name is not written here, since the market does not vouch for it at present. "
        "Sign in with this address, or open an account with it, and accept here:\n\n{link}\n\n"
        "The link works once, within seven days. If you expect no invitation, ignore this mail.\n",
    ),
    "farm_verified": (
        "{farm} is verified at {market}",
        "{farm} has been verified at {market}: it takes orders now.\n{reason}",
    ),
    "farm_suspended": (
        "{farm} is suspended at {market}",
        "{market} has suspended {farm}: it takes no orders for now, and nobody finds it or its products. Orders that were placed before go on.\n{reason}",
    ),
    "farm_verified_unnamed": (
        "Your farm is verified at {market}",
        "Your farm has been verified at {market}: it takes orders now.\n{reason}",
    ),
    "farm_suspended_unnamed": (
        "Your farm is suspended at {market}",
        "{market} has suspended your farm: it takes no orders for now, and nobody finds it or its products. Orders that were placed before go on.\n{reason}",
    ),
    "farm_imprint": (
        "{farm} has another imprint at {market}",
        "{farm}, which was verified at {market}, has changed its imprint, which says who sells. It goes on taking orders.\n\n"
        "Please look at it again; if it is not right, suspend the farm. What it was before is in the audit log.\n",
    ),
    "farm_renamed": (
        "{before} is now called {farm} at {market}",
        "{before}, which was verified at {market}, has another name: {farm}. It goes on taking orders.\n\n"
        "Please look at it again; if it passes for somebody else, suspend the farm. Both names are in the audit log.\n",
    ),
}

"""What the audit log tells of: every action, and what it means. A test holds it against the code and against docs/operations.md."""

from __future__ import annotations

#: How the actions begin that somebody does for another: the operation follows.
ACTED = "for_another."

#: ``before`` and ``after`` of an entry have what is in parentheses.
ACTIONS: dict[str, str] = {
    "account.address_verified": "An address was verified, by its mail.",
    "account.changed": "An admin has changed somebody's role, or closed or opened their account (`role`, `active`).",
    "account.closed": "Somebody has closed their account for good.",
    "account.deactivated": "Somebody has deactivated their account.",
    "account.export_begun": "Somebody has asked for the export of what is held on them.",
    "account.impersonated": "An admin acts for somebody (`reason`).",
    "account.password_changed": "Somebody has set a new password, signed in.",
    "account.password_removed": "Somebody has signed in by a mailed link, which has verified their address: the password of before has ended.",
    "account.password_reset": "Somebody has set a new password, by a mail.",
    "account.reactivated": "Somebody has opened their deactivated account again.",
    "api_key.created": "An API key was made (`name`, `scopes`).",
    "api_key.ended": "An API key was ended.",
    "clock.moved": "The clock of a sandbox was moved forward (`now`).",
    "coupon.changed": "A coupon was changed (what of it).",
    "coupon.created": "A coupon was made (all of it).",
    "coupon.deleted": "A coupon was deleted (all of it).",
    "farm.document_added": "A document was added to a farm (`document`, `kind`).",
    "farm.document_deleted": "A document of a farm was deleted (`document`).",
    "farm.founded": "Somebody has founded a farm (`name`, `state`).",
    "farm.imprint_changed": "A farm's imprint was changed (all of it).",
    "farm.invitation_withdrawn": "A farm has withdrawn an invitation.",
    "farm.judged": "The market's staff has verified or suspended a farm, or has it wait (`state`, `reason`).",
    "farm.member_changed": "Somebody has another role in a farm (`role`).",
    "farm.member_invited": "A farm has invited somebody (`invitation`, `role`).",
    "farm.member_joined": "Somebody has joined a farm (`role`).",
    "farm.member_left": "Somebody has left a farm, or was taken out (`role`).",
    "farm.renamed": "A verified farm has another name (`name`).",
    "fee.changed": "A fee was changed (what of it).",
    "fee.created": "A fee was made (all of it).",
    "fee.deleted": "A fee was deleted (all of it).",
    "group.changed": "A buyer group was changed (`name`, `slug`, `description`).",
    "group.created": "A buyer group was made (`name`, `slug`).",
    "group.deleted": "A buyer group was deleted (`name`, `slug`, and how many `members` it had).",
    "group.member_added": "Somebody was put in a buyer group.",
    "group.member_removed": "Somebody was taken out of a buyer group.",
    "identity.account_opened": "Somebody new has signed in with an account elsewhere, and has an account by it (`issuer`).",
    "identity.linked": "Somebody has linked their account with one elsewhere (`issuer`).",
    "identity.removed": "Somebody has parted their account from one elsewhere.",
    "identity.signed_in": "Somebody has signed in with an account elsewhere (`issuer`).",
    "market_day.cancelled": "A market day was cancelled (`status`, `reason`).",
    "market_day.changed": "A market day was changed (what of it).",
    "market_day.closed": "A market day was closed before its cut-off (`status`).",
    "market_day.created": "A market day was made, or copied (all of it).",
    "market_day.deleted": "A market day was deleted (all of it).",
    "market_schedule.changed": "A schedule of market days was changed (what of it).",
    "market_schedule.created": "A schedule of market days was made (all of it).",
    "market_schedule.deleted": "A schedule of market days was deleted (all of it).",
    "order.changed_for_another": "Somebody of the market's staff has added to an order for its buyer.",
    "order.placed_for_another": "Somebody of the market's staff has placed an order for somebody else.",
    "passkey.copied": "An answer of a passkey was refused, as there may be a copy of it.",
    "pickup_point.changed": "A pick-up point was changed (`point`).",
    "pickup_point.created": "A pick-up point was made (`point`).",
    "pickup_point.deleted": "A pick-up point was deleted (`point`).",
    "search_rule.changed": "A rule for searches was changed (what of it).",
    "search_rule.created": "A rule for searches was made (all of it).",
    "search_rule.deleted": "A rule for searches was deleted (all of it).",
    "second_factor.added": "A second factor counts from now on.",
    "second_factor.codes_renewed": "New recovery codes have replaced the others.",
    "second_factor.removed": "Second factors were taken away, by their owner or by an admin.",
    "tax_rate.changed": "A tax rate was changed (what of it).",
    "tax_rate.created": "A tax rate was made (all of it).",
    "tax_rate.deleted": "A tax rate was deleted (all of it).",
}


def markdown() -> str:
    """The table of docs/operations.md."""
    rows = [f"| `{action}` | {meaning} |" for action, meaning in sorted(ACTIONS.items())]
    acted = f"| `{ACTED}<operation>` | An admin who acts for somebody has changed something for them (what was sent, without what is personal). |"
    return "\n".join(["| action | what happened |", "|---|---|", *rows, acted, ""])

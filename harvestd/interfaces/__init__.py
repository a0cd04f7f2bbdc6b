"""Interfaces with two production implementations each, and their contracts, verified by a conformance suite in ``tests/contracts``.

Methods that are ``async def`` are coroutines on the reactor; none blocks it. "Never raises" refers to faults of the backend
behind the interface: an unreachable cache is a miss, not an error.
"""

from harvestd.interfaces.api_keys import ApiKey, IApiKeys
from harvestd.interfaces.cache import CacheState, Entry, ICache
from harvestd.interfaces.limits import Allowance, ILimiter
from harvestd.interfaces.mail import IMailer, Mail, MailServerUnreachable, Refused
from harvestd.interfaces.messages import (
    Acked,
    DeadLetter,
    Delivery,
    Dropped,
    IBroker,
    ISubscription,
    Message,
    Outcome,
    QueueState,
    Receive,
    Retried,
)
from harvestd.interfaces.oidc import Attempt, Identity, IIssuer, IssuerAway
from harvestd.interfaces.search import Document, Facet, Found, Hit, ISearch, IStoredSearch, Search, Suggestion
from harvestd.interfaces.sign_ins import ISignIns
from harvestd.interfaces.topics import ITopics

__all__ = [
    "Acked",
    "Allowance",
    "ApiKey",
    "Attempt",
    "CacheState",
    "DeadLetter",
    "Delivery",
    "Document",
    "Dropped",
    "Entry",
    "Facet",
    "Found",
    "Hit",
    "IApiKeys",
    "IBroker",
    "ICache",
    "IIssuer",
    "ILimiter",
    "IMailer",
    "ISearch",
    "ISignIns",
    "IStoredSearch",
    "ISubscription",
    "ITopics",
    "Identity",
    "IssuerAway",
    "Mail",
    "MailServerUnreachable",
    "Message",
    "Outcome",
    "QueueState",
    "Receive",
    "Refused",
    "Retried",
    "Search",
    "Suggestion",
]

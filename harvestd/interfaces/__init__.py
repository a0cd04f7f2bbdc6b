"""Interfaces with two production implementations each, and their contracts, verified by a conformance suite in ``tests/contracts``.

Methods that are ``async def`` are coroutines on the reactor; none blocks it. "Never raises" refers to faults of the backend
behind the interface: an unreachable cache is a miss, not an error.
"""

from harvestd.interfaces.api_keys import ApiKey, IApiKeys
from harvestd.interfaces.blobs import IBlobs, NoSuchBlob, StoredBlob
from harvestd.interfaces.cache import CacheState, Coded, Entry, ICache
from harvestd.interfaces.classifier import IClassifier
from harvestd.interfaces.documents import Document
from harvestd.interfaces.groups import IGroups
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
from harvestd.interfaces.pricing import IPricing
from harvestd.interfaces.search import Facet, Found, Hit, ISearch, IStoredSearch, Reason, Search, Suggestion
from harvestd.interfaces.search_misses import ISearchMisses
from harvestd.interfaces.search_rules import Boost, ISearchRules, Rules
from harvestd.interfaces.sign_ins import Account, ISignIns
from harvestd.interfaces.topics import ITopics
from harvestd.interfaces.views import IViews

__all__ = [
    "Account",
    "Acked",
    "Allowance",
    "ApiKey",
    "Attempt",
    "Boost",
    "CacheState",
    "Coded",
    "DeadLetter",
    "Delivery",
    "Document",
    "Dropped",
    "Entry",
    "Facet",
    "Found",
    "Hit",
    "IApiKeys",
    "IBlobs",
    "IBroker",
    "ICache",
    "IClassifier",
    "IGroups",
    "IIssuer",
    "ILimiter",
    "IMailer",
    "IPricing",
    "ISearch",
    "ISearchMisses",
    "ISearchRules",
    "ISignIns",
    "IStoredSearch",
    "ISubscription",
    "ITopics",
    "IViews",
    "Identity",
    "IssuerAway",
    "Mail",
    "MailServerUnreachable",
    "Message",
    "NoSuchBlob",
    "Outcome",
    "QueueState",
    "Reason",
    "Receive",
    "Refused",
    "Retried",
    "Rules",
    "Search",
    "StoredBlob",
    "Suggestion",
]

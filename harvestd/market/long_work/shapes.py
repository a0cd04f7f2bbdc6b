"""Operations: long work, and how it goes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from harvestd.market.long_work.rules import STATUSES
from harvestd.web.shapes import CountedQuery, Out
from harvestd.web.vocabulary import closed

_MEANING = "How far an operation is; the last three are its end."
StatusIn = Annotated[
    Literal["queued", "running", "succeeded", "failed", "cancelled"], closed("OperationStatus", STATUSES, _MEANING)
]
StatusOut = Annotated[str, closed("OperationStatus", STATUSES, _MEANING)]


#: By the kind; only what it has in common is described.
ResultOut = Annotated[dict[str, Any], Meta(extra_json_schema={"additionalProperties": True})]


class OperationsQuery(CountedQuery, kw_only=True, frozen=True):
    """Which operations."""

    status: StatusIn | None = None
    kind: Annotated[str, Meta(max_length=60)] | None = None
    everyone: bool = False


class Progress(Out, kw_only=True, frozen=True):
    """How much is done."""

    done: int
    total: int | None


class OperationError(Out, kw_only=True, frozen=True):
    """Why it failed, as the errors of problems say it."""

    field: str
    code: str
    message: str
    params: dict[str, str]


class OperationUser(Out, kw_only=True, frozen=True):
    """Whoever began an operation."""

    id: str
    name: str


class Operation(Out, kw_only=True, frozen=True):
    """Long work that somebody began."""

    id: str
    kind: str
    user: OperationUser
    status: StatusOut
    progress: Progress
    result: ResultOut | None
    errors: list[OperationError]
    created_at: datetime
    finished_at: datetime | None


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "OperationsQuery.status": "Operations of this status alone.",
    "OperationsQuery.kind": "Operations of this kind alone.",
    "everyone": "Everyone's instead of one's own; for the market's staff.",
    "Operation.kind": "What is done, such as `account.export`.",
    "Operation.user": "Whose it is; nobody else sees it but the market's staff, to whom it says whose of everyone's it is.",
    "OperationUser.id": "Id of the user.",
    "Operation.status": "How far it is.",
    "Operation.created_at": "When it was begun.",
    "finished_at": "When it was over; null before.",
    "progress": "How much of it is done.",
    "done": "How much is done, in the parts that `total` counts.",
    "Progress.total": "How much there is to do; null while unknown.",
    "result": "What came of it, by its kind; null before, and without success. A file has its address as `file`, its `size` in bytes, and `expires_at`.",
    "Operation.errors": "Why it failed.",
    "OperationError.field": "What it is about, as a path; empty: all of it.",
    "OperationError.code": "The kind of error, as in problems.",
    "OperationError.message": "It in words.",
    "OperationError.params": "The values of the message.",
}  # fmt: skip

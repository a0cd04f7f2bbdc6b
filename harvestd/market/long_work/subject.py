"""Long work: operations that go on after their request was answered."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import errors
from harvestd.kernel.permissions import Permission
from harvestd.market.long_work import actions, routes, running, shapes
from harvestd.market.subject import Subject
from harvestd.queue.work import Periodic
from harvestd.web.context import CountedPage
from harvestd.web.routes import Mode, Route, Section

_OPERATIONS = Section("operations", "Work that takes long: how it goes, and what came of it.", shapes.WORDS)

SUBJECT = Subject(
    name="long_work",
    routes=(
        Route(method="GET", path="/api/operations", operation="listOperations", spoken=True, handler=routes.listed, permission=Permission.OWN_OPERATIONS, mode=Mode.FRESH,
              section=_OPERATIONS, summary="The caller's operations, newest first", query=shapes.OperationsQuery, answer=CountedPage[shapes.Operation],
              limit="rate_read", errors=(errors.Forbidden,), description="To an API key without the scope `operations:own`, those of kinds that it may begin."),
        Route(method="GET", path="/api/operations/{id}", operation="getOperation", spoken=True, handler=routes.page, permission=Permission.OWN_OPERATIONS, mode=Mode.FRESH,
              section=_OPERATIONS, summary="How an operation goes", answer=shapes.Operation, limit="rate_read", errors=(errors.NotFound,),
              description="For who began it, and the market's staff. An API key that may begin it may also follow it, with the same scope: an import with `farm:products:write`. It is kept for a while after its end."),
        Route(method="DELETE", path="/api/operations/{id}", operation="cancelOperation", spoken=True, handler=routes.cancel, permission=Permission.OWN_OPERATIONS,
              mode=Mode.WRITE, section=_OPERATIONS, summary="Cancel an operation", answer=shapes.Operation, errors=(errors.NotFound, errors.Conflict),
              description="What it has done stays done. Once it is over it cannot be cancelled any more. An API key that may begin it may also cancel it."),
        Route(method="GET", path="/api/operations/{id}/file", operation="getOperationFile", handler=routes.file, permission=Permission.OWN_OPERATIONS,
              mode=Mode.FRESH, section=_OPERATIONS, summary="The file that an operation has made", download=True, answer=dict[str, Any],
              errors=(errors.NotFound, errors.Forbidden, errors.Conflict),
              description="Of the media type that the operation's `result` names. A file about a person is for that person alone, signed in."),
    ),
    periodic=(Periodic(actions.TASK, 1.0, running.run),),
)  # fmt: skip

"""An operation as it is shown, also by the routes of later subjects that begin one."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import languages
from harvestd.market.long_work.kinds import Operation as Row
from harvestd.market.long_work.shapes import Operation, OperationError, OperationUser, Progress
from harvestd.web.context import RequestContext, Result


def shown(request: RequestContext, row: Row) -> Operation:
    """An operation; its errors in the caller's language."""
    return Operation(
        id=row.id, kind=row.kind, user=OperationUser(id=row.user_id, name=row.user_name), status=row.status, progress=Progress(done=row.done, total=row.total), result=row.result,
        errors=[_error(request, error) for error in row.errors], created_at=row.created_at, finished_at=row.finished_at,
    )  # fmt: skip


def _error(request: RequestContext, error: dict[str, Any]) -> OperationError:
    message = languages.message(error["code"], error["params"], error["message"], request.language)
    return OperationError(field=error["field"], code=error["code"], message=message, params=error["params"])


def accepted(request: RequestContext, row: Row) -> Result:
    """The answer of a route that has begun an operation: 202, and where to see how it goes."""
    return Result(shown(request, row), status=202, headers=(("Location", f"/api/operations/{row.id}"),))

"""The response to a request that failed, and what the log and the metrics are told of it."""

from __future__ import annotations

from twisted.logger import Logger
from twisted.python.failure import Failure

from harvestd.kernel.errors import MarketError, Overloaded, Unavailable
from harvestd.runtime import descriptors
from harvestd.web.http.problem_response import problem_response
from harvestd.web.http.request import Request
from harvestd.web.problems import Refusal
from harvestd.web.rate_limits import Limited
from harvestd.web.replies import Response

log = Logger()


def refusal(error: BaseException, request: Request) -> Response:
    """The problem that says what is wrong. What nobody expected is logged with its traceback, and told as a 500."""
    if descriptors.spent_by(error):
        request.site.shortages.tell("descriptors")
        error = Overloaded("the server has no room for this at present; try again in a moment")
    if isinstance(error, Limited):
        request.more = error.headers
    if isinstance(error, Overloaded):
        pass
    elif isinstance(error, Unavailable):
        log.warn("{why}", why=error.detail, request_id=request.trace.request_id)
    elif not isinstance(error, (MarketError, Refusal)):
        request.site.log_unexpected(request, Failure(error))
    return problem_response(request, error)

"""Workers on a real database, fed with what the routes recorded."""

from tests.queue.conftest import processes  # noqa: F401
from tests.web.conftest import market, parts, web_settings  # noqa: F401

"""Installs the real servers that the tests use, where they are missing: ``python -m servers.install``.

Debian's packages by apt, the search engines by Maven, an OpenID Connect issuer by npm, an S3 server by Go. What cannot be installed is named: its tests are skipped then, and
fail with ``CI=true``.
"""

from __future__ import annotations

import os
import sys

from servers.packages import Package, provided

#: What the benchmarks start, too (benchmarks/install.py).
SERVERS: tuple[Package, ...] = (
    ("redis-server", "redis-server"),
    ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"),
    ("nginx", "nginx"),
    ("/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so", "libnginx-mod-http-brotli-filter"),
    ("/usr/lib/nginx/modules/ngx_http_js_module.so", "libnginx-mod-http-js"),
    ("openssl", "openssl"),
    ("java", "openjdk-17-jre-headless"),
    ("mvn", "maven"),
    ("node", "nodejs"),
    ("npm", "npm"),
)
PACKAGES: tuple[Package, ...] = (
    *SERVERS,
    ("systemd-analyze", "systemd"),
    ("curl", "curl"),
    ("chromium", "chromium"),
)


def search_engines() -> bool:
    """Have them; False, and a line that says why, where that cannot be done here."""
    from servers import elasticsearch

    try:
        elasticsearch.install()
    except Exception as error:
        print(f"The search engines are missing: {error}", file=sys.stderr)
        return False
    return True


def issuer() -> bool:
    """Have an OpenID Connect issuer; False, and a line that says why, where that cannot be done here."""
    from servers import oidc

    try:
        oidc.install()
    except Exception as error:
        print(f"The OpenID Connect issuer is missing: {error}", file=sys.stderr)
        return False
    return True


def s3() -> bool:
    """Have an S3 server; False, and a line that says why, where that cannot be done here."""
    from servers import s3 as server

    try:
        server.install()
    except Exception as error:
        print(f"The S3 server is missing: {error}", file=sys.stderr)
        return False
    return True


def main() -> int:
    """Answers an exit code: a failure only where tests would fail for it."""
    whole = provided(PACKAGES, "the tests") & search_engines() & issuer() & s3()
    return int(not whole and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())

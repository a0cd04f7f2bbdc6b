"""Serve the application: gunicorn with one worker process, of a few threads, and no access log."""

import argparse
import os
import sys
from pathlib import Path

THREADS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--no-cache", action="store_true")
    parser.add_argument("--compress", action="store_true")
    chosen = parser.parse_args()
    os.environ["DATABASE_URL"] = chosen.database_url
    os.environ["CACHE"] = "0" if chosen.no_cache else "1"
    os.environ["COMPRESS"] = "1" if chosen.compress else "0"
    flags = f"--bind=127.0.0.1:{chosen.port} --workers=1 --worker-class=gthread --threads={THREADS} --keep-alive=75"
    here = (
        "--chdir",
        str(Path(__file__).parent),
        "--worker-tmp-dir",
        "/dev/shm",
        "--log-level",
        "warning",
        "--no-control-socket",
    )
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *flags.split(), *here, "market.wsgi"])


if __name__ == "__main__":
    main()

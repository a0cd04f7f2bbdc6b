"""Serve the application: one uvicorn worker, uvloop, httptools, no access log."""

import argparse
import os
from pathlib import Path

import uvicorn


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
    uvicorn.run(
        "app:app",
        app_dir=str(Path(__file__).parent),
        host="127.0.0.1",
        port=chosen.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()

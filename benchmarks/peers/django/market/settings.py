"""Production settings of a JSON API: no sessions, no templates, no middleware that this reading does not need."""

import os
import secrets

from psycopg.conninfo import conninfo_to_dict

DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50)
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "market.urls"
WSGI_APPLICATION = "market.wsgi.application"
INSTALLED_APPS = ["market"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # it counts Content-Length
if os.environ.get("COMPRESS") == "1":
    MIDDLEWARE.insert(0, "django.middleware.gzip.GZipMiddleware")
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False

_url = conninfo_to_dict(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url["dbname"],
        "USER": _url.get("user", ""),
        "PASSWORD": _url.get("password", ""),
        "HOST": _url.get("host", ""),
        "PORT": _url.get("port", ""),
        # One connection for each thread of the worker, for as long as it lives.
        "CONN_MAX_AGE": None,
    }
}

CACHE = os.environ.get("CACHE", "1") == "1"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "TIMEOUT": 300,
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

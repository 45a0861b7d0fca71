"""Every setting in one file, every knob read from the environment, with a default that works."""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue
from redis.backoff import NoBackoff
from redis.retry import Retry

from catalog.home import PROJECT_ROOT, home, redis_url

env = environ.Env()
BASE_DIR = PROJECT_ROOT
DCMRS_HOME = home()


def _secret_key() -> str:
    """The key from the environment, else from a private file that is made on first use."""
    key: str = env.str("SECRET_KEY", default="")
    if key:
        return key
    try:
        return _kept_secret_key(DCMRS_HOME / "secret_key")
    except OSError as error:
        raise ImproperlyConfigured(
            f"{DCMRS_HOME} cannot be used: {error.strerror}. Set DCMRS_HOME to another folder."
        ) from error


def _kept_secret_key(file: Path) -> str:
    if file.exists():
        return file.read_text()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Complete before it has its name: a process starting at the same moment never reads half a key.
    draft = file.with_name(f"secret_key.{os.getpid()}")
    draft.touch(mode=0o600)
    try:
        draft.write_text(secrets.token_urlsafe(50))
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return file.read_text()


# --- Security -----------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Behind a proxy that speaks HTTPS: cookies only over HTTPS, and the scheme as the proxy reports it.
HTTPS = env.bool("HTTPS", default=False)
# Behind any proxy: the client's address as the proxy reports it, by which failures and throttles are counted.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=HTTPS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# Redirecting to HTTPS and insisting on it (HSTS) is the proxy's part.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]
CSRF_FAILURE_VIEW = "dcmrs_site.errors.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Camera for the mood page, microphone for the search; no page uses anything else of a device.
PERMISSIONS_POLICY = "camera=(self), microphone=(self), geolocation=(), display-capture=(), usb=(), payment=()"
# Nothing from other hosts, ever; blob: and data: are pictures that the page itself makes.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

# --- Applications -------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "catalog",
    "tagging",
    "recommender",
    "mood",
    "opensubsonic",
    "dcmrs_site",
]
MIDDLEWARE = [
    "dcmrs_site.logs.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dcmrs_site.compression.CompressTexts",
    "csp.middleware.CSPMiddleware",
    "dcmrs_site.headers.PermissionsPolicy",
    "dcmrs_site.theme.Theme",
    "dcmrs_site.device_time.DeviceTime",
    "dcmrs_site.offline.ForgetKeptSongs",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "dcmrs_site.urls"
WSGI_APPLICATION = "dcmrs_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.site",
            ],
        },
    },
]
FORM_RENDERER = "dcmrs_site.form_rendering.FormRenderer"

# --- Accounts -----------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "accounts.api.RevokeTokens"}]
AUTHENTICATION_BACKENDS = ["accounts.login_throttle.GuessLimit", "accounts.backends.Accounts"]
SESSION_ENGINE = "dcmrs_site.sessions"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "for_you"
LOGOUT_REDIRECT_URL = "login"
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", default=True)
# Password-reset mails: printed by the server until the owner names a mail server (smtp://user:password@host:587).
globals().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="dcmrs@localhost")

# --- Database -----------------------------------------------------------------------------------
# FULL: what a user has written is on the disk before the answer says so, also when the power goes. The worker, whose
# work can be done again, is started with NORMAL.
SQLITE_SYNCHRONOUS = env.str("SQLITE_SYNCHRONOUS", default="FULL")
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": DCMRS_HOME / "db.sqlite3"}
DATABASES: dict[str, dict[str, Any]] = {"default": env.db("DATABASE_URL") if os.environ.get("DATABASE_URL") else SQLITE}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # A transaction that will write takes its lock at the start: SQLite refuses to upgrade a read lock
        # under a concurrent writer, however long the timeout.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={SQLITE_SYNCHRONOUS}; PRAGMA cache_size=-4000;",
    }
    # The last connection to close folds the log into the file and waits for the disk: on a quiet site that would be
    # every page. Each thread keeps one instead, hence the small cache; the system's own holds the rest.
    DATABASES["default"]["CONN_MAX_AGE"] = None
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A server that does not answer is noticed before the user has left.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis, cache, Celery -----------------------------------------------------------------------
# Unset, the broker is the embedded Redis that `up` starts; set, one of the owner's.
REDIS_URL = env.str("REDIS_URL", default="")
CELERY_BROKER_URL = (REDIS_URL or redis_url()).replace("unix://", "redis+socket://", 1)
CACHES = {
    "default": (
        {
            "BACKEND": "catalog.cache.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "dcmrs",
            # A Redis that is gone costs a moment, not the page.
            "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5, "retry": Retry(NoBackoff(), 0)},
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A task that takes longer than any does hangs: its process is killed, and what it was at is done by another.
CELERY_TASK_TIME_LIMIT = 6 * 3600
# Tagging a library takes hours; other tasks do not wait behind it.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("celery", "tagging")]
# A process of the worker loads the taggers before it reports for work.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A worker waits for its broker for as long as it takes.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Publishing to a broker that is not there gives up at once: what is to be done stands in the database.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 0, "socket_connect_timeout": 2, "visibility_timeout": 6 * 3600}
CELERY_TIMEZONE = env.str("TIME_ZONE", default="UTC")
CELERY_TASK_ALWAYS_EAGER = env.bool("CELERY_TASK_ALWAYS_EAGER", default=False)
CELERY_TASK_EAGER_PROPAGATES = CELERY_TASK_ALWAYS_EAGER
# What is sent every so often is worth nothing once it is sent again: without a worker the queue does not grow.
_RESCAN = timedelta(minutes=env.int("RESCAN_MINUTES", default=60))
CELERY_BEAT_SCHEDULE = {
    "tag what is pending": {
        "task": "tagging.tasks.sweep",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "look for new music": {
        "task": "catalog.tasks.rescan",
        "schedule": _RESCAN,
        "options": {"expires": _RESCAN.total_seconds()},
    },
    "refresh the content arrays": {
        "task": "recommender.tasks.refresh_content",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "go on with a snapshot that a worker has left": {
        "task": "recommender.tasks.fit_parts",
        "schedule": timedelta(seconds=15),
        "options": {"expires": 15},
    },
    "clear away pictures of songs that are gone": {
        "task": "catalog.tasks.clean_up_media",
        "schedule": crontab(hour=4, minute=30),
        "options": {"expires": 12 * 3600},
    },
    **(
        {
            "look up covers that wait": {
                "task": "catalog.tasks.look_up_covers",
                "schedule": timedelta(minutes=10),
                "options": {"expires": 600},
            }
        }
        if os.environ.get("COVER_LOOKUP_CONTACT")
        else {}
    ),
    **(
        {
            "nightly backup": {
                "task": "dcmrs_site.tasks.back_up",
                "schedule": crontab(hour=4, minute=0),
                "options": {"expires": 12 * 3600},
            }
        }
        if os.environ.get("BACKUP_FOLDER")
        else {}
    ),
    "nightly snapshot": {"task": "recommender.tasks.recompute", "schedule": crontab(hour=3, minute=0)},
}

# --- Library ------------------------------------------------------------------------------------
# Where this host mounts the named library roots, when not where the importing host has them:
# LIBRARY_ROOTS="music=/mnt/music,uploads=/srv/uploads"
LIBRARY_ROOTS: dict[str, str] = env.dict("LIBRARY_ROOTS", default={})
# Behind nginx, the internal location under which it has the library roots by name; it then sends the audio itself.
STREAM_ACCEL_PREFIX = env.str("STREAM_ACCEL_PREFIX", default="")
UPLOAD_OPEN = env.bool("UPLOAD_OPEN", default=False)
# Of all songs that one person has uploaded; 0 is no limit, staff has none, and a person's own allowance wins.
UPLOAD_QUOTA_MEGABYTES = env.int("UPLOAD_QUOTA_MEGABYTES", default=2000)
UPLOAD_QUOTA_SONGS = env.int("UPLOAD_QUOTA_SONGS", default=500)
UPLOAD_MAX_MEGABYTES = env.int("UPLOAD_MAX_MEGABYTES", default=200)
UPLOAD_MAX_MINUTES = env.int("UPLOAD_MAX_MINUTES", default=120)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

# Covers are looked up elsewhere once this says how to reach this server's admin; unset, nothing is asked.
COVER_LOOKUP_CONTACT = env.str("COVER_LOOKUP_CONTACT", default="")
COVER_LOOKUP_SEARCH_URL = env.str("COVER_LOOKUP_SEARCH_URL", default="https://musicbrainz.org")
COVER_LOOKUP_COVERS_URL = env.str("COVER_LOOKUP_COVERS_URL", default="https://coverartarchive.org")
COVER_LOOKUP_HOSTS = env.list("COVER_LOOKUP_HOSTS", default=["archive.org"])

# --- OpenSubsonic -------------------------------------------------------------------------------
# Whether players may log in with the account's own password too, or with app passwords only.
OPENSUBSONIC_ACCOUNT_PASSWORDS = env.bool("OPENSUBSONIC_ACCOUNT_PASSWORDS", default=True)
# How many songs one web process converts for players at the same time.
TRANSCODES = env.int("TRANSCODES", default=4)
# How much of covers in the sizes that players ask for is kept on the disk.
COVER_CACHE_BYTES = 1_000_000 * env.int("COVER_CACHE_MEGABYTES", default=200)

# --- Backup -------------------------------------------------------------------------------------
# Where a backup is written each night, by the worker; unset, none is.
BACKUP_FOLDER = env.str("BACKUP_FOLDER", default="")
BACKUPS_KEPT = env.int("BACKUPS_KEPT", default=7)

# --- Files --------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DCMRS_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = DCMRS_HOME / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "snapshots": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DCMRS_HOME / "snapshots"},
    },
    "staticfiles": {"BACKEND": "dcmrs_site.static_files.StaticFiles"},
}

# --- Language and time --------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = False
USE_TZ = True
# Of days and hours in the admin.
FORMAT_MODULE_PATH = "dcmrs_site.formats"

# --- API ----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first one is named in WWW-Authenticate when a request is refused.
        "accounts.api_authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "catalog.api.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PARSER_CLASSES": ["dcmrs_site.api_formats.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "dcmrs_site.api_formats.BrowsableRenderer",
    ],
    "EXCEPTION_HANDLER": "dcmrs_site.api_errors.answer",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.str("API_RATE_ANONYMOUS", default="30/min"),
        "user": env.str("API_RATE_USER", default="600/min"),
        "login": env.str("LOGIN_RATE", default="10/min"),
        "signup": env.str("SIGNUP_RATE", default="30/hour"),
        "password_reset": env.str("PASSWORD_RESET_RATE", default="10/hour"),
        "password_reset_mail": env.str("PASSWORD_RESET_MAIL_RATE", default="3/hour"),
        "picture": env.str("PICTURE_RATE", default="30/min"),
    },
    "NUM_PROXIES": int(BEHIND_PROXY),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "DCMRS",
    "DESCRIPTION": "Songs, labels, ratings, plays and recommendations of this server.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    # Without it, Swagger UI asks a server of its makers whether the schema is valid.
    "SWAGGER_UI_SETTINGS": {"validatorUrl": None, "deepLinking": True},
    "PATH_CONVERTER_OVERRIDES": {"id": int},
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "dcmrs_site.api_errors.describe"],
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Monitoring ---------------------------------------------------------------------------------
# Requests with it as a bearer token read /metrics; unset, there is no such page.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# Whom to tell, once, of what has stood still for so long.
ALERT_EMAIL = env.list("ALERT_EMAIL", default=[])
ALERT_URL = env.str("ALERT_URL", default="")
ALERT_MINUTES = env.int("ALERT_MINUTES", default=30)
# One line a request, without what was asked for.
ACCESS_LOG = env.bool("ACCESS_LOG", default=False)

# --- Logging ------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "dcmrs_site.logs.RequestIds"}},
    "formatters": {
        "text": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "dcmrs_site.logs.JsonLines"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if env.str("LOG_FORMAT", default="text") == "json" else "text",
            "filters": ["request"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING").upper()},
    # A page that is not there is no trouble of the server's.
    # Pillow's finest messages quote what a camera noted in a picture: of that nothing is written down.
    "loggers": {
        "django.request": {"level": "ERROR"},
        "PIL": {"level": "INFO"},
        "dcmrs.access": {"level": "INFO"},
    },
}

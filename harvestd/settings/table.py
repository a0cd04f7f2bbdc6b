"""Every setting, in one table: name, type, default, unit, meaning. ``loading.py`` reads their values.

A setting ``http_port`` is ``http_port`` in ``harvest.toml``, ``HARVEST_HTTP_PORT`` in the environment and
``--http-port`` on the command line; a secret may also be a file, ``HARVEST_X_FILE`` or a systemd credential of its name.
"""

from __future__ import annotations

from typing import Any

import attrs

from harvestd.kernel.tags import LANGUAGES

#: The maximum of ``queue_retry_scale``: RabbitMQ's queues are declared for it.
MAX_RETRY_SCALE = 10


def setting(
    default: Any,
    unit: str,
    meaning: str,
    *,
    secret: bool = False,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A row of the table. ``least`` and ``most`` bound numbers, ``choices`` words; "" as a default is "not set"."""
    about = {"unit": unit, "meaning": meaning, "secret": secret, "least": least, "most": most, "choices": choices}
    return attrs.field(default=default, metadata=about)


# fmt: off
@attrs.frozen(kw_only=True)
class Settings:
    """The table, and its values. A server that is not set is embedded."""

    # where
    data_dir: str = setting("./data", "path", "Embedded database, files, mail/*.eml and the generated secret.")
    http_host: str = setting("127.0.0.1", "address", "Address that the API listens on.")
    http_port: int = setting(8080, "port", "Port that the API listens on; 0 takes a free one.", least=0, most=65535)
    public_url: str = setting("", "URL", "Address under which buyers reach the API; built from host and port by default.")
    allowed_hosts: tuple[str, ...] = setting((), "names", "Host headers to accept, comma separated, e.g. market.example.org,*.example.org; empty: with http_host on this machine and no trusted_proxies, localhost, 127.0.0.1, [::1] and the host of public_url, otherwise any well-formed one; *: any.")
    cors_origins: tuple[str, ...] = setting((), "origins", "Other sites whose pages may use the API from a browser, with access tokens, e.g. https://shop.example.org; *: any; empty: none.")
    trusted_proxies: tuple[str, ...] = setting((), "networks", "Addresses whose X-Forwarded-For and -Proto are trusted, e.g. 127.0.0.1/32.")
    metrics_port: int = setting(0, "port", "Port on which each process, workers too, serves its own /metrics, /health and /health/ready; with processes, the others use the following ports; 0: none (an API process serves them on http_port, a worker does not).", least=0, most=65535)
    metrics_host: str = setting("127.0.0.1", "address", "Address that metrics_port listens on.")
    processes: int = setting(1, "processes", "API processes that share the port.", least=1, most=64)
    workers: str = setting("auto", "", "Whether the API process also runs the consumers: auto (when there is no RabbitMQ), on, off.", choices=("auto", "on", "off"))
    queues: tuple[str, ...] = setting((), "names", "Queues that a worker consumes, e.g. orders,search; empty: all.")
    demo: bool = setting(False, "", "Fill an empty database with demo farms, products and four accounts.")

    # what stands behind the interfaces; empty: embedded
    database_url: str = setting("", "URL", "PostgreSQL primary, postgresql://user:password@host/database.", secret=True)
    replica_urls: tuple[str, ...] = setting((), "URLs", "PostgreSQL replicas for listings, search and reports.", secret=True)
    redis_url: str = setting("", "URL", "Redis for the shared cache, rate limits and pub/sub.", secret=True)
    rabbitmq_url: str = setting("", "URL", "RabbitMQ for events.", secret=True)
    elasticsearch_url: str = setting("", "URL", "Elasticsearch or OpenSearch for search.", secret=True)
    redis_prefix: str = setting("harvest:", "", "Prefix of every Redis key and channel of this market.")
    redis_timeout: float = setting(0.05, "seconds", "Timeout of a Redis command; after it the request goes on without Redis.", least=0.001, most=10)
    elasticsearch_index: str = setting("harvest", "", "Prefix of the names of this market's indices.")
    elasticsearch_timeout: float = setting(1.0, "seconds", "Timeout of a search in Elasticsearch; after it PostgreSQL answers.", least=0.05, most=60)
    smtp_url: str = setting("", "URL", "Mail relay, smtp://user:password@host:587; empty: a folder of .eml files.", secret=True)
    blobs: str = setting("", "path", "Folder of people's files, pictures and documents, shared by all machines of the market, unless they have s3_url; empty: blobs in data_dir.")
    s3_url: str = setting("", "URL", "S3, or a server that speaks its protocol, instead of the folder of blobs: https://key:secret@host/bucket, and a prefix if there is more in it.", secret=True)
    s3_region: str = setting("us-east-1", "", "Region of the bucket.")
    s3_style: str = setting("path", "", "How the bucket is addressed: path (host/bucket) or host (bucket.host).", choices=("path", "host"))
    s3_timeout: float = setting(5.0, "seconds", "Timeout of an answer of S3, beside the time of a transfer at 256 KiB a second; twice as long after all tries.", least=0.1, most=60)
    media_base: str = setting("", "URL", "Where browsers are sent for pictures of products that are in S3: a content delivery network, or the bucket itself, that has them below media/; signed: to S3, by addresses that it signs for a quarter of an hour. Empty: this server reads them there.")
    postgres_bin: str = setting("", "path", "Folder of initdb and postgres for the embedded database; empty: search for it.")

    # the database
    database_pool: int = setting(8, "connections", "Connections that an API or worker process keeps open to the primary.", least=2, most=200)
    database_wait: float = setting(2.0, "seconds", "Longest wait for a free connection in the pool; then 503.", least=0.05, most=60)
    database_connect_timeout: float = setting(5.0, "seconds", "Timeout of connecting to PostgreSQL.", least=0.1, most=60)
    database_start_deadline: float = setting(60.0, "seconds", "Longest that a starting daemon waits for PostgreSQL, or for signs of progress from the recovery of the embedded one; then the start fails.", least=0, most=86400)
    statement_timeout: float = setting(5.0, "seconds", "Timeout of a statement; then 503.", least=0.1, most=600)
    search_timeout: float = setting(2.0, "seconds", "Timeout of a search statement in PostgreSQL; then 503.", least=0.05, most=60)
    search_share: float = setting(0.5, "", "Share of database_pool that searches in PostgreSQL may use at once; addresses take turns, and a search that waits longer than database_wait is 503.", least=0.01, most=1)
    lock_timeout: float = setting(2.0, "seconds", "Longest wait for a row lock that another transaction holds; then 503.", least=0.05, most=60)
    replica_max_lag: float = setting(1.0, "seconds", "A replica that lags by more than this is not read.", least=0.0, most=3600)

    # the market
    market_name: str = setting("harvestd market", "", "Name of the market, in mails and on pages.")
    market_currency: str = setting("EUR", "ISO 4217", "The market's only currency.")
    tax_included: bool = setting(True, "", "Whether prices include the tax that rates say, or it is added to them.")
    market_languages: tuple[str, ...] = setting(("en",), "BCP 47 tags", f"Languages of errors, mails, notices and the pages for people, the default first; English is always included: {', '.join(LANGUAGES)}.", choices=LANGUAGES)
    market_timezone: str = setting("UTC", "tz name", "Time zone in which days begin and seasons change, e.g. Europe/Paris.")
    market_legal_name: str = setting("", "", "Legal name of whoever runs the market, for its imprint in /api/market; empty: there is none.")
    market_address: str = setting("", "", "Address of whoever runs the market, for the imprint.")
    market_register: str = setting("", "", "Register and number under which they are entered, if they are, for the imprint.")
    market_tax_number: str = setting("", "", "Their number for VAT, or other taxes, for the imprint.")
    picture_watermark: str = setting("", "path", "A PNG, laid over the lower right corner of the medium and large pictures of products; empty: none.")
    mail_from: str = setting("market@localhost", "address", "Sender of the market's mails.")
    account_url: str = setting("", "URL", "Page of the shop that mails lead to, with #verify=…, #reset=…, #link=… or #invitation=… and a token behind it, and those who still need the code of a second factor after signing in elsewhere, with #factor=… and a challenge, and &return_to=… with where they wanted to go; empty: /account under public_url, a plain page of this server.")
    product_page: str = setting("", "URL", "Page of the shop that shows a product, with {slug} or {id} in it, e.g. https://shop.example.org/products/{slug}: where feeds and the site map lead to; empty: /api/products/{slug} under public_url.")
    farm_page: str = setting("", "URL", "The same of a farm; empty: /api/farms/{slug} under public_url.")
    security_contact: str = setting("", "contact", "Address, or URL, of whom to tell of a vulnerability, in /.well-known/security.txt; empty: there is none.")
    private_registration: bool = setting(False, "", "Whether registering answers the same for addresses that have an account and those that have none (202), so that nobody learns who is here; a mail tells the rest, and accounts sign in once their address is verified.")
    link_sign_in: bool = setting(False, "", "Whether accounts can sign in by a link that is mailed to them.")
    oidc_issuer: str = setting("https://accounts.google.com", "URL", "Issuer (OpenID Connect) with whose accounts people can sign in, if oidc_client_id is set: exactly the issuer of its /.well-known/openid-configuration.")
    oidc_client_id: str = setting("", "", "Id under which the issuer knows this market; its redirect URI is /api/auth/google/callback under public_url. Empty: nobody signs in with an account elsewhere.")
    oidc_client_secret: str = setting("", "", "Secret that belongs to oidc_client_id; empty for a public client, which PKCE protects alone.", secret=True)
    password_least: int = setting(12, "characters", "Minimum length of a password.", least=8, most=128)
    second_factor_required_for: tuple[str, ...] = setting((), "roles", "Roles whose accounts can do nothing but set up a second factor until they have one, manager, admin or both; empty: none.", choices=("manager", "admin"))
    passkey_domain: str = setting("", "domain", "Domain that passkeys are made for, where the shop's pages are on another host than the API, e.g. example.org for shop.example.org and api.example.org; empty: the host of public_url. Passkeys of another domain no longer work.")
    access_token_ttl: float = setting(900.0, "seconds", "Lifetime of an access token.", least=10, most=86400)
    refresh_token_ttl: float = setting(2592000.0, "seconds", "Lifetime of a refresh token.", least=60, most=31536000)
    sign_in_ttl: float = setting(7_776_000.0, "seconds", "Longest life of a sign-in, however often its tokens are renewed; then its owner signs in again.", least=60, most=315360000)
    token_secret: str = setting("", "", "Key that signs access tokens, 32 characters or more; empty: generated in the data folder.", secret=True)
    farm_approval: bool = setting(False, "", "Whether a new farm takes no orders until the market's staff has verified it.")
    farm_imprint_needed: bool = setting(False, "", "Whether a farm can be verified only once its imprint has a legal name and an address, and keeps them from then on.")
    encryption_keys: tuple[str, ...] = setting((), "", "Keys that encrypt the secrets of second factors in the database, 32 characters or more each, the newest first; empty: derived from token_secret.", secret=True)
    market_rounds_ahead: int = setting(4, "rounds", "How many rounds of a schedule are made as market days ahead, unless it says so itself.", least=1, most=60)
    market_day_closing_soon: float = setting(10800.0, "seconds", "How long before its cut-off it is told that a market day closes soon; 0: never.", least=0, most=604800)
    piece_weight: int = setting(500, "g", "What a piece of unknown weight counts for in the windows of market days.", least=1, most=1_000_000)
    crate_weight: int = setting(15_000, "g", "How much fills a crate, of what is not sold by the crate, in the windows of market days.", least=1, most=1_000_000)
    sandbox: bool = setting(False, "", "Whether the market is for trying things out: POST /api/admin/clock moves its time forward, and what is due happens. Never where people really buy: the time cannot be moved back.")
    order_confirmation: str = setting("automatic", "", "When a reservation becomes a sale: automatic (once the order is processed) or farm (when the farm confirms it).", choices=("automatic", "farm"))
    reservation_ttl: float = setting(172800.0, "seconds", "With order_confirmation=farm: how long stock is reserved for an order that no farm confirms.", least=1, most=2592000)
    guests: bool = setting(False, "", "Whether people can order without an account, by name and address (e-mail); a mailed link shows them the order.")
    guest_details_kept: float = setting(7776000.0, "seconds", "How long a guest's order that is over keeps who they are, where it went and what they wrote, and their links to it work.", least=3600, most=315360000)
    order_page: str = setting("", "URL", "Page of the shop that the mails to guests lead to, with {id} and {token} in it, e.g. https://shop.example.org/orders/{id}#{token}; empty: /api/orders/{id}?token={token} under public_url.")
    own_products: bool = setting(True, "", "Whether those who belong to a farm may order its products.")
    holds_minutes: float = setting(10.0, "minutes", "How long a quote that is held keeps its prices, its stock and its places in windows, where no market day says otherwise.", least=0.01, most=1440)
    order_details_kept: float = setting(31536000.0, "seconds", "How long an order that is over keeps where it went and what its buyer wrote, and its notices are kept; goods and amounts stay for the books. 0: as long as the account.", least=0, most=946080000)
    weight_tolerance: int = setting(10, "per cent", "How far what pieces that are priced by weight come to once they are weighed may be above their estimate without their buyer's consent.", least=0, most=100)
    weight_most: int = setting(300, "per cent", "How much of their estimate pieces that are priced by weight may weigh; more is refused as a slip of whoever weighs.", least=200, most=10000)
    order_answer_time: float = setting(21600.0, "seconds", "How long a buyer has to answer when a farm asks about something in place of what is short, about more than was ordered, or about pieces that weigh more than agreed; not longer than their window lasts. Without an answer it is a no.", least=60, most=604800)
    order_lines_most: int = setting(100, "lines", "Maximum number of lines in an order.", least=1, most=1000)

    # limits of the web
    rate_limits: bool = setting(True, "", "Whether to rate-limit requests at all.")
    rate_default: str = setting("60/60", "requests/seconds", "Each caller, per class of endpoints.")
    rate_read: str = setting("600/60", "requests/seconds", "Each caller, public reads.")
    rate_login: str = setting("10/60 30/3600 100/86400", "requests/seconds", "Sign-in, each account from each address (IPv6: /64); several quotas make the delay grow with the attempts.")
    rate_login_address: str = setting("30/60 600/3600", "requests/seconds", "Sign-in, each address, whatever the account.")
    rate_login_account: str = setting("60/3600 300/86400", "requests/seconds", "Sign-in, each account, from all addresses except those that it has signed in from before.")
    rate_recovery: str = setting("10/3600 30/86400", "requests/seconds", "Mails asked for (a forgotten password, a link to sign in with), each address.")
    rate_coupon: str = setting("10/60 60/3600 200/86400", "requests/seconds", "Orders and quotes with a coupon, right or wrong, and codes that farms give theirs, together, each caller and each address (IPv6: /64), so that nobody guesses codes.")
    rate_hold: str = setting("10/60 60/3600", "requests/seconds", "Quotes that are held, each caller and each address (IPv6: /64); those who have signed in and strangers apart.")
    rate_upload: str = setting("10/60 60/3600", "requests/seconds", "Files uploaded, each caller.")
    rate_guest: str = setting("20/600 60/3600 200/86400", "requests/seconds", "Orders of guests, each address.")
    rate_export: str = setting("10/3600", "requests/seconds", "Exports begun of what is held on a person, each caller.")
    rate_register: str = setting("10/3600 50/86400", "requests/seconds", "Registration, each address; forms with mistakes are not counted.")
    body_limit: int = setting(1_048_576, "bytes", "Maximum size of a request body on any route; most accept 64 KiB, products 256 KiB, and farms, carts, orders and market days 1 MiB.", least=1024, most=104857600)
    upload_max_bytes: int = setting(10_000_000, "bytes", "Maximum size of a file that somebody uploads; a request with one may have a third more, for base64.", least=1024, most=104857600)
    upload_spool: int = setting(268_435_456, "bytes", "Request bodies in files, over all connections of one process, in the system's folder for temporary files; more are 503. One address may have a quarter of it.", least=1048576, most=17179869184)
    header_limit: int = setting(16_384, "bytes", "Maximum size of the request line and headers together.", least=1024, most=1048576)
    header_deadline: float = setting(10.0, "seconds", "Time from the first byte of a request to its last header.", least=0.1, most=300)
    body_deadline: float = setting(15.0, "seconds", "Time from the last header to the last byte of the body.", least=0.1, most=600)
    write_deadline: float = setting(15.0, "seconds", "Window over which a client must average read_rate_least, and timeout of a client that reads nothing.", least=0.1, most=600)
    read_rate_least: int = setting(1024, "bytes/second", "A client that reads its answers more slowly than this, over write_deadline, is disconnected.", least=1, most=104857600)
    idle_deadline: float = setting(60.0, "seconds", "Timeout of a kept-alive connection without a request.", least=1, most=3600)
    connections_most: int = setting(10_000, "connections", "Open client connections of one process; more are refused. The process raises its limit on file descriptors for them as far as it may, and stays within it.", least=10, most=1000000)
    connections_per_address: int = setting(500, "connections", "Open connections of one IPv4 address or IPv6 /64; a trusted proxy has no limit of its own.", least=1, most=1000000)
    requests_per_address: int = setting(64, "requests", "Requests in flight of one client address, behind proxies too; more are 429.", least=1, most=1000000)
    password_queue: int = setting(64, "sign-ins", "Sign-ins and registrations that may wait for password hashing, which does two at once, with addresses taking turns; more are 503.", least=1, most=100000)
    password_wait: float = setting(10.0, "seconds", "Longest wait in password_queue; then 503.", least=0.1, most=300)
    searches_per_address: int = setting(4, "searches", "Searches and suggestions in flight of one client address; more are 429.", least=1, most=100000)
    buffer_limit: int = setting(67_108_864, "bytes", "Memory for incomplete requests and unread answers, over all connections of one process; beyond it, the connections that hold most are closed.", least=1048576, most=17179869184)
    idempotency_ttl: float = setting(86400.0, "seconds", "How long the answer to an idempotency key is kept.", least=60, most=2592000)
    metrics_token: str = setting("", "", "Bearer token for /metrics; empty: open to this machine only, and never through a proxy.", secret=True)

    # cache and search
    cache_size: int = setting(25_165_824, "bytes", "Near cache of one process: some 800 listings of 20 or 9,000 product pages. With it full and 5,000 idle connections a process had 108 to 116 MB, with Redis and RabbitMQ 113 to 122.", least=0, most=17179869184)
    cache_ttl: float = setting(300.0, "seconds", "Lifetime of a listing or product page in the cache.", least=0.1, most=86400)
    cache_stale: float = setting(0.5, "seconds", "How long an invalidated entry may still be served while it is reloaded.", least=0, most=60)
    short_way: bool = setting(True, "", "Whether to bypass what Twisted and Klein do only for other programs; off: they do all of it, which is slower.")
    search_language: str = setting("english", "", "Language for stemming, e.g. english or french; none: words as they are (also for Elasticsearch cores without analysers).")

    # queues
    queue_poll: float = setting(1.0, "seconds", "How often the relay and the queues poll when nothing wakes them.", least=0.01, most=60)
    queue_lease: float = setting(8.0, "seconds", "PostgreSQL queue: lease of a message; without a renewal by its consumer it is redelivered.", least=0.5, most=3600)
    work_lease: float = setting(6.0, "seconds", "Lease of work that one process at a time does (relay, mail, expiry, search); without a renewal another process takes over.", least=0.5, most=60)
    queue_retry_scale: float = setting(1.0, "", "Factor on the delays between retries (tests shorten them).", least=0.001, most=MAX_RETRY_SCALE)
    mails_per_unverified: int = setting(20, "mails/day", "Mails that an address gets within a day which its account has not verified: it may be a stranger's. What verifies it or sets a password is mailed beyond that, too.", least=1, most=1000000)
    mails_per_recipient: int = setting(60, "mails/hour", "Mails that one recipient gets within an hour; beyond it, one mail says that the rest is in the notices.", least=1, most=1000000)
    outbox_keep: float = setting(604800.0, "seconds", "How long sent events and sent mail are kept, at least; events that a queue has not handled are kept ten times as long, and inbox marks as long as their events.", least=3600, most=31536000)

    search_misses_keep: float = setting(7776000.0, "seconds", "How long it is kept what was searched for and not found, which is counted without anybody's name.", least=86400, most=94608000)

    operations_keep: float = setting(604800.0, "seconds", "How long an operation that is over is kept, with the file that it made.", least=60, most=31536000)

    # the process
    stop_deadline: float = setting(20.0, "seconds", "Timeout of a graceful shutdown; what is unfinished then is abandoned.", least=0.1, most=600)
    stop_grace: float = setting(0.5, "seconds", "When stopping: how long an idle connection stays open; behind a proxy, set it longer than the proxy keeps idle connections.", least=0.0, most=60)
    log_format: str = setting("text", "", "text for people, json for machines.", choices=("text", "json"))
    log_level: str = setting("info", "", "Lowest level that is logged.", choices=("debug", "info", "warn", "error"))
    debug_slow_callback: float = setting(0.0, "seconds", "Report each callback that blocks the reactor for longer; 0: off.", least=0, most=60)
    fail_points: str = setting("", "", "Fail points to arm, name=action, comma separated; works only with HARVEST_TESTING=1.")

# fmt: on

#: Headings of the table, each above the setting it is keyed by.
GROUPS = {
    "data_dir": "Basics",
    "database_url": "Backends (embedded unless set)",
    "database_pool": "Database",
    "market_name": "Market",
    "rate_limits": "Web limits",
    "cache_size": "Cache and search",
    "queue_poll": "Queues",
    "stop_deadline": "Process",
}

#: Settings that only the API uses: harvest-worker does not offer them.
OF_THE_API = frozenset(
    """
    http_host http_port allowed_hosts cors_origins oidc_issuer oidc_client_id oidc_client_secret processes workers demo guests own_products order_lines_most weight_tolerance weight_most order_answer_time product_page farm_page second_factor_required_for passkey_domain access_token_ttl refresh_token_ttl sign_in_ttl
    rate_limits rate_default rate_read rate_login rate_login_address rate_login_account rate_recovery rate_coupon rate_hold rate_upload rate_guest rate_export rate_register body_deadline write_deadline idle_deadline connections_most
    connections_per_address requests_per_address upload_max_bytes upload_spool buffer_limit read_rate_least idempotency_ttl cache_ttl cache_stale media_base
    """.split()
)

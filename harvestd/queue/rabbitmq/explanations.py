"""What ended a connection to RabbitMQ, explained to its operator."""

from __future__ import annotations

import pika


def explained(error: BaseException, parameters: pika.ConnectionParameters) -> str:
    """A sentence for the person who reads it at 2 a.m.; it holds no password."""
    where = f"RabbitMQ at {parameters.host}:{parameters.port}"
    user, vhost = getattr(parameters.credentials, "username", "?"), parameters.virtual_host
    text = str(error) or repr(error)
    if type(error).__module__.startswith(("OpenSSL", "service_identity")):
        return (
            f"{where}: its certificate is not for that host, or not signed by an authority of this system; another one is "
            f"named by ?cacertfile=/path/to.pem at the end of rabbitmq_url ({text})"
        )
    code = getattr(error, "reply_code", None)
    if code == 403 and "ogin" in text:
        return (
            f"{where} refuses the user {user!r} or its password: see rabbitmq_url (special characters of a password are "
            "written %XX); the user guest is let in from the broker's own machine alone"
        )
    if code in (403, 530) and "vhost" in text and "queue" not in text and "exchange" not in text:
        return (
            f"{where} lets the user {user!r} in, but not to the vhost {vhost!r}: it does not exist, or the user has no "
            "permissions there (rabbitmqctl add_vhost, rabbitmqctl set_permissions); a / in its name is written %2F"
        )
    if code == 406:
        return f"{where}: a queue or exchange of ours is there with other arguments ({text}); move its messages and delete it"
    if code == 404:
        return f"{where}: a queue or exchange of ours is not there ({text})"
    if code == 403:
        return f"{where}: the user {user!r} needs the permissions configure, write and read on harvest.* ({text})"
    return f"{where} is out of reach: {text}"

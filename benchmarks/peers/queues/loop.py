"""The limits of a consumer: a plain loop, one batch after another, and nothing beside it.

``postgresql``: the statements of harvestd's consumer by synchronous psycopg2, prepared: take a batch from the queue, then inbox
marks and effects in one transaction, then acknowledge. Bodies are not read, nobody else is served, nothing is counted.

``rabbitmq``: pika's BlockingConnection consumes and acknowledges a batch by one word. No database at all.

``python loop.py postgresql URL MESSAGES`` or ``rabbitmq URL MESSAGES``: says ``ready``, begins at the next line, says ``done``.
"""

import sys

QUEUE, BATCH = "harvest.analytics", 200

TAKE = """
prepare take as with ready as (
    select id from queue_messages
    where queue = $1 and available_at between coalesce($4, timestamptz '-infinity') and now()
      and (leased_until is null or leased_until < now())
    order by available_at, id limit $2 for update skip locked),
taken as (
    update queue_messages m set leased_by = $3, leased_until = now() + interval '30 seconds'
    from ready where m.id = ready.id
    returning m.id, m.available_at, m.message_id, m.type, m.body, m.attempts)
select id, available_at, message_id::text, type, body, attempts from taken order by available_at, id
"""
CLAIM = """
prepare claim as insert into inbox (consumer, event_id) select $1, id from unnest($2::uuid[]) as id
on conflict do nothing returning event_id::text
"""
EFFECT = "prepare effect as insert into bench_effects (event_id, farms) select id, 1 from unnest($1::uuid[]) as id"
ACK = "prepare ack as delete from queue_messages where id = any($1::bigint[]) and leased_by = $2"


def ready():
    print("ready", flush=True)
    sys.stdin.readline()


def postgres(url, messages):
    import datetime

    import psycopg2

    connection = psycopg2.connect(url)
    cursor = connection.cursor()
    for statement in (TAKE, CLAIM, EFFECT, ACK):
        cursor.execute(statement)
    connection.commit()
    ready()
    since = None
    while messages:
        cursor.execute("execute take(%s, %s, 1, %s)", (QUEUE, BATCH, since))
        rows = cursor.fetchall()
        connection.commit()
        since = rows[0][1] - datetime.timedelta(seconds=10)
        cursor.execute("execute claim(%s, %s::uuid[])", (QUEUE, sorted(row[2] for row in rows)))
        cursor.execute("execute effect(%s::uuid[])", ([row[0] for row in cursor.fetchall()],))
        connection.commit()
        cursor.execute("execute ack(%s, 1)", ([row[0] for row in rows],))
        connection.commit()
        messages -= len(rows)


def rabbitmq(url, messages):
    import pika

    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=BATCH)
    left = [messages, 0]

    def came(channel, method, properties, body):
        left[0] -= 1
        left[1] += 1
        if left[1] == BATCH // 2 or not left[0]:
            channel.basic_ack(method.delivery_tag, multiple=True)
            left[1] = 0
        if not left[0]:
            channel.stop_consuming()

    ready()
    channel.basic_consume(QUEUE, came)
    channel.start_consuming()


if __name__ == "__main__":
    {"postgresql": postgres, "rabbitmq": rabbitmq}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
    print("done", flush=True)
    sys.stdin.readline()

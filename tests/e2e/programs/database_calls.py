"""What clients of databases do, one by name: `database_calls.py HOST CASE`. Ends with 0, or says what was different."""

import sys
import threading
import time

import psycopg
import pymysql
import redis

SIZE = 10 << 20
LIMIT_SECONDS = 20
REUSED, OPENED = 300, 10
"""Statements on one connection, and connections one after another."""


def same(got: object, wanted: object) -> None:
    if got != wanted:
        sys.exit(f"got {str(got)[:200]!r}, wanted {str(wanted)[:200]!r}")


def postgres(host: str, **more: str) -> psycopg.Connection:
    """sslmode=prefer, the library's default: it asks whether the server has TLS before anything else."""
    return psycopg.connect(
        host=host, user="proof", password="proof", dbname="postgres", connect_timeout=LIMIT_SECONDS, **more
    )


def encrypted(connection: psycopg.Connection) -> object:
    return connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()[0]


def postgres_statements(host: str) -> None:
    with postgres(host) as connection:
        same(encrypted(connection), True)
        connection.execute("CREATE TEMPORARY TABLE goods (id int PRIMARY KEY, name text)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO goods VALUES (%s, %s)", [(i, f"good {i}") for i in range(1000)])
        connection.commit()
        connection.execute("DELETE FROM goods")
        connection.rollback()
        same(connection.execute("SELECT count(*), max(name) FROM goods").fetchone(), (1000, "good 999"))
        try:
            connection.execute("INSERT INTO goods VALUES (1, 'again')")
        except psycopg.errors.UniqueViolation:
            return
    sys.exit("no error")


def postgres_plain(host: str) -> None:
    with postgres(host, sslmode="disable") as connection:
        same(encrypted(connection), False)


def postgres_direct(host: str) -> None:
    """TLS from the first byte, with a server name."""
    with postgres(host, sslmode="require", sslnegotiation="direct") as connection:
        same(encrypted(connection), True)


def postgres_large(host: str) -> None:
    with postgres(host) as connection:
        same(len(connection.execute("SELECT repeat('x', %s)", (SIZE,)).fetchone()[0]), SIZE)
        rows = connection.execute("SELECT i, repeat('y', 100) FROM generate_series(1, 100000) i").fetchall()
        same((len(rows), sum(i for i, _ in rows)), (100000, 5000050000))
        connection.execute("CREATE TEMPORARY TABLE copied (line text)")
        line = b"z" * 1023 + b"\n"
        with connection.cursor() as cursor:
            with cursor.copy("COPY copied FROM STDIN") as copy:
                for _ in range(SIZE // len(line)):
                    copy.write(line)
            with cursor.copy("COPY copied TO STDOUT") as copy:
                same(b"".join(copy), line * (SIZE // len(line)))


def postgres_notices(host: str) -> None:
    """The server speaks when the client has said nothing for a while."""
    with postgres(host, sslmode="disable") as listener, postgres(host) as speaker:
        listener.autocommit = speaker.autocommit = True
        listener.execute("LISTEN news")
        speaker.execute("NOTIFY news, 'first'")
        notices = listener.notifies(timeout=LIMIT_SECONDS, stop_after=1)
        same([notice.payload for notice in notices], ["first"])


def postgres_cancel(host: str) -> None:
    """A statement is cancelled on a connection of its own."""
    with postgres(host) as connection, postgres(host) as watcher:
        watcher.autocommit = True
        threading.Thread(target=cancel, args=(connection, watcher)).start()
        try:
            connection.execute("SELECT pg_sleep(%s)", (LIMIT_SECONDS,))
        except psycopg.errors.QueryCanceled:
            return
    sys.exit("not cancelled")


def cancel(connection: psycopg.Connection, watcher: psycopg.Connection) -> None:
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    deadline = time.monotonic() + LIMIT_SECONDS
    while watcher.execute(running).fetchone() == (0,) and time.monotonic() < deadline:
        time.sleep(0.05)
    connection.cancel()


def postgres_reuse(host: str) -> None:
    with postgres(host) as connection:
        for i in range(REUSED):
            same(connection.execute("SELECT %s::int + 1", (i,)).fetchone(), (i + 1,))
    for i in range(OPENED):
        with postgres(host) as connection:
            same(connection.execute("SELECT %s::int", (i,)).fetchone(), (i,))


def of_redis(host: str) -> redis.Redis:
    return redis.Redis(host=host, password="proof", socket_timeout=LIMIT_SECONDS)


def redis_statements(host: str) -> None:
    with of_redis(host) as client:
        client.delete("basket")
        client.hset("basket", mapping={"apple": 3, "pear": 5})
        same(client.hincrby("basket", "apple", 4), 7)
        same(client.hgetall("basket"), {b"apple": b"7", b"pear": b"5"})
        with client.pipeline(transaction=True) as pipeline:
            for i in range(1000):
                pipeline.rpush("queue", i)
            pipeline.llen("queue").delete("queue")
            same(pipeline.execute()[-2:], [1000, 1])


def redis_large(host: str) -> None:
    value = bytes(range(256)) * (SIZE // 256)
    with of_redis(host) as client:
        client.set("large", value)
        same(client.get("large"), value)
        client.delete("large")


def redis_notices(host: str) -> None:
    with of_redis(host) as client, client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe("news")
        listener.get_message(timeout=LIMIT_SECONDS)
        client.publish("news", "first")
        same((listener.get_message(timeout=LIMIT_SECONDS) or {}).get("data"), b"first")


def redis_waiting(host: str) -> None:
    """BLPOP waits until another client has something."""
    with of_redis(host) as waiter, of_redis(host) as giver:
        giver.delete("later")
        threading.Thread(target=give, args=(giver,)).start()
        same(waiter.blpop("later", timeout=LIMIT_SECONDS), (b"later", b"it"))


def give(client: redis.Redis) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while client.info("clients")["blocked_clients"] == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    client.rpush("later", "it")


def redis_reuse(host: str) -> None:
    with of_redis(host) as client:
        for i in range(REUSED):
            same(client.echo(str(i)), str(i).encode())
    for _ in range(OPENED):
        with of_redis(host) as client:
            same(client.ping(), True)


def mysql(host: str, **more: object) -> pymysql.Connection:
    return pymysql.connect(
        host=host, user="proof", password="proof", database="proof", connect_timeout=LIMIT_SECONDS,
        read_timeout=LIMIT_SECONDS, max_allowed_packet=64 << 20, **more,
    )  # fmt: skip


def asked(connection: pymysql.Connection, statement: str, *values: object) -> tuple[tuple[object, ...], ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def mysql_statements(host: str) -> None:
    with mysql(host) as connection:
        asked(connection, "CREATE TEMPORARY TABLE goods (id int PRIMARY KEY, name text)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO goods VALUES (%s, %s)", [(i, f"good {i}") for i in range(1000)])
        connection.commit()
        asked(connection, "DELETE FROM goods")
        connection.rollback()
        same(asked(connection, "SELECT count(*), max(name) FROM goods"), ((1000, "good 999"),))
        try:
            asked(connection, "INSERT INTO goods VALUES (1, 'again')")
        except pymysql.err.IntegrityError:
            return
    sys.exit("no error")


def mysql_tls(host: str) -> None:
    """TLS begins after the server has spoken."""
    with mysql(host, ssl={"check_hostname": False, "verify_mode": "none"}) as connection:
        same(asked(connection, "SHOW STATUS LIKE 'Ssl_version'")[0][1], "TLSv1.3")


def mysql_large(host: str) -> None:
    with mysql(host) as connection:
        same(asked(connection, "SELECT repeat('x', %s)", SIZE), (("x" * SIZE,),))
        same(asked(connection, "SELECT length(%s)", "y" * SIZE), ((SIZE,),))
        rows = asked(connection, "SELECT seq, repeat('z', 100) FROM seq_1_to_100000")
        same((len(rows), sum(int(str(row[0])) for row in rows)), (100000, 5000050000))


def mysql_reuse(host: str) -> None:
    with mysql(host) as connection:
        for i in range(REUSED):
            same(asked(connection, "SELECT %s + 1", i), ((i + 1,),))
    for i in range(OPENED):
        with mysql(host) as connection:
            same(asked(connection, "SELECT %s", i), ((i,),))


if __name__ == "__main__":
    globals()[sys.argv[2]](sys.argv[1])

"""One session with each database, kept open: each line on stdin asks for their numbers. `database_sessions.py SUFFIX`.

A session that was lost is not opened again: the program ends with its error.
"""

import json
import sys

from database_calls import asked, mysql, of_redis, postgres

if __name__ == "__main__":
    first, second, third = (f"{name}-{sys.argv[1]}" for name in ("postgres", "redis", "mysql"))
    with postgres(first, autocommit=True) as one, of_redis(second).client() as two, mysql(third) as three:
        for _ in sys.stdin:
            numbers = [one.execute("SELECT pg_backend_pid()").fetchone()[0], two.client_id()]
            print(json.dumps([*numbers, asked(three, "SELECT connection_id()")[0][0]]), flush=True)

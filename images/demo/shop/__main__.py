"""`python -m shop web|api|payment|load|probe|control`. Settings of the services come from the environment:

SHOP_PORT (8080) · SHOP_SERVICE, SHOP_VERSION, SHOP_POD, SHOP_NAMESPACE (who answers) · SHOP_API_URL (web: http://api) ·
SHOP_URL (load: http://web), SHOP_CUSTOMERS (4), SHOP_RATE (5 requests per second) ·
SHOP_RUN (folder of the control socket, /run/shop)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys

from shop import control, customers, probe
from shop.http_server import HttpServer
from shop.services import Backend, State, Web


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="shop", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = root.add_subparsers(dest="verb", required=True)
    for verb, text in (
        ("web", "serves the shop's pages"),
        ("api", "knows the goods"),
        ("payment", "takes the money"),
        ("load", "plays the customers"),
    ):
        verbs.add_parser(verb, help=text)
    one = verbs.add_parser("probe", help="sends requests and prints one JSON report")
    one.add_argument("url")
    one.add_argument("--count", type=int, default=0, help="requests in all (0: until --seconds, or `stop` on stdin)")
    one.add_argument("--seconds", type=float, default=0.0)
    one.add_argument("--concurrency", type=int, default=1)
    one.add_argument("--rate", type=float, default=0.0, help="requests per second in all (0: as fast as answered)")
    one.add_argument("--timeout", type=float, default=10.0, help="seconds for one request")
    one.add_argument("-H", "--header", action="append", default=[], metavar="NAME:VALUE")
    one.add_argument("--new-connections", action="store_true", help="a connection for each request")
    one.add_argument("--slow", type=float, default=0.0, metavar="MS", help="count answers that took at least this long")
    one.add_argument("--stream", action="store_true", help="a line for each answer, the report last")
    one.add_argument("--stdin", action="store_true", help="end when a line or the end arrives on stdin")
    switch = verbs.add_parser("control", help="reads and switches the service in this container")
    switch.add_argument("op", choices=["stats", "hang", "reset"])
    switch.add_argument("seconds", nargs="?", type=float, default=0.0)
    return root


def stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def serve(verb: str) -> None:
    env, state, stop = os.environ, State(), stop_on_signals()
    os.environ.setdefault("SHOP_SERVICE", verb)
    service: Web | Backend = Web(state, env.get("SHOP_API_URL", "http://api")) if verb == "web" else Backend(state)
    switch = await control.serve(state)
    server = HttpServer(service.handle)
    jobs = [server.run("0.0.0.0", int(env.get("SHOP_PORT", "8080")), stop)]  # noqa: S104 - a pod's own address is not known before
    if verb == "load":
        jobs.append(
            customers.play(
                env.get("SHOP_URL", "http://web"),
                int(env.get("SHOP_CUSTOMERS", "4")),
                float(env.get("SHOP_RATE", "5")),
                stop,
            )
        )
    await asyncio.gather(*jobs)
    switch.close()


async def run_probe(options: argparse.Namespace) -> int:
    stop = stop_on_signals()
    if options.stdin:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    headers = dict(text.partition(":")[::2] for text in options.header)
    plan = probe.Plan(
        url=options.url,
        count=options.count,
        seconds=options.seconds,
        concurrency=max(1, options.concurrency),
        rate=options.rate,
        timeout_seconds=options.timeout,
        headers={name.strip().lower(): value.strip() for name, value in headers.items()},
        keep_alive=not options.new_connections,
        slow_ms=options.slow,
        stream=options.stream,
    )
    result = await probe.run(plan, stop)
    print(json.dumps({"report": result.report()}))
    return 0


async def run_control(options: argparse.Namespace) -> int:
    command = {"op": options.op} | ({"seconds": options.seconds} if options.op == "hang" else {})
    reply = await control.ask(command)
    print(json.dumps(reply))
    return 1 if "error" in reply else 0


def main() -> int:
    options = parser().parse_args()
    if options.verb == "probe":
        if not (options.count or options.seconds or options.stdin):
            print("probe: say when to end: --count, --seconds or --stdin", file=sys.stderr)
            return 64
        return asyncio.run(run_probe(options))
    if options.verb == "control":
        return asyncio.run(run_control(options))
    asyncio.run(serve(options.verb))
    return 0


if __name__ == "__main__":
    sys.exit(main())

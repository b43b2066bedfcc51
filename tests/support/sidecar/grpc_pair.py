"""A gRPC server and client of grpcio, as programs: their threads make sockets, so each lives in its namespace."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio


def _plain(data: bytes) -> bytes:
    return data


class Service(grpc.GenericRpcHandler):
    """`peer` tells who called, `fail` fails with metadata, `talk` echoes every message as it comes."""

    def service(self, handler_call_details: Any) -> Any:
        name = handler_call_details.method.rsplit("/", 1)[1]
        if handler_call_details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(self._check, _plain, _plain)
        if name == "talk":
            return grpc.stream_stream_rpc_method_handler(self._talk, _plain, _plain)
        return grpc.unary_unary_rpc_method_handler(self._fail if name == "fail" else self._peer, _plain, _plain)

    async def _check(self, request: bytes, _: Any) -> bytes:
        """`grpc.health.v1`: SERVING for the server itself, NOT_SERVING for anything that is named."""
        return b"\x08\x02" if request else b"\x08\x01"

    async def _peer(self, _: bytes, context: Any) -> bytes:
        return dict(context.invocation_metadata()).get("x-mesh-peer", "").encode()

    async def _fail(self, _: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.NOT_FOUND, "no such thing", (("x-detail", "detail"),))
        return b""

    async def _talk(self, messages: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for message in messages:
            yield b"echo " + message
        context.set_trailing_metadata((("x-trailer", "last"),))


async def serve(address: str) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Service(),))
    server.add_insecure_port(address)
    await server.start()
    print("serving", flush=True)
    await server.wait_for_termination()


async def call(address: str) -> dict[str, object]:
    found: dict[str, object] = {}
    async with grpc.aio.insecure_channel(address) as channel:
        found["peer"] = (await channel.unary_unary("/s/peer", _plain, _plain)(b"", timeout=10)).decode()
        try:
            await channel.unary_unary("/s/fail", _plain, _plain)(b"", timeout=10)
        except grpc.aio.AioRpcError as error:
            detail = dict(error.trailing_metadata() or ()).get("x-detail")
            found["error"] = [error.code().name, error.details(), detail]
        talk = channel.stream_stream("/s/talk", _plain, _plain)(timeout=20)
        echoes = []
        for i in range(3):
            await talk.write(b"m%d" % i)
            echoes.append((await talk.read()).decode())
        await talk.done_writing()
        assert await talk.read() == grpc.aio.EOF
        found["echoes"] = echoes
        found["trailer"] = dict(await talk.trailing_metadata()).get("x-trailer")
        cut = channel.stream_stream("/s/talk", _plain, _plain)(timeout=20)
        await cut.write(b"x")
        await cut.read()
        found["cancelled"] = cut.cancel()
    return found


async def fail(address: str) -> list[str]:
    """Status and details of a unary call and of a stream that fail."""
    found = []
    async with grpc.aio.insecure_channel(address) as channel:
        talk = channel.stream_stream("/s/talk", _plain, _plain)(timeout=10)
        for reading in (channel.unary_unary("/s/peer", _plain, _plain)(b"", timeout=10), talk.read()):
            try:
                await reading
            except grpc.aio.AioRpcError as error:
                found.append(f"{error.code().name}: {error.details()}")
    return found


if __name__ == "__main__":
    what, where = sys.argv[1:]
    if what == "serve":
        asyncio.run(serve(where))
    elif what == "fail":
        print(json.dumps(asyncio.run(fail(where))))
    else:
        print(json.dumps(asyncio.run(call(where))))

"""A connection of bytes that says nothing for too long is closed, whoever should have spoken."""

from __future__ import annotations

import msgspec

from tests.support.sidecar.mesh import TCP, VIP, WEB, Mesh, caller_config


def test_a_silent_connection_of_bytes_is_closed(changing_mesh: Mesh) -> None:
    mesh, before = changing_mesh, caller_config("web")
    backends = tuple(
        msgspec.structs.replace(one, idle_seconds=0.5) if one.protocol == "tcp" else one
        for one in before.outbound.backends
    )
    outbound = msgspec.structs.replace(before.outbound, backends=backends)
    assert mesh.control_plane.apply(WEB, msgspec.structs.replace(before, outbound=outbound))["accepted"]
    with mesh.web.connect((VIP, TCP)) as connection:
        stream = connection.makefile("rb")
        assert stream.readline() == b"220 hello\n"
        connection.sendall(b"EHLO\n")
        assert stream.readline() == b"echo EHLO\n"
        assert stream.readline() == b"", "closed; without the limit this read would time out"

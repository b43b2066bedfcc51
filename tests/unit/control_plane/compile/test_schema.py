"""Configurations for sidecars of older versions."""

from __future__ import annotations

from control_plane.compile.schema import MOST_VERSIONS, Lessener
from control_plane.compile.workload import Compiler, compile_workload
from mesh_policy.schema import missing
from mesh_policy.wire import encode
from tests.support.cluster import API_SERVICE, SHOP, a_policy, an_index, put
from tests.support.older import BURST, SLOW_START, without

WEB, API = ("shop", "web-1"), ("shop", "api-1")
OLDER = missing(without(SLOW_START))
SLOWLY = a_policy("p", targets=[API_SERVICE], loadBalancing={"slowStart": "10s"})


def test_a_sidecar_of_this_version_gets_everything() -> None:
    index = an_index(*SHOP, SLOWLY)
    compiled = Compiler(index).compile_for(WEB, frozenset())
    assert compiled is not None
    assert (compiled.config, compiled.left) == (compile_workload(index, WEB), frozenset())


def test_an_older_one_gets_a_version_of_its_own() -> None:
    compiler = Compiler(an_index(*SHOP, SLOWLY))
    whole, less = compiler.compile_for(WEB, frozenset()), compiler.compile_for(WEB, OLDER)
    assert whole is not None
    assert less is not None
    assert whole.config.version != less.config.version
    assert b"slowStart" in encode(whole.config)
    assert b"slowStart" not in encode(less.config)
    assert {left.field for left in less.left} == {SLOW_START}


def test_without_the_field_in_use_it_is_what_everybody_gets() -> None:
    compiler = Compiler(an_index(*SHOP))
    whole, less = compiler.compile_for(WEB, frozenset()), compiler.compile_for(WEB, OLDER)
    assert less == whole


def test_what_must_not_be_left_out_is_there() -> None:
    limit = a_policy("p", targets=[API_SERVICE], rateLimit={"requests": 5, "burst": 3})
    compiler = Compiler(an_index(*SHOP, limit))
    assert compiler.compile_for(API, missing(without(BURST))) == compiler.compile_for(API, frozenset())


def test_what_workloads_share_is_gone_through_once() -> None:
    index = an_index(*SHOP, SLOWLY)
    compiler, lessener = Compiler(index), Lessener()
    configs = [compiler.compile(key) for key in (WEB, API)]
    one, other = (lessener.lessen(config, OLDER).config for config in configs if config is not None)
    assert one.outbound is other.outbound


def test_a_pod_cannot_make_us_compile_for_ever_new_versions() -> None:
    compiler = Compiler(an_index(*SHOP, SLOWLY))
    whole = compiler.compile_for(WEB, frozenset())
    claims = [OLDER | {f"Claimed.field{i}"} for i in range(MOST_VERSIONS + 1)]
    *some, beyond = (compiler.compile_for(WEB, claim) for claim in claims)
    assert all(one is not None and one.left for one in some)
    assert beyond == whole
    assert compiler.compile_for(API, claims[0]) != compiler.compile_for(API, frozenset()), "those that came first stay"


def test_it_is_forgotten_when_the_index_changes() -> None:
    index = an_index(*SHOP)
    compiler = Compiler(index)
    before = compiler.compile_for(WEB, OLDER)
    put(index, SLOWLY)
    after = compiler.compile_for(WEB, OLDER)
    assert before is not None
    assert after is not None
    assert after.left
    assert not before.left


def test_a_pod_without_sidecar_has_none() -> None:
    assert Compiler(an_index(*SHOP)).compile_for(("shop", "gone"), OLDER) is None

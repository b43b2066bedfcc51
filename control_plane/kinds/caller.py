"""A caller as users name it: of ServiceIntentions, of faults."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation


class Caller(Strict, frozen=True, kw_only=True):
    """By Service (`name`, `*` is every ServiceAccount) or by `serviceAccount`; one of both."""

    name: str | None = None
    service_account: str | None = None
    namespace: str | None = None
    """None: the namespace of the object that names it; `*`: any."""


def violations(at: str, caller: Caller) -> Iterator[Violation]:
    """What is malformed."""
    if (caller.name is None) == (caller.service_account is None):
        yield Violation(at, "give exactly one of name (a Service, or '*') and serviceAccount")
    if caller.name not in {None, "*"}:
        yield from checks.dns_label(f"{at}.name", caller.name or "")
    if caller.service_account is not None:
        yield from checks.dns_subdomain(f"{at}.serviceAccount", caller.service_account)
    if caller.namespace not in {None, "*"}:
        yield from checks.dns_label(f"{at}.namespace", caller.namespace or "")

"""Routes of a frontend, in their order of precedence. A frontend has those of one kind: they are never merged."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from control_plane.compile.cors import cors
from control_plane.compile.fault import faults
from control_plane.compile.filters import redirect, request_headers, response_headers, rewrite
from control_plane.compile.mirror import mirrors
from control_plane.compile.retry import retry
from control_plane.compile.session import of_backends, of_rule, session
from control_plane.compile.split import split
from control_plane.compile.targets import Targets
from control_plane.compile.timeouts import timeouts
from control_plane.index.attachment import Attachment
from control_plane.index.policy import PolicyTable, Scope, rule_scopes, service_scopes
from control_plane.kinds.grpc_route import GrpcMatch, GrpcRoute, GrpcRule
from control_plane.kinds.http_route import HttpMatch, HttpRoute, HttpRule
from control_plane.kinds.meta import age_order
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.route import ValueMatch as MatchedValue
from control_plane.kinds.routes import rank
from control_plane.kinds.service import Service, ServicePort
from mesh_policy import grpc
from mesh_policy.route import RouteCandidate, order
from mesh_policy.snapshot import HttpRoutes, Match, PathMatch, Rule, ValueMatch, WeightedBackend


def applicable(attached: tuple[Attachment, ...], port: ServicePort, namespace: str) -> tuple[AnyRoute, ...]:
    """The routes that act on what a client sends to a port: consumer routes of its namespace, else the producer's; of
    these the ones of the kind that wins."""
    here = [one for one in attached if port in one.ports]
    consumer = {
        (one.route.kind, one.route.key): one.route
        for one in here
        if one.is_consumer and one.route.metadata.namespace == namespace
    }
    producer = {(one.route.kind, one.route.key): one.route for one in here if not one.is_consumer}
    found = sorted((consumer or producer).values(), key=age_order)
    best = min(map(rank, found), default=0)
    return tuple(route for route in found if rank(route) == best)


def routes(
    targets: Targets, policies: PolicyTable, found: tuple[AnyRoute, ...], service: Service, port: ServicePort
) -> HttpRoutes | None:
    """All rules of the routes for requests; None: there is no such route."""
    requested = [route for route in found if isinstance(route, HttpRoute | GrpcRoute)]
    if not requested:
        return None
    rules: list[Rule] = []
    candidates: list[RouteCandidate] = []
    for route in requested:
        specs: tuple[HttpRule | GrpcRule, ...] = route.spec.rules
        for index, spec in enumerate(specs):
            candidates += _candidates(route, spec, index, len(rules))
            scopes = (*rule_scopes(route, spec.name), *service_scopes(service, port.name))
            rules.append(_rule(targets, policies, route, index, scopes=scopes, called_port=port.port))
    return HttpRoutes(entries=order(candidates), rules=tuple(rules))


def own_rule(policies: PolicyTable, service: Service, port: ServicePort, backend: str) -> Rule | None:
    """What the Service's own policies say of requests that no route decides on; None: nothing."""
    scopes = service_scopes(service, port.name)
    bare = Rule(
        route=f"Service/{service.metadata.namespace}/{service.metadata.name}",
        name=port.name or str(port.port),
        backends=(WeightedBackend(backend=backend),),
    )
    found = structs.replace(
        bare,
        timeouts=timeouts(policies, scopes),
        retry=retry(policies, scopes),
        session=session(of_backends(policies, (service,)), bare.route, bare.name),
        faults=faults(policies, scopes),
    )
    return None if found == bare else found


def _rule(
    targets: Targets,
    policies: PolicyTable,
    route: HttpRoute | GrpcRoute,
    index: int,
    *,
    scopes: tuple[Scope, ...],
    called_port: int,
) -> Rule:
    spec: HttpRule | GrpcRule = route.spec.rules[index]
    http = spec if isinstance(spec, HttpRule) else HttpRule()
    namespace, name = route.metadata.namespace, route.rule_name(index)
    origin = f"{route.kind}/{namespace}/{route.metadata.name}"
    if spec.is_shut:
        return Rule(route=origin, name=name)  # no backend: an error for whatever it matches
    services = targets.services(namespace, spec.backend_refs, called_port)
    return Rule(
        route=origin,
        name=name,
        request_headers=request_headers(spec.filters),
        response_headers=response_headers(spec.filters),
        redirect=redirect(spec.filters),
        rewrite=rewrite(spec.filters),
        cors=cors(spec.filters),
        backends=split(targets, namespace, spec, called_port),
        timeouts=timeouts(policies, scopes, http.timeouts),
        retry=retry(policies, scopes, http.retry),
        session=session(spec.session_persistence or of_rule(policies, services, origin, name), origin, name),
        mirrors=mirrors(targets, namespace, spec.filters, called_port),
        faults=faults(policies, scopes),
    )


def _candidates(
    route: HttpRoute | GrpcRoute, spec: HttpRule | GrpcRule, index: int, position: int
) -> Iterator[RouteCandidate]:
    for match_index, match in enumerate(spec.matches or (HttpMatch() if isinstance(spec, HttpRule) else GrpcMatch(),)):
        yield RouteCandidate(
            match=_call(match) if isinstance(match, GrpcMatch) else _match(match),
            rule=position,
            created=route.metadata.creation_timestamp,
            route=f"{route.metadata.namespace}/{route.metadata.name}",
            rule_index=index,
            match_index=match_index,
            specificity=_specificity(match) if isinstance(match, GrpcMatch) else (),
        )


def _call(match: GrpcMatch) -> Match:
    method = match.method
    return Match(
        path=PathMatch() if method is None else grpc.path_match(method.type, method.service, method.method),
        headers=tuple(_value(header, header.name.lower()) for header in match.headers),
    )


def _specificity(match: GrpcMatch) -> tuple[int, ...]:
    method = match.method
    return (0, 0) if method is None else grpc.specificity(method.type, method.service, method.method)


def _match(match: HttpMatch) -> Match:
    path = PathMatch(type=match.path.type, value=match.path.value) if match.path else PathMatch()
    return Match(
        path=path,
        method=match.method,
        headers=tuple(_value(header, header.name.lower()) for header in match.headers),
        query=tuple(_value(parameter, parameter.name) for parameter in match.query_params),
    )


def _value(match: MatchedValue, name: str) -> ValueMatch:
    return ValueMatch(
        name=name, value=match.value, type="RegularExpression" if match.type == "RegularExpression" else "Exact"
    )

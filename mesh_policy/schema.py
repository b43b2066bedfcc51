"""Which fields of a snapshot a sidecar knows, and the snapshot for one that knows fewer (docs/adr/0008).

A field's name here is `Struct.nameOnTheWire`. Everything is derived from the structs of `mesh_policy.snapshot`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple, cast

import msgspec
from msgspec import inspect, structs

from mesh_policy.snapshot import Backend, Frontend, Intention, RateLimit, Rule, Struct, TcpRule, WorkloadConfig
from mesh_policy.snapshot.base import REFINES

HEADER = "x-mesh-schema"
"""Of a sidecar's requests: its `describe()`."""
FIRST = (
    "AccessLog:samplePercent;Authorization:default,intentions;"
    "Backend:name,service,protocol,endpoints,hostname,externalPort,idleSeconds,retryBudget,circuit,outlier,balance;"
    "Balance:algorithm,hashOn,preferZone,slowStartSeconds;Circuit:maxConnections,maxPending,maxRequests;"
    "Cors:allowOrigins,allowCredentials,allowMethods,allowHeaders,exposeHeaders,maxAgeSeconds;"
    "Endpoint:ip,port,identity,zone,node;"
    "Fault:name,percent,delaySeconds,delayUniform,delayNormal,abortStatus,abortGrpcStatus,bytesPerSecond,headers,callers;"
    "Frontend:name,addresses,port,protocol,backend,routes,rule,tcpRoutes,engine,engineReason;"
    "HashOn:header,cookie,address;HeaderModifier:set,add,remove;"
    "HeaderPresence:name,present,exact,prefix,suffix,regex,invert;"
    "HttpPermissionMatch:pathExact,pathPrefix,pathRegex,methods,headers;HttpRoutes:entries,rules;"
    "Inbound:mtls,ports,authorization,rateLimits;InboundPort:port,protocol,mtls;"
    "Intention:name,source,sourceName,action,permissions;Match:path,method,headers,query;Mirror:backend,percent;"
    "Normal:meanSeconds,deviationSeconds;Outbound:frontends,backends,pods;"
    "Outlier:consecutiveErrors,successRateBelow,minRequests,intervalSeconds,baseEjectionSeconds,maxEjectionSeconds,"
    "maxEjectedPercent,panicPercent;"
    "PathChange:full,prefix;PathMatch:type,value;Permission:action,http;PodAddress:ip,identity,plainPorts;"
    "RateLimit:name,ports,requests,perSeconds,burst,by,header;Redirect:status,scheme,hostname,port,path;"
    "Retry:attempts,on,statuses,grpcStatuses,backoffBaseSeconds,backoffMinSeconds,backoffMaxSeconds,methods;"
    "RetryBudget:percent,minPerSecond,intervalSeconds,overStatus;Rewrite:hostname,path;RouteEntry:match,rule;"
    "Rule:route,name,requestHeaders,responseHeaders,redirect,rewrite,backends,cors,timeouts,retry,session,mirrors,faults;"
    "Session:type,name,absoluteSeconds,idleSeconds,permanent;SourceMatch:identities,namespace;Target:backend,weight;"
    "TcpRoutes:rules;TcpRule:route,name,serverNames,targets;Timeouts:requestSeconds,backendSeconds,idleSeconds;"
    "Uniform:minSeconds,maxSeconds;ValueMatch:name,value,type;"
    "WeightedBackend:backend,weight,requestHeaders,responseHeaders,rewrite,redirect,cors,mirrors;"
    "Workload:namespace,pod,serviceAccount,labels,zone;"
    "WorkloadConfig:wireVersion,version,workload,trustDomain,outbound,inbound,accessLog"
)
"""What a sidecar knows that does not say it: those of the releases before this existed. Never edited."""
NOTHING: frozenset[str] = frozenset()
_DESCRIPTION = re.compile(r"(?:[A-Z][A-Za-z0-9]*:[a-z][A-Za-z0-9]*(?:,[a-z][A-Za-z0-9]*)*(?:;|\Z))+")


class Owner(NamedTuple):
    """A named part of a snapshot: `by` says which of its fields has the name."""

    by: Literal["Backend.name", "Backend.service", "Frontend.name", "Intention.name", "RateLimit.name", "Rule.route"]
    name: str


class Left(NamedTuple):
    """A field that said something and was left out."""

    field: str
    owners: tuple[Owner, ...]
    """The named parts that it is in, from the outside in."""
    part: str
    """Which field of the innermost of them, on the wire: `retry`, `balance`."""


class _Field(NamedTuple):
    name: str
    wire: str
    key: str
    default: Any
    """`msgspec.NODEFAULT`: it must be given."""
    refines: bool
    leads: frozenset[str]
    """Names of the structs that its value can hold, however deep."""


@cache
def tables() -> dict[str, tuple[_Field, ...]]:
    """The fields of every struct that a snapshot is made of, by the struct's name."""
    found: dict[str, inspect.StructType] = {}
    _collect(inspect.type_info(WorkloadConfig), found)
    near = {name: {one for field in kind.fields for one in _structs(field.type)} for name, kind in found.items()}
    return {
        name: tuple(_field(name, field, frozenset(_reach(set(_structs(field.type)), near))) for field in kind.fields)
        for name, kind in found.items()
    }


def _field(struct: str, field: inspect.Field, leads: frozenset[str]) -> _Field:
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    refines = isinstance(field.type, inspect.Metadata) and field.type.extra == REFINES.extra
    return _Field(field.name, field.encode_name, f"{struct}.{field.encode_name}", default, refines, leads)


def _inside(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The types that a type is made of, but for a struct's fields."""
    for name in ("type", "item_type", "key_type", "value_type"):
        if isinstance(one := getattr(kind, name, None), inspect.Type):
            yield one
    for name in ("types", "item_types"):
        yield from getattr(kind, name, ())


def _structs(kind: inspect.Type) -> Iterator[str]:
    if isinstance(kind, inspect.StructType):
        yield kind.cls.__name__
        return
    for one in _inside(kind):
        yield from _structs(one)


def _collect(kind: inspect.Type, found: dict[str, inspect.StructType]) -> None:
    if isinstance(kind, inspect.StructType):
        if kind.cls.__name__ not in found:
            found[kind.cls.__name__] = kind
            for field in kind.fields:
                _collect(field.type, found)
        return
    for one in _inside(kind):
        _collect(one, found)


def _reach(names: set[str], near: dict[str, set[str]]) -> set[str]:
    todo, found = list(names), set(names)
    while todo:
        fresh = near[todo.pop()] - found
        found |= fresh
        todo += fresh
    return found


@cache
def fields() -> frozenset[str]:
    """All fields that this version knows."""
    return frozenset(field.key for table in tables().values() for field in table)


@cache
def describe() -> str:
    """All fields that this version knows, as a sidecar tells them: `Struct:field,field;Struct:field`."""
    return ";".join(f"{name}:{','.join(field.wire for field in tables()[name])}" for name in sorted(tables()))


@lru_cache(maxsize=64)
def missing(description: str | None) -> frozenset[str]:
    """The fields of this version that a sidecar does not know, by what it says (None or empty: it says nothing, and
    knows FIRST). What is no description leaves nothing out: the sidecar then refuses what it cannot read."""
    text = description or FIRST
    if not _DESCRIPTION.fullmatch(text):
        return NOTHING
    said = (part.partition(":") for part in text.split(";") if part)
    return fields() - {f"{struct}.{field}" for struct, _, names in said for field in names.split(",")}


def lessen[T: Struct](part: T, unknown: frozenset[str]) -> tuple[T, frozenset[Left]]:
    """The same without the fields that are not known and marked as REFINES, and what they were. Other fields that are
    not known stay where they say something: who cannot read them refuses the whole, and so nothing is weakened."""
    if not unknown:
        return part, frozenset()
    left: set[Left] = set()
    return cast("T", _struct(part, unknown, (), "", left)), frozenset(left)


def _owners(part: Struct) -> tuple[Owner, ...]:
    match part:
        case Backend(name=name, service=service):
            return (Owner("Backend.name", name), Owner("Backend.service", service))
        case Rule(route=route) | TcpRule(route=route):
            return (Owner("Rule.route", route),)
        case Frontend(name=name):
            return (Owner("Frontend.name", name),)
        case Intention(name=name):
            return (Owner("Intention.name", name),)
        case RateLimit(name=name):
            return (Owner("RateLimit.name", name),)
        case _:
            return ()


def _struct(part: Struct, unknown: frozenset[str], owners: tuple[Owner, ...], within: str, left: set[Left]) -> Struct:
    own = _owners(part)
    owners, within = (*owners, *own), "" if own else within
    holders = _holders(unknown)
    changes: dict[str, Any] = {}
    for field in tables()[type(part).__name__]:
        value = getattr(part, field.name)
        if field.key in unknown and field.default is not msgspec.NODEFAULT:
            # A default is left out on the wire only as the struct's own object.
            if value == field.default:
                changes[field.name] = field.default
            elif field.refines:
                changes[field.name] = field.default
                left.add(Left(field.key, owners, within or field.wire))
        elif field.leads & holders:
            changes[field.name] = _value(value, unknown, owners, within or field.wire, left)
    changed = {name: value for name, value in changes.items() if value is not getattr(part, name)}
    return structs.replace(part, **changed) if changed else part


def _value(value: Any, unknown: frozenset[str], owners: tuple[Owner, ...], within: str, left: set[Left]) -> Any:
    if isinstance(value, Struct):
        return _struct(value, unknown, owners, within, left)
    if isinstance(value, tuple):
        new = tuple(_value(one, unknown, owners, within, left) for one in value)
        return new if any(one is not old for one, old in zip(new, value, strict=True)) else value
    return value


@lru_cache(maxsize=64)
def _holders(unknown: frozenset[str]) -> frozenset[str]:
    """The structs that have such a field themselves: what does not lead to one of them is not looked through."""
    return frozenset(key.partition(".")[0] for key in unknown)

{{/* A Gateway API duration. Arguments: description, default (optional), low and high (durations), zero (whether 0s is right). */}}
{{- define "mesh-crds.duration" -}}
description: {{ .description | quote }}
type: string
{{- with .default }}
default: {{ . | quote }}
{{- end }}
maxLength: 32
pattern: ^([0-9]{1,5}(h|m|s|ms)){1,4}$
x-kubernetes-validations:
  - rule: {{ if .zero }}duration(self) == duration('0s') || {{ end }}duration(self) >= duration('{{ .low }}') && duration(self) <= duration('{{ .high }}')
    message: "out of range: use {{ .low }} to {{ .high }}{{ if .zero }}, or 0s{{ end }}"
{{- end }}

{{/* What a TrafficPolicy says for its targets and MeshConfig for the whole mesh: properties of spec. None of them has a
     default itself: the API server would write it into objects that a control plane of before an upgrade then refuses. */}}
{{- define "mesh-crds.behaviour" -}}
timeouts:
  description: |-
    How long requests may take. What passes a limit gets 504. A route's own timeouts go before request and
    backendRequest. On ports that do not speak HTTP only idle counts. None given, no limit.
  type: object
  x-kubernetes-validations:
    - rule: "!has(self.request) || !has(self.backendRequest) || duration(self.request) == duration('0s') || duration(self.backendRequest) <= duration(self.request)"
      message: "backendRequest is longer than request"
  properties:
    request:
      {{- include "mesh-crds.duration" (dict "description" "From the request's head to the end of the answer, retries included: 1ms to 24h. 0s: no limit." "low" "1ms" "high" "24h" "zero" true) | nindent 6 }}
    backendRequest:
      {{- include "mesh-crds.duration" (dict "description" "The same for one attempt, at most as long as request: 1ms to 24h. 0s: no limit." "low" "1ms" "high" "24h" "zero" true) | nindent 6 }}
    idle:
      {{- include "mesh-crds.duration" (dict "description" "Longest silence in both directions once the request has been sent, and on a TCP connection: 1ms to 24h. 0s: no limit." "low" "1ms" "high" "24h" "zero" true) | nindent 6 }}
retry:
  description: |-
    Which attempts that failed are followed by another one, within the retry budget. A route's own retry goes before
    it. HTTP ports only. None given, only connections that could not be made are tried again.
  type: object
  properties:
    attempts:
      description: Attempts after the first, 0 to 100. 0 turns off what a wider policy asks for. Default 1.
      type: integer
      default: 1
      minimum: 0
      maximum: 100
    when:
      description: |-
        What is tried again, 1 to 32 of: ConnectFailure (no endpoint could be reached), Reset (the connection ended
        before the answer), Timeout (backendRequest passed), an HTTP status in quotes ("503"), 4xx, 5xx, a gRPC status
        (Unavailable, ResourceExhausted, ...). Default ConnectFailure, Reset and Timeout.
      type: array
      default: [ConnectFailure, Reset, Timeout]
      minItems: 1
      maxItems: 32
      x-kubernetes-list-type: set
      items:
        description: One cause of another attempt.
        type: string
        maxLength: 32
        pattern: ^(ConnectFailure|Reset|Timeout|[45]([0-9]{2}|xx)|Cancelled|Unknown|InvalidArgument|DeadlineExceeded|NotFound|AlreadyExists|PermissionDenied|ResourceExhausted|FailedPrecondition|Aborted|OutOfRange|Unimplemented|Internal|Unavailable|DataLoss|Unauthenticated)$
    backoff:
      description: The pause before another attempt; it doubles each time, and chance shortens it.
      type: object
      default: {base: 25ms, max: 250ms}
      x-kubernetes-validations:
        - rule: duration(self.base) <= duration(self.max)
          message: "max is shorter than base"
      properties:
        base:
          {{- include "mesh-crds.duration" (dict "description" "The first pause at most, 1ms to 1h. 0s: none. Default 25ms." "default" "25ms" "low" "1ms" "high" "1h" "zero" true) | nindent 10 }}
        max:
          {{- include "mesh-crds.duration" (dict "description" "Any pause at most, 1ms to 1h. 0s: none. Default 250ms." "default" "250ms" "low" "1ms" "high" "1h" "zero" true) | nindent 10 }}
    methods:
      description: |-
        Which requests may be sent twice. Idempotent: DELETE, GET, HEAD, OPTIONS, PUT and TRACE. All. Or a list of 1 to
        9 methods. Calls of gRPC are POST. A request with an idempotency-key header always may. Default Idempotent.
      x-kubernetes-preserve-unknown-fields: true
      default: Idempotent
      pattern: ^(Idempotent|All)$
      minItems: 1
      maxItems: 9
retryBudget:
  description: |-
    How many retries a Service gets at most, from each client and from all of its routes together. One for all ports of
    a Service. None given, 25 percent and 10 a second.
  type: object
  properties:
    percent:
      description: Retries for 100 requests of the interval, 0 to 100, decimals allowed. 0, only minPerSecond. Default 25.
      type: number
      default: 25
      minimum: 0
      maximum: 100
    minPerSecond:
      description: Retries a second that are always allowed, 0 to 1000000. 0, only percent. Default 10.
      type: number
      default: 10
      minimum: 0
      maximum: 1000000
    interval:
      {{- include "mesh-crds.duration" (dict "description" "The window that slides, 1s to 1h. Default 10s." "default" "10s" "low" "1s" "high" "1h") | nindent 6 }}
circuit:
  description: |-
    How much each client sends to a Service port at the same time. What is beyond gets 503. None given, no limit but
    the sidecar's own.
  type: object
  properties:
    maxConnections:
      description: Connections to all endpoints together, 1 to 1000000. None given, no limit.
      type: integer
      minimum: 1
      maximum: 1000000
    maxPending:
      description: Requests that wait for a connection, 0 to 1000000. 0, none waits. None given, no limit.
      type: integer
      minimum: 0
      maximum: 1000000
    maxRequests:
      description: Requests under way, the waiting ones included, 1 to 1000000. None given, no limit.
      type: integer
      minimum: 1
      maximum: 1000000
outlier:
  description: When an endpoint that fails is left out for a while, as each client sees it. None given, never.
  type: object
  x-kubernetes-validations:
    - rule: duration(self.baseEjection) <= duration(self.maxEjection)
      message: "maxEjection is shorter than baseEjection"
  properties:
    consecutiveErrors:
      description: Failed connections and 5xx in a row, 0 to 1000. 0, they do not count. Default 5.
      type: integer
      default: 5
      minimum: 0
      maximum: 1000
    successRate:
      description: Leaves out endpoints of which too few requests go well. None given, the rate does not count.
      type: object
      required: [below]
      properties:
        below:
          description: Percentage of the interval's requests, 0 to 100, decimals allowed. 0, never.
          type: number
          minimum: 0
          maximum: 100
        minRequests:
          description: Requests that an endpoint must have had in the interval, 1 to 1000000. Default 20.
          type: integer
          default: 20
          minimum: 1
          maximum: 1000000
    interval:
      {{- include "mesh-crds.duration" (dict "description" "How often the rate is looked at, 1s to 1h. Default 10s." "default" "10s" "low" "1s" "high" "1h") | nindent 6 }}
    baseEjection:
      {{- include "mesh-crds.duration" (dict "description" "The first time out; each one that follows soon is longer by as much. 1s to 1h. Default 30s." "default" "30s" "low" "1s" "high" "1h") | nindent 6 }}
    maxEjection:
      {{- include "mesh-crds.duration" (dict "description" "Any time out at most, 1s to 24h. Default 5m." "default" "5m" "low" "1s" "high" "24h") | nindent 6 }}
    maxEjected:
      description: |-
        Percentage of the endpoints that may be out at the same time, 0 to 100; one of two or more always may.
        Default 50.
      type: number
      default: 50
      minimum: 0
      maximum: 100
    panic:
      description: With less than this percentage of the endpoints left, 0 to 100, all are used. 0, never. Default 50.
      type: number
      default: 50
      minimum: 0
      maximum: 100
loadBalancing:
  description: Which endpoint of a Service gets a request. None given, LeastRequest over all.
  type: object
  x-kubernetes-validations:
    - rule: (self.algorithm == 'ConsistentHash') == has(self.hash)
      message: "hash belongs to algorithm ConsistentHash, and to no other: give both or neither"
  properties:
    algorithm:
      description: |-
        LeastRequest: the less busy one of two that chance names. RoundRobin: each in turn. Random. ConsistentHash: the
        same one for the same hash. Default LeastRequest.
      type: string
      default: LeastRequest
      enum: [LeastRequest, RoundRobin, Random, ConsistentHash]
    hash:
      description: What of a request chooses its endpoint, exactly one. A request without it goes to any.
      type: object
      x-kubernetes-validations:
        - rule: "(has(self.header) ? 1 : 0) + (has(self.cookie) ? 1 : 0) + (has(self.address) && self.address ? 1 : 0) == 1"
          message: "give exactly one of header, cookie and address: true"
      properties:
        header:
          description: Name of a header; case does not matter. Letters, digits, '-', '_' and '.', at most 128.
          type: string
          minLength: 1
          maxLength: 128
          pattern: ^[A-Za-z0-9][A-Za-z0-9._-]*$
        cookie:
          description: Name of a cookie. Letters, digits, '-', '_' and '.', at most 128.
          type: string
          minLength: 1
          maxLength: 128
          pattern: ^[A-Za-z0-9][A-Za-z0-9._-]*$
        address:
          description: The address of the calling pod.
          type: boolean
    locality:
      description: |-
        Prefer: endpoints of the client's zone as long as one of them is ready. Any: all alike. Default Any.
      type: string
      default: Any
      enum: [Any, Prefer]
    slowStart:
      {{- include "mesh-crds.duration" (dict "description" "How long the share of a new endpoint grows, 1ms to 1h. 0s: it has its whole share at once. Default 0s." "default" "0s" "low" "1ms" "high" "1h" "zero" true) | nindent 6 }}
{{- end }}

{{- define "mesh-crds.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: heddle
{{- end }}

{{/* Printer columns that every kind has. */}}
{{- define "mesh-crds.columns" -}}
- name: Accepted
  type: string
  description: Whether the object is valid and in effect.
  jsonPath: .status.conditions[?(@.type=="Accepted")].status
- name: Programmed
  type: string
  description: Whether every sidecar runs it.
  jsonPath: .status.conditions[?(@.type=="Programmed")].status
- name: Age
  type: date
  jsonPath: .metadata.creationTimestamp
{{- end }}

{{/* metav1.Condition, as the Gateway API writes it. */}}
{{- define "mesh-crds.status" -}}
description: What the mesh says about the object. Written by the control plane.
type: object
properties:
  conditions:
    description: |-
      Accepted: it is valid and has something to act on. ResolvedRefs: everything it names exists.
      Programmed: how many sidecars run it.
    type: array
    maxItems: 8
    x-kubernetes-list-type: map
    x-kubernetes-list-map-keys: [type]
    items:
      type: object
      required: [type, status, lastTransitionTime, reason, message]
      properties:
        type:
          description: Name of the condition.
          type: string
          maxLength: 316
          pattern: ^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$
        status:
          description: Whether the condition holds.
          type: string
          enum: ["True", "False", Unknown]
        observedGeneration:
          description: The metadata.generation that the condition is about; an older one means not yet looked at.
          type: integer
          format: int64
          minimum: 0
        lastTransitionTime:
          description: When the status last changed.
          type: string
          format: date-time
        reason:
          description: Why, in one CamelCase word.
          type: string
          minLength: 1
          maxLength: 1024
          pattern: ^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$
        message:
          description: Why, for a person; names the field and what would be right.
          type: string
          maxLength: 32768
{{- end }}

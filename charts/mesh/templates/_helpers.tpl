{{/* Names are fixed by docs/contract.md: sidecars, webhooks and certificates hold them, and there is one mesh in a cluster. */}}
{{- define "mesh.service" -}}
heddle-control-plane
{{- end }}

{{- define "mesh.selectorLabels" -}}
app.kubernetes.io/name: mesh
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: control-plane
{{- end }}

{{- define "mesh.labels" -}}
{{ include "mesh.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: heddle
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Image of one part: include "mesh.image" (dict "root" . "part" "sidecar") */}}
{{- define "mesh.image" -}}
{{ printf "%s/%s:%s" (trimSuffix "/" .root.Values.image.repository) .part (default .root.Chart.AppVersion .root.Values.image.tag) }}
{{- end }}

{{/* Namespaces that no webhook for pods may touch: a mesh that cannot start would hold itself back. */}}
{{- define "mesh.excludedNamespaces" -}}
{{ append .Values.injector.excludedNamespaces .Release.Namespace | uniq | toJson }}
{{- end }}

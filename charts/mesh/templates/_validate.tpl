{{/* What the schema cannot say. */}}
{{- define "mesh.validate" -}}
{{- if eq .Release.Namespace "kube-system" -}}
{{- fail "The mesh does not go into kube-system: it must be able to exclude its own namespace. Right is: helm install … --namespace heddle-system --create-namespace" -}}
{{- end -}}
{{- $budget := .Values.controlPlane.podDisruptionBudget.maxUnavailable | toString -}}
{{- if has $budget (list "0" "0%") -}}
{{- fail "controlPlane.podDisruptionBudget.maxUnavailable: 0 would stop every drain of a node; right is 1 or more" -}}
{{- end -}}
{{- $here := lookup "v1" "Namespace" "" "kube-system" -}}
{{- if and $here (not .Values.ca.create) (not (lookup "v1" "Secret" .Release.Namespace "heddle-ca")) -}}
{{- fail (printf "ca.create is false, and there is no Secret heddle-ca in namespace %s. Make one (meshctl ca init writes the files tls.crt, tls.key and ca.crt): kubectl -n %s create secret generic heddle-ca --from-file=tls.crt --from-file=tls.key --from-file=ca.crt" .Release.Namespace .Release.Namespace) -}}
{{- end -}}
{{- end }}

{{/* Who reaches a workload, and what it reaches. Arguments: root, component, app */}}
{{- define "busbar.workloadPolicy" -}}
{{- $root := .root }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "busbar.name" $root }}-{{ .component }}
  labels: {{- include "busbar.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "busbar.selector" . | nindent 6 }}
  {{- /* Devices, clouds and file servers have any address: only the inner services are kept from the outside. */}}
  {{- $isInner := has .app (list "mapper" "arbiter" "licenser" "api" "forwarder") }}
  policyTypes: [Ingress{{ if $isInner }}, Egress{{ end }}]
  ingress:
    - ports: [{ port: http }]
      {{- with $root.Values.networkPolicy.from }}
      from:
        {{- toYaml . | nindent 8 }}
        - podSelector: { matchLabels: { app.kubernetes.io/instance: {{ $root.Release.Name }}, app.kubernetes.io/component: test } }
      {{- end }}
    {{- if eq .app "forwarder" }}
    {{- range $id, $connection := $root.Values.forwarding.connections }}
    {{- if $connection.enabled }}
    - ports: [{ port: {{ $connection.targetPort }} }]
    {{- end }}
    {{- end }}
    {{- end }}
  {{- if $isInner }}
  egress:
    {{- include "busbar.egressToKafka" $root | nindent 4 }}
    {{- if and (eq .app "forwarder") $root.Values.forwarding.ownerLabel }}
    # The API of Kubernetes: its address is nobody's label, and its port behind the Service depends on the cluster.
    - ports: [{ port: 443 }, { port: 6443 }]
    {{- end }}
    {{- if eq .app "api" }}
    {{- if $root.Values.postgresql.embedded }}
    - to: [{ podSelector: { matchLabels: { app.kubernetes.io/instance: {{ $root.Release.Name }}, app.kubernetes.io/component: postgresql } } }]
      ports: [{ port: 5432 }]
    {{- else }}
    - {}
    {{- end }}
    {{- end }}
  {{- end }}
{{- end }}

{{- define "busbar.egressToKafka" -}}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
{{- if .Values.kafka.embedded }}
- to: [{ podSelector: { matchLabels: { app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/component: kafka } } }]
  ports: [{ port: 9092 }]
{{- else }}
- ports:
  {{- range splitList "," .Values.kafka.brokers }}
    - { port: {{ splitList ":" . | last }} }
  {{- end }}
{{- end }}
{{- end }}

{{/* A policy that lets in a few components on a few ports. Arguments: root, component, rules (list of from, ports) */}}
{{- define "busbar.innerPolicy" -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "busbar.name" .root }}-{{ .component }}
  labels: {{- include "busbar.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "busbar.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    {{- range .rules }}
    - ports:
        {{- range .ports }}
        - { port: {{ . }} }
        {{- end }}
      {{- if .from }}
      from:
        - podSelector:
            matchLabels: { app.kubernetes.io/instance: {{ $.root.Release.Name }} }
            {{- if ne (first .from) "*" }}
            matchExpressions: [{ key: app.kubernetes.io/component, operator: In, values: [{{ join ", " .from }}] }]
            {{- end }}
      {{- end }}
    {{- end }}
{{- end }}

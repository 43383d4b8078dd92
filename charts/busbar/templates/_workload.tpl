{{/*
One service or collector workload with all that belongs to it.
Arguments: root, component (name of the objects), app (folder of the program), values, workload (of a collector)
*/}}
{{- define "busbar.workload" -}}
{{- $root := .root }}
{{- $component := .component }}
{{- $v := mergeOverwrite (deepCopy $root.Values.defaults) (deepCopy .values) }}
{{- $scaled := and (hasKey $v "scaledObject") $v.scaledObject.enabled }}
{{- $name := printf "%s-%s" (include "busbar.name" $root) $component }}
{{- $names := dict "root" $root "component" $component }}
{{- if $v.enabled }}
{{- if and $v.autoscaling.enabled $scaled }}
{{- fail (printf "%s: autoscaling and scaledObject cannot both scale it" $component) }}
{{- end }}
{{- if and $v.persistence.enabled (or (gt (int $v.replicas) 1) $v.autoscaling.enabled) }}
{{- fail (printf "%s: with persistence it runs as one pod" $component) }}
{{- end }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels: {{- include "busbar.labels" $names | nindent 4 }}
spec:
  {{- if not (or $v.autoscaling.enabled $scaled) }}
  replicas: {{ $v.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  {{- if $v.persistence.enabled }}
  strategy: { type: Recreate }
  {{- else }}
  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  {{- end }}
  selector:
    matchLabels: {{- include "busbar.selector" $names | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "busbar.labels" $names | nindent 8 }}
        {{- if .workload }}
        busbar.io/workload: {{ .workload }}
        {{- end }}
        {{- with $v.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if or $root.Values.monitoring.annotations $v.podAnnotations (eq $component "api") }}
      annotations:
        {{- if $root.Values.monitoring.annotations }}
        prometheus.io/scrape: "true"
        prometheus.io/port: "8080"
        prometheus.io/path: /metrics
        {{- end }}
        {{- if and (eq $component "api") $root.Values.site.files }}
        checksum/site: {{ toJson $root.Values.site.files | sha256sum }}
        {{- end }}
        {{- with $v.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
    spec:
      {{- include "busbar.pod" (dict "root" $root "component" $component "app" .app "values" $v "workload" .workload) | nindent 6 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "busbar.labels" $names | nindent 4 }}
  {{- if and $v.service $v.service.annotations }}
  annotations: {{- toYaml $v.service.annotations | nindent 4 }}
  {{- end }}
spec:
  {{- if $v.service }}
  type: {{ $v.service.type }}
  {{- end }}
  selector: {{- include "busbar.selector" $names | nindent 4 }}
  ports:
    - name: http
      port: {{ ($v.service).port | default 8080 }}
      targetPort: http
      {{- if and $v.service $v.service.nodePort (ne $v.service.type "ClusterIP") }}
      nodePort: {{ $v.service.nodePort }}
      {{- end }}
{{- if $v.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels: {{- include "busbar.labels" $names | nindent 4 }}
spec:
  maxUnavailable: {{ $v.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels: {{- include "busbar.selector" $names | nindent 6 }}
{{- end }}
{{- if $v.autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels: {{- include "busbar.labels" $names | nindent 4 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ $name }} }
  minReplicas: {{ $v.autoscaling.minReplicas }}
  maxReplicas: {{ $v.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: {{ $v.autoscaling.cpu }} } }
    {{- with $v.autoscaling.externalMetric }}
    - type: External
      external:
        metric: { name: {{ . }}, selector: { matchLabels: { workload: {{ $name }} } } }
        target: { type: Value, value: {{ $v.autoscaling.externalValue | quote }} }
    {{- end }}
  behavior:
    scaleDown: { stabilizationWindowSeconds: {{ $v.autoscaling.scaleDownSeconds }} }
{{- end }}
{{- if $scaled }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ $name }}
  labels: {{- include "busbar.labels" $names | nindent 4 }}
spec:
  scaleTargetRef: { name: {{ $name }} }
  minReplicaCount: {{ $v.autoscaling.minReplicas }}
  maxReplicaCount: {{ $v.autoscaling.maxReplicas }}
  cooldownPeriod: {{ $v.autoscaling.scaleDownSeconds }}
  triggers:
    - type: prometheus
      metricType: Value
      metadata:
        serverAddress: {{ $v.scaledObject.serverAddress }}
        query: {{ $v.scaledObject.query | default (printf "avg(collector_scan_load{namespace=%q, pod=~%q})" $root.Release.Namespace (printf "%s-.+" $name)) | quote }}
        threshold: {{ $v.scaledObject.threshold | quote }}
{{- end }}
{{- if $v.persistence.enabled }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ $name }}
  labels: {{- include "busbar.labels" $names | nindent 4 }}
  annotations: { helm.sh/resource-policy: keep }
spec:
  accessModes: [ReadWriteOnce]
  {{- with $v.persistence.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources: { requests: { storage: {{ $v.persistence.size }} } }
{{- end }}
{{- if $root.Values.networkPolicy.enabled }}
{{ include "busbar.workloadPolicy" (dict "root" $root "component" $component "app" .app) }}
{{- end }}
{{- end }}
{{- end }}

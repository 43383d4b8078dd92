{{- define "busbar.name" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels by which pods are found: never changed after an installation. Arguments: root, component */}}
{{- define "busbar.selector" -}}
app.kubernetes.io/name: busbar
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "busbar.labels" -}}
{{ include "busbar.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "busbar.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{- define "busbar.brokers" -}}
{{- if .Values.kafka.embedded }}{{ include "busbar.name" . }}-kafka:9092
{{- else }}{{ required "kafka.brokers: name the brokers outside, as host:port" .Values.kafka.brokers }}
{{- end }}
{{- end }}

{{- define "busbar.databaseSecret" -}}
{{- if .Values.postgresql.embedded }}{{ include "busbar.name" . }}-postgresql
{{- else }}{{ required "postgresql.existingSecret: name a secret with the key url" .Values.postgresql.existingSecret }}
{{- end }}
{{- end }}

{{- define "busbar.keysSecret" -}}
{{ default (printf "%s-keys" (include "busbar.name" .)) .Values.keys.existingSecret }}
{{- end }}

{{/* The "restricted" pod security standard. Argument: numeric user */}}
{{- define "busbar.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "busbar.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "busbar.spread" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector: { matchLabels: { {{- include "busbar.selector" . | replace "\n" ", " -}} } }
{{- end }}

{{- define "busbar.hasSite" -}}
{{- if or .Values.site.files .Values.site.configMaps }}yes{{ end }}
{{- end }}

{{/* "yes" if the forwarder runs. Argument: root */}}
{{- define "busbar.forwards" -}}
{{- if (mergeOverwrite (deepCopy .Values.defaults) (deepCopy (index .Values.services "forwarder"))).enabled }}yes{{ end }}
{{- end }}

{{/* The pod of a workload. Arguments: root, component, app, values (merged), workload */}}
{{- define "busbar.pod" -}}
{{- $root := .root }}
{{- $v := .values }}
{{- $name := include "busbar.name" $root }}
{{- $serial := $v.serial }}
{{- $isApi := eq .app "api" }}
{{- $readsSecrets := has .app (list "collector" "uploader" "forwarder" "file-collector") }}
{{- $standIn := and $root.Values.simulation.enabled (eq .app "uploader") }}
{{- $license := and (eq .app "licenser") $root.Values.license.existingSecret }}
{{- $labels := and (eq .app "forwarder") $root.Values.forwarding.ownerLabel }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - { name: {{ . }} }
  {{- end }}
{{- end }}
{{- if $labels }}
serviceAccountName: {{ $name }}-forwarder
{{- end }}
automountServiceAccountToken: {{ $labels }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds }}
{{- with $v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- include "busbar.podSecurity" 1000 | nindent 2 }}
  {{- if $serial }}
  supplementalGroups: [{{ $v.serialGroup }}]
  {{- end }}
{{- if or $v.nodeSelector $v.node }}
nodeSelector:
  {{- with $v.nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with $v.node }}
  kubernetes.io/hostname: {{ . }}
  {{- end }}
{{- end }}
{{- with $v.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $v.affinity }}
affinity: {{- toYaml $v.affinity | nindent 2 }}
{{- else if $v.spread }}
affinity: {{- include "busbar.spread" . | nindent 2 }}
{{- end }}
{{- if $v.spread }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "busbar.selector" . | nindent 8 }}
{{- end }}
{{- if or $isApi $standIn $serial }}
initContainers:
  {{- if and $isApi (or (include "busbar.hasSite" $root) $root.Values.simulation.enabled) }}
  {{- $mounts := list (dict "name" "package" "mountPath" "/package") }}
  {{- include "busbar.siteContainer" (dict "root" $root "arguments" (list "to=/package") "mounts" $mounts) | nindent 2 }}
  {{- end }}
  {{- if $standIn }}
  {{- $mounts := list (dict "name" "secrets" "mountPath" "/secrets") (include "busbar.seedMount" $root | fromYaml) }}
  {{- include "busbar.siteContainer" (dict "root" $root "arguments" (list "secrets=/secrets" "seed=/seed/seed") "mounts" $mounts) | nindent 2 }}
  {{- end }}
  {{- if $serial }}
  {{- include "busbar.serialContainer" . | nindent 2 }}
  {{- end }}
{{- end }}
containers:
  - name: {{ .app }}
    image: {{ include "busbar.image" $root }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args: [apps/{{ .app }}/dist/main.js]
    env:
      - { name: BUSBAR_BUS, value: kafka }
      - { name: BUSBAR_KAFKA_BROKERS, value: {{ include "busbar.brokers" $root | quote }} }
      {{- with include "busbar.kafkaEnv" $root | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      - { name: BUSBAR_LOG, value: {{ $v.log }} }
      {{- if .workload }}
      - { name: BUSBAR_WORKLOAD, value: {{ .workload }} }
      {{- end }}
      {{- if $readsSecrets }}
      - { name: BUSBAR_SECRETS, value: /secrets }
      {{- end }}
      {{- if $license }}
      - { name: BUSBAR_LICENSE, value: /license/busbar.license }
      {{- if $root.Values.license.keys }}
      - { name: BUSBAR_LICENSE_KEYS, value: /license/keys.json }
      {{- end }}
      {{- end }}
      {{- if $labels }}
      - { name: BUSBAR_POD, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
      {{- end }}
      {{- if $isApi }}
      - { name: BUSBAR_PACKAGE, value: /package }
      - { name: BUSBAR_ADMIN_KEY_FILE, value: /keys/admin.key }
      - name: BUSBAR_DATABASE_URL
        valueFrom: { secretKeyRef: { name: {{ include "busbar.databaseSecret" $root }}, key: url } }
      {{- end }}
      {{- range $key, $value := $v.env }}
      - { name: {{ $key }}, value: {{ $value | quote }} }
      {{- end }}
    ports:
      - { name: http, containerPort: 8080 }
    # Live: the process answers. Ready: it can do its work, so its bus and its configuration are there.
    startupProbe: { httpGet: { path: /health/live, port: http }, periodSeconds: 1, failureThreshold: 120, timeoutSeconds: 5 }
    livenessProbe: { httpGet: { path: /health/live, port: http }, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 }
    readinessProbe: { httpGet: { path: /health/ready, port: http }, periodSeconds: 2, failureThreshold: 2, timeoutSeconds: 5 }
    {{- if $isApi }}
    # Until every proxy knows that this pod takes no more.
    lifecycle: { preStop: { sleep: { seconds: 3 } } }
    {{- end }}
    {{- if and $serial (not $v.serialResource) }}
    # Only a privileged container reaches a device of the node; a device plugin (serialResource) makes do without.
    securityContext: { privileged: true, readOnlyRootFilesystem: true }
    {{- else }}
    securityContext: {{- include "busbar.containerSecurity" $root | nindent 6 }}
    {{- end }}
    resources:
      {{- $resources := deepCopy $v.resources }}
      {{- if and $serial $v.serialResource }}
      {{- $resources = mergeOverwrite $resources (dict "limits" (dict $v.serialResource 1)) }}
      {{- end }}
      {{- toYaml $resources | nindent 6 }}
    volumeMounts:
      - { name: data, mountPath: /data }
      - { name: tmp, mountPath: /tmp }
      {{- if include "busbar.kafkaFiles" $root }}
      - { name: kafka, mountPath: /kafka, readOnly: true }
      {{- end }}
      {{- if and $isApi (include "busbar.databaseFiles" $root) }}
      - { name: database, mountPath: /database, readOnly: true }
      {{- end }}
      {{- if $readsSecrets }}
      - { name: secrets, mountPath: /secrets, readOnly: true }
      {{- end }}
      {{- if $isApi }}
      - { name: package, mountPath: /package, readOnly: true }
      - { name: keys, mountPath: /keys, readOnly: true }
      - { name: keys, mountPath: /data/session.key, subPath: session.key, readOnly: true }
      {{- end }}
      {{- if $license }}
      - { name: license, mountPath: /license, readOnly: true }
      {{- end }}
      {{- if and $serial (not $v.serialResource) }}
      - { name: dev, mountPath: /dev }
      {{- end }}
volumes:
  {{- if $v.persistence.enabled }}
  - { name: data, persistentVolumeClaim: { claimName: {{ $name }}-{{ .component }} } }
  {{- else }}
  - { name: data, emptyDir: { sizeLimit: 256Mi } }
  {{- end }}
  - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
  {{- if include "busbar.kafkaFiles" $root }}
  - { name: kafka, secret: { secretName: {{ $root.Values.kafka.existingSecret }}, defaultMode: 0440 } }
  {{- end }}
  {{- if and $isApi (include "busbar.databaseFiles" $root) }}
  - {{ include "busbar.databaseVolume" $root }}
  {{- end }}
  {{- if $standIn }}
  - { name: secrets, emptyDir: { medium: Memory, sizeLimit: 1Mi } }
  - {{ include "busbar.seedVolume" $root }}
  {{- else if $readsSecrets }}
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- range $path, $secret := $root.Values.secrets.files }}
        - secret: { name: {{ $secret.name }}, items: [{ key: {{ $secret.key }}, path: {{ $path }} }] }
        {{- else }}
        []
        {{- end }}
  {{- end }}
  {{- if $isApi }}
  - { name: package, emptyDir: { sizeLimit: 512Mi } }
  - { name: keys, secret: { secretName: {{ include "busbar.keysSecret" $root }}, defaultMode: 0440 } }
  {{- end }}
  {{- with $license }}
  - { name: license, secret: { secretName: {{ . }}, defaultMode: 0440 } }
  {{- end }}
  {{- if or $isApi $standIn }}
  {{- include "busbar.siteVolumes" $root | nindent 2 }}
  {{- end }}
  {{- if $serial }}
  - { name: dev, hostPath: { path: /dev, type: Directory } }
  {{- end }}
{{- end }}

{{/* "yes" if the services need files to reach the brokers. Argument: root */}}
{{- define "busbar.kafkaFiles" -}}
{{- $kafka := .Values.kafka }}
{{- if or (and $kafka.tls.enabled (or $kafka.tls.authority $kafka.tls.clientCertificate)) $kafka.sasl.mechanism }}yes{{ end }}
{{- end }}

{{/* How the services reach the brokers, besides their addresses. Argument: root */}}
{{- define "busbar.kafkaEnv" -}}
{{- $kafka := .Values.kafka }}
{{- if and $kafka.embedded (or $kafka.tls.enabled $kafka.sasl.mechanism) }}
{{- fail "kafka.tls and kafka.sasl are for brokers outside: the embedded ones are reached without, by the pods of this release alone" }}
{{- end }}
{{- if and (eq $kafka.sasl.mechanism "plain") (not $kafka.tls.enabled) }}
{{- fail "kafka.sasl.mechanism: plain sends the password as it is and needs kafka.tls.enabled" }}
{{- end }}
{{- if include "busbar.kafkaFiles" . }}
{{- $_ := required "kafka.existingSecret: name the secret with the files that kafka.tls and kafka.sasl ask for" $kafka.existingSecret }}
{{- end }}
{{- if $kafka.tls.enabled }}
- { name: BUSBAR_KAFKA_TLS, value: "true" }
{{- if $kafka.tls.authority }}
- { name: BUSBAR_KAFKA_CA_FILE, value: /kafka/ca.crt }
{{- end }}
{{- if $kafka.tls.clientCertificate }}
- { name: BUSBAR_KAFKA_CERT_FILE, value: /kafka/tls.crt }
- { name: BUSBAR_KAFKA_KEY_FILE, value: /kafka/tls.key }
{{- end }}
{{- end }}
{{- with $kafka.sasl.mechanism }}
- { name: BUSBAR_KAFKA_SASL_MECHANISM, value: {{ . }} }
- { name: BUSBAR_KAFKA_SASL_USER, value: {{ required "kafka.sasl.user: name the user" $kafka.sasl.user | quote }} }
- { name: BUSBAR_KAFKA_SASL_PASSWORD_FILE, value: /kafka/password }
{{- end }}
{{- with $kafka.replicationFactor }}
- { name: BUSBAR_KAFKA_REPLICATION_FACTOR, value: {{ . | quote }} }
{{- end }}
{{- with $kafka.minInsyncReplicas }}
- { name: BUSBAR_KAFKA_MIN_INSYNC_REPLICAS, value: {{ . | quote }} }
{{- end }}
{{- end }}

{{/* "yes" if the database outside is verified by an authority of its own. Argument: root */}}
{{- define "busbar.databaseFiles" -}}
{{- if and (not .Values.postgresql.embedded) .Values.postgresql.authority }}yes{{ end }}
{{- end }}

{{- define "busbar.databaseVolume" -}}
{ name: database, secret: { secretName: {{ .Values.postgresql.existingSecret }}, items: [{ key: ca.crt, path: ca.crt }], defaultMode: 0444 } }
{{- end }}

{{/* Says which serial lines are missing; the others run all the same. */}}
{{- define "busbar.serialContainer" -}}
- name: serial
  image: {{ include "busbar.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    - -e
    - |
      const { existsSync } = require('node:fs');
      for (const device of process.argv.slice(1)) {
        const isThere = existsSync(device.replace(/^\/dev\//, '/host-dev/'));
        console.log(isThere ? `device ${device} is there` : `no device ${device} on node ${process.env.NODE_NAME}`);
      }
    {{- range .values.serial }}
    - {{ . }}
    {{- end }}
  env:
    - { name: NODE_NAME, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
  securityContext: {{- include "busbar.containerSecurity" .root | nindent 4 }}
  resources: { requests: { cpu: 20m, memory: 48Mi }, limits: { memory: 128Mi } }
  volumeMounts:
    - { name: dev, mountPath: /host-dev, readOnly: true }
{{- end }}

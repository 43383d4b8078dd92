{{/* The pod of a workload. Arguments: root, component, app, values (merged), workload */}}
{{- define "busbar.pod" -}}
{{- $root := .root }}
{{- $v := .values }}
{{- $name := include "busbar.name" $root }}
{{- $serial := $v.serial }}
{{- $isApi := eq .app "api" }}
{{- $readsSecrets := has .app (list "collector" "uploader" "forwarder" "file-collector") }}
{{- $standIn := and $root.Values.simulation.enabled (eq .app "uploader") }}
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
      - { name: BUSBAR_LOG, value: {{ $v.log }} }
      {{- if .workload }}
      - { name: BUSBAR_WORKLOAD, value: {{ .workload }} }
      {{- end }}
      {{- if $readsSecrets }}
      - { name: BUSBAR_SECRETS, value: /secrets }
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
      {{- if $readsSecrets }}
      - { name: secrets, mountPath: /secrets, readOnly: true }
      {{- end }}
      {{- if $isApi }}
      - { name: package, mountPath: /package, readOnly: true }
      - { name: keys, mountPath: /keys, readOnly: true }
      - { name: keys, mountPath: /data/session.key, subPath: session.key, readOnly: true }
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
  {{- if or $isApi $standIn }}
  {{- include "busbar.siteVolumes" $root | nindent 2 }}
  {{- end }}
  {{- if $serial }}
  - { name: dev, hostPath: { path: /dev, type: Directory } }
  {{- end }}
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

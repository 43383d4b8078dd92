{{/* What docker/site.mjs reads: the package of the values, or the example with the names of the simulation. Argument: root */}}
{{- define "busbar.siteArguments" -}}
- docker/site.mjs
{{- $folders := list }}
{{- if .Values.site.files }}{{ $folders = append $folders "/site/files" }}{{ end }}
{{- range $index, $_ := .Values.site.configMaps }}{{ $folders = append $folders (printf "/site/%d" $index) }}{{ end }}
{{- if and (not $folders) .Values.simulation.enabled }}{{ $folders = append $folders .Values.simulation.package }}{{ end }}
- {{ printf "package=%s" (join "," $folders) | quote }}
{{- if .Values.simulation.enabled }}
- "replace=host: 127.0.0.1=>host: {{ include "busbar.name" . }}-simulator"
- "replace=//127.0.0.1:=>//{{ include "busbar.name" . }}-cloud:"
- "replace=address: 127.0.0.1=>address: 0.0.0.0"
{{- with .Values.simulation.masters }}
- "replace=clients: [ 127.0.0.1 ]=>clients: [ {{ join ", " . }} ]"
{{- end }}
{{- end }}
{{- end }}

{{- define "busbar.siteMounts" -}}
{{- if .Values.site.files }}
- { name: site-files, mountPath: /site/files, readOnly: true }
{{- end }}
{{- range $index, $_ := .Values.site.configMaps }}
- { name: site-{{ $index }}, mountPath: /site/{{ $index }}, readOnly: true }
{{- end }}
{{- end }}

{{- define "busbar.siteVolumes" -}}
{{- if .Values.site.files }}
- { name: site-files, configMap: { name: {{ include "busbar.name" . }}-site } }
{{- end }}
{{- range $index, $name := .Values.site.configMaps }}
- { name: site-{{ $index }}, configMap: { name: {{ $name }} } }
{{- end }}
{{- end }}

{{/* An init container that lays out the site. Arguments: root, arguments, mounts */}}
{{- define "busbar.siteContainer" -}}
- name: site
  image: {{ include "busbar.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    {{- include "busbar.siteArguments" .root | nindent 4 }}
    {{- range .arguments }}
    - {{ . | quote }}
    {{- end }}
  securityContext: {{- include "busbar.containerSecurity" .root | nindent 4 }}
  resources: { requests: { cpu: 20m, memory: 64Mi }, limits: { memory: 256Mi } }
  volumeMounts:
    - { name: tmp, mountPath: /tmp }
    {{- include "busbar.siteMounts" .root | nindent 4 }}
    {{- toYaml .mounts | nindent 4 }}
{{- end }}

{{- define "busbar.seedMount" -}}
{ name: seed, mountPath: /seed, readOnly: true }
{{- end }}

{{- define "busbar.seedVolume" -}}
{ name: seed, secret: { secretName: {{ include "busbar.name" . }}-simulation, defaultMode: 0440 } }
{{- end }}

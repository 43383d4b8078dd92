{{/* A job that dumps the configuration database. Argument: root */}}
{{- define "busbar.backupJob" -}}
backoffLimit: 6
template:
  metadata:
    labels: {{- include "busbar.labels" (dict "root" . "component" "backup") | nindent 6 }}
  spec:
    restartPolicy: Never
    automountServiceAccountToken: false
    enableServiceLinks: false
    securityContext: {{- include "busbar.podSecurity" .Values.postgresql.user | nindent 6 }}
    containers:
      - name: backup
        image: {{ .Values.backup.image }}
        imagePullPolicy: {{ .Values.image.pullPolicy }}
        # Written beside its name and renamed last: a dump that is there is whole.
        command:
          - /bin/sh
          - -ec
          - |
            cd /backup
            until pg_isready -q -d "$DATABASE_URL"; do sleep 2; done
            name="busbar-$(date -u +%Y%m%dT%H%M%SZ).dump"
            pg_dump --format=custom --no-owner --no-privileges --file="$name.part" "$DATABASE_URL"
            pg_restore --list "$name.part" > /dev/null
            mv "$name.part" "$name"
            ls -1t busbar-*.dump | tail -n +{{ add1 .Values.backup.keep }} | xargs -r rm -f
            ls -l "$name"
        env:
          - name: DATABASE_URL
            valueFrom: { secretKeyRef: { name: {{ include "busbar.databaseSecret" . }}, key: url } }
        securityContext: {{- include "busbar.containerSecurity" . | nindent 10 }}
        resources: { requests: { cpu: 20m, memory: 64Mi }, limits: { memory: 256Mi } }
        volumeMounts:
          - { name: backup, mountPath: /backup }
          {{- if include "busbar.databaseFiles" . }}
          - { name: database, mountPath: /database, readOnly: true }
          {{- end }}
    volumes:
      - { name: backup, persistentVolumeClaim: { claimName: {{ include "busbar.name" . }}-backup } }
      {{- if include "busbar.databaseFiles" . }}
      - {{ include "busbar.databaseVolume" . }}
      {{- end }}
{{- end }}

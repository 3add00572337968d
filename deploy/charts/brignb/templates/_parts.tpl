{{- define "brignb.name" -}}
{{- if contains "brignb" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-brignb" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end -}}

{{- /* What selects the pods of a part. */ -}}
{{- define "brignb.selector" -}}
app.kubernetes.io/name: brignb
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "brignb.labels" -}}
{{ include "brignb.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "brignb.secret" -}}
{{ .Values.secret | default (include "brignb.name" .) }}
{{- end -}}

{{- define "brignb.tls" -}}
{{ .Values.tls.secret | default (printf "%s-tls" (include "brignb.name" .)) }}
{{- end -}}

{{- /* The Secret with the database's `url`. */ -}}
{{- define "brignb.store" -}}
{{ .Values.store.secret | default (printf "%s-store" (include "brignb.name" .)) }}
{{- end -}}

{{- /* Whether the chart brings a PostgreSQL: "true", or nothing. */ -}}
{{- define "brignb.postgresql" -}}
{{- if not (or .Values.single .Values.store.secret .Values.store.url) }}true{{ end -}}
{{- end -}}

{{- /* What stands in a pod's spec, whatever runs in it. */ -}}
{{- define "brignb.pod" -}}
enableServiceLinks: false
securityContext: {{- include "brignb.user" 1000 | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "brignb.user" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "brignb.locked" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* What a job's pod is made with, and a worker's. */ -}}
{{- define "brignb.jobs" -}}
- {name: BRIGNB_KUBERNETES_SECURITY, value: {{ .Values.jobs.security | quote }}}
- {name: BRIGNB_KUBERNETES_HELPER_IMAGE, value: {{ .Values.jobs.helperImage | quote }}}
- {name: BRIGNB_KUBERNETES_STORAGE_CLASS, value: {{ .Values.jobs.storageClass | quote }}}
- {name: BRIGNB_KUBERNETES_STORAGE_SIZE, value: {{ .Values.jobs.storageSize | quote }}}
- {name: BRIGNB_KUBERNETES_ACCESS_MODE, value: {{ .Values.jobs.accessMode | quote }}}
{{- end -}}

{{- define "brignb.workers" -}}
- {name: BRIGNB_WORKER_IMAGE, value: {{ .Values.image.worker | quote }}}
- {name: BRIGNB_WORKER_PULL_POLICY, value: {{ .Values.image.pullPolicy | quote }}}
- {name: BRIGNB_WORKER_PULL_SECRETS, value: {{ join "," .Values.image.pullSecrets | quote }}}
- {name: BRIGNB_WORKER_SERVER, value: "https://{{ include "brignb.name" . }}-api.{{ .Release.Namespace }}.svc:7746"}
- {name: BRIGNB_WORKER_CA, value: /etc/brignb/tls/ca.crt}
- {name: BRIGNB_WORKER_MOST, value: {{ .Values.workers.most | quote }}}
{{- with .Values.workers.resources }}
- {name: BRIGNB_WORKER_CPU, value: {{ dig "limits" "cpu" "" . | quote }}}
- {name: BRIGNB_WORKER_MEMORY, value: {{ dig "limits" "memory" "" . | quote }}}
- {name: BRIGNB_WORKER_CPU_REQUEST, value: {{ dig "requests" "cpu" "" . | quote }}}
- {name: BRIGNB_WORKER_MEMORY_REQUEST, value: {{ dig "requests" "memory" "" . | quote }}}
{{- end }}
- {name: BRIGNB_WARM_IDLE, value: {{ .Values.workers.warmIdle | quote }}}
{{- end -}}

{{- /* `brignb serve` in a container: root, part, args, port; `env` and `mounts` as lines, `home` the volume of its home. */ -}}
{{- define "brignb.container" -}}
- name: brignb
  image: {{ .root.Values.image.server }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    - serve
    - --host=0.0.0.0
    - --port={{ .port }}
    - --home=/var/lib/brignb/home
    - --key-file=/etc/brignb/secret/key
    - --token-file=/etc/brignb/secret/token
    - --linger=5
    {{- with .root.Values.policy.allow }}
    - --allow={{ join "," . }}
    {{- end }}
    {{- range .args }}
    - {{ . | quote }}
    {{- end }}
  env:
    {{- if not .root.Values.single }}
    - name: BRIGNB_STORE
      valueFrom: {secretKeyRef: {name: {{ include "brignb.store" .root }}, key: url}}
    {{- end }}
    - {name: HOME, value: /tmp}
    {{- with .env }}{{ . | nindent 4 }}{{ end }}
  ports:
    - {name: http, containerPort: {{ .port }}}
    {{- if .tls }}
    - {name: workers, containerPort: 7746}
    {{- end }}
  startupProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1, failureThreshold: 120}
  readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 2, timeoutSeconds: 5}
  livenessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 10, timeoutSeconds: 10}
  resources: {{- toYaml .resources | nindent 4 }}
  securityContext: {{- include "brignb.locked" . | nindent 4 }}
  volumeMounts:
    - {name: home, mountPath: /var/lib/brignb}
    - {name: tmp, mountPath: /tmp}
    - {name: secret, mountPath: /etc/brignb/secret, readOnly: true}
    {{- if .certificate }}
    - {name: tls, mountPath: /etc/brignb/tls, readOnly: true}
    {{- end }}
{{- end -}}

{{- /* The volumes for that, but for `home`; `certificate`: which of the Secret's keys. */ -}}
{{- define "brignb.volumes" -}}
- name: tmp
  emptyDir: {}
- name: secret
  secret:
    secretName: {{ include "brignb.secret" .root }}
    defaultMode: 0440
    items: [{key: key, path: key}, {key: token, path: token}]
{{- with .certificate }}
- name: tls
  secret:
    secretName: {{ include "brignb.tls" $.root }}
    defaultMode: 0440
    items:
      {{- range . }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}
{{- end -}}

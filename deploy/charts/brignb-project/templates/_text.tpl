{{- /*
Every value as a line of a Secret's `data`, under its dotted key, as Brigade v1 keeps it. A key that the project file does not know
never comes here: values.schema.json refuses it.
*/ -}}
{{- define "brignb-project.data" -}}
{{- range $name, $value := .values -}}
{{- $key := printf "%s%s" $.prefix $name -}}
{{- if has $key (list "project" "global") -}}
{{- else if and (kindIs "map" $value) (ne $key "secrets") -}}
{{- include "brignb-project.data" (dict "values" $value "prefix" (printf "%s." $key)) -}}
{{- else if or $value (kindIs "bool" $value) (kindIs "float64" $value) (kindIs "int64" $value) }}
{{ $key }}: {{ include "brignb-project.text" (dict "key" $key "value" $value) | b64enc | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
One value as text: lists by commas, secrets as JSON, the newlines of an ssh key as `$`, whole numbers without Go's exponents.
*/ -}}
{{- define "brignb-project.text" -}}
{{- if kindIs "map" .value -}}
{{- .value | mustToJson -}}
{{- else if kindIs "slice" .value -}}
{{- join "," .value -}}
{{- else if or (kindIs "float64" .value) (kindIs "int64" .value) -}}
{{- if eq (float64 .value) (floor .value) }}{{ printf "%.0f" (float64 .value) }}{{ else }}{{ .value }}{{ end -}}
{{- else if eq .key "sshKey" -}}
{{- .value | replace "\r\n" "\n" | replace "\n" "$" -}}
{{- else -}}
{{- .value -}}
{{- end -}}
{{- end -}}

{{- define "brignb-project.id" -}}
brigade-{{ sha256sum .Values.project | trunc 54 }}
{{- end -}}

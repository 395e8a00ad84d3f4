{{/* Labels of one part; call with (dict "root" $ "part" "controller"). */}}
{{- define "prepl.selector" -}}
app.kubernetes.io/name: prepl
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "prepl.labels" -}}
{{ include "prepl.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* What every container of prepl runs with: the restricted Pod Security profile. */}}
{{- define "prepl.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "prepl.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* One replica a node where that is possible. */}}
{{- define "prepl.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "prepl.selector" . | nindent 6 }}
{{- end }}

{{/* Who a pod is, for its own use. */}}
{{- define "prepl.podEnv" -}}
- name: PREPL_POD_UID
  valueFrom: {fieldRef: {fieldPath: metadata.uid}}
- name: PREPL_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: PREPL_TRUST_DOMAIN
  value: {{ .Values.trustDomain | quote }}
- name: PREPL_LOG
  value: {{ .Values.logLevel | quote }}
# The Service's address, not its name: clusters without DNS work too. Kubernetes sets the variable
# for the Service `prepl-controller` of this namespace.
- name: PREPL_ENROL_ADDRESS
  value: $(PREPL_CONTROLLER_SERVICE_HOST):7072
{{- end }}

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

{{/*
The API server itself vouches for a user who stands in an object; call with root, name, resource and
the field of spec that he stands in.
*/}}
{{- define "prepl.vouched" }}
{{- $user := printf "object.spec.%s" .field }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ .name }}
  labels: {{- include "prepl.labels" (dict "root" .root "part" "admission") | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [prepl.dev]
        apiVersions: ["*"]
        operations: [CREATE]
        resources: [{{ .resource }}]
  variables:
    - name: groups
      expression: "has(request.userInfo.groups) ? request.userInfo.groups : []"
    - name: claimed
      expression: "has({{ $user }}.groups) ? {{ $user }}.groups : []"
  validations:
    - expression: "{{ $user }}.username == request.userInfo.username"
      reason: Forbidden
      message: spec.{{ .field }}.username is not the user who asks
    - expression: "(has({{ $user }}.uid) ? {{ $user }}.uid : '') == (has(request.userInfo.uid) ? request.userInfo.uid : '')"
      reason: Forbidden
      message: spec.{{ .field }}.uid is not the uid of the user who asks
    # Both ways: a group too many gives rights, a group too few may hide from a rule that denies.
    - expression: "variables.groups.all(g, g in variables.claimed) && variables.claimed.all(g, g in variables.groups)"
      reason: Forbidden
      message: spec.{{ .field }}.groups are not the groups of the user who asks
    - expression: "(has({{ $user }}.extra) ? {{ $user }}.extra : {}) == (has(request.userInfo.extra) ? request.userInfo.extra : {})"
      reason: Forbidden
      message: spec.{{ .field }}.extra is not the extra of the user who asks
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels: {{- include "prepl.labels" (dict "root" .root "part" "admission") | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny, Audit]
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

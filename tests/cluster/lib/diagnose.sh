# shellcheck shell=bash
# What a person asks a cluster after a failure, on standard error.

diagnose() {
  say "what the cluster says:"
  kubectl get pods -A -o wide || return 0
  kubectl get events -A --sort-by=.lastTimestamp | tail -50
  kubectl describe pods -A | tail -300
  local pod
  kubectl get pods -A --no-headers -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name \
    | while read -r pod; do logs_of "$pod"; done
} >&2

# logs_of "NAMESPACE NAME"
logs_of() {
  local namespace name
  read -r namespace name <<<"$1"
  echo "== logs of $namespace/$name"
  kubectl logs -n "$namespace" "$name" --all-containers --prefix --tail=100 || true
}

# shellcheck shell=bash
# What every script of the cluster shares: versions, folders, addresses, steps and the lock.

kube_version=1.34.4
helm_version=3.19.0

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
source_root="$(cd "$here/../.." && pwd)"
cache="${PREPL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/prepl}/cluster"
kube_home="$cache/kube-$kube_version"
helm_home="$cache/helm-$helm_version"

run_folder="$cache/run"
logs="$run_folder/log"
kubeconfig="$run_folder/admin.conf"

# What was found on the machine; on a folder that a restart empties, as a restart undoes the rest.
before=/run/prepl-cluster

nodes=(node-a node-b)
bridge=prepl0
host_address=10.245.0.1
api_server="https://$host_address:6443"
pod_network=10.244.0.0/16
service_network=10.96.0.0/16

node_index() { [[ "$1" == node-a ]] && echo 1 || echo 2; }
node_zone() { echo "zone-${1#node-}"; }
node_address() { echo "10.245.0.1$(node_index "$1")"; }
node_pods() { echo "10.244.$(node_index "$1").0/24"; }
node_folder() { echo "$run_folder/$1"; }
node_socket() { echo "$run_folder/$1/containerd.sock"; }
node_namespace() { echo "prepl-$1"; }

have() { command -v "$1" >/dev/null; }
say() { echo "cluster: $*" >&2; }

missing() {
  say "$*"
  exit 69
}

# step SENTENCE COMMAND...: one line with its seconds. Closes the lock for everything it starts, so that
# what outlives a killed script does not hold it.
step() {
  local name="$1" start=$SECONDS
  shift
  "$@" 9>&-
  printf 'cluster: %4d s  %s\n' $((SECONDS - start)) "$name" >&2
}

# until_true SECONDS COMMAND...: asks again until it succeeds.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

set -E
trap 'say "failed: $BASH_COMMAND (${BASH_SOURCE[0]##*/}:$LINENO)"' ERR

need_root() {
  [[ "$(uname -s)" == Linux && "$(id -u)" == 0 ]] \
    || missing "nodes need root on Linux. With a cluster of your own: PREPL_CLUSTER=existing tests/cluster/run"
}

# One cluster a machine: its bridge, its network namespaces and its cgroup have fixed names.
take_lock() {
  [[ -z "${PREPL_CLUSTER_LOCKED:-}" ]] || return 0
  exec 9>/run/prepl-cluster.lock
  flock --nonblock 9 || { say "another run works on the cluster; waiting for it" && flock 9; }
  export PREPL_CLUSTER_LOCKED=1
}

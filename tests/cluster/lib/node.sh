# shellcheck shell=bash
# A node: containerd, kubelet and kube-proxy in a network namespace of their own.

write_cni() {
  mkdir -p "$2/cni/conf"
  cat >"$2/cni/conf/10-prepl.conflist" <<CNI
{"cniVersion": "1.0.0", "name": "prepl", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$2/cni/addresses",
            "ranges": [[{"subnet": "$(node_pods "$1")"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
CNI
}

# restrict_oom_score_adj: without CAP_SYS_RESOURCE the sandbox's score cannot be lowered, and runc gives up.
write_containerd() {
  cat >"$2/containerd.toml" <<TOML
version = 2
root = "$2/containerd"
state = "$2/state"
[grpc]
  address = "$(node_socket "$1")"
[ttrpc]
  address = "$(node_socket "$1").ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "$2/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "prepl.test/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$2/cni/conf"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "$2/runc"
TOML
}

write_kubelet() {
  echo "nameserver 127.0.0.1" >"$2/resolv.conf"
  cat >"$2/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup/$1
failCgroupV1: false
containerRuntimeEndpoint: unix://$(node_socket "$1")
failSwapOn: false
resolvConf: $2/resolv.conf
clusterDNS: [10.96.0.10]
maxPods: 110
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
volumePluginDir: $2/plugins
podLogsDir: $2/pod-logs
localStorageCapacityIsolation: false
YAML
}

start_containerd() {
  spawn "$1" "$1-containerd" nsenter --net="/run/netns/$(node_namespace "$1")" containerd -c "$2/containerd.toml"
  until_true 30 ctr -a "$(node_socket "$1")" version \
    || missing "containerd of $1 does not answer; see $logs/$1-containerd.log"
}

start_kubelet() {
  spawn "$1" "$1-kubelet" nsenter --net="/run/netns/$(node_namespace "$1")" kubelet \
    --config="$2/kubelet.yaml" --kubeconfig="$run_folder/$1.conf" --root-dir="$2/kubelet" --cert-dir="$2/kubelet/pki" \
    --hostname-override="$1" --node-ip="$(node_address "$1")" \
    --node-labels="topology.kubernetes.io/zone=$(node_zone "$1")"
}

start_kube_proxy() {
  spawn "$1" "$1-kube-proxy" nsenter --net="/run/netns/$(node_namespace "$1")" kube-proxy \
    --kubeconfig="$run_folder/kube-proxy.conf" --hostname-override="$1" --proxy-mode=iptables \
    --cluster-cidr="$pod_network" --conntrack-max-per-core=0
}

start_node() {
  local folder
  folder="$(node_folder "$1")"
  mkdir -p "$folder"
  make_cgroup "$1"
  make_node_network "$1"
  write_cni "$1" "$folder"
  write_containerd "$1" "$folder"
  write_kubelet "$1" "$folder"
  start_containerd "$1" "$folder"
  import_image "$1" pause
  start_kubelet "$1" "$folder"
  start_kube_proxy "$1"
}

nodes_ready() { kubectl wait --for=condition=Ready --timeout=5s "${nodes[@]/#/node/}"; }

wait_for_nodes() { until_true 120 nodes_ready || missing "a node does not become ready; see $logs/*-kubelet.log"; }

# shellcheck shell=bash
# etcd, API server, controller manager and scheduler, as processes of this machine.

etcd_client=http://127.0.0.1:23790
etcd_peer=http://127.0.0.1:23800

start_etcd() {
  spawn control-plane etcd etcd --data-dir "$run_folder/etcd" --unsafe-no-fsync \
    --listen-client-urls "$etcd_client" --advertise-client-urls "$etcd_client" --listen-peer-urls "$etcd_peer" \
    --initial-advertise-peer-urls "$etcd_peer" --initial-cluster "default=$etcd_peer"
}

# Kubelets are reached by address, as node names do not resolve here. Webhooks by Service go to pod
# addresses (aggregator routing), as this machine has no kube-proxy.
start_api_server() {
  spawn control-plane kube-apiserver kube-apiserver --etcd-servers="$etcd_client" \
    --bind-address="$host_address" --advertise-address="$host_address" --secure-port=6443 \
    --service-cluster-ip-range="$service_network" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
    --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$pki/accounts.pub" --service-account-signing-key-file="$pki/accounts.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged \
    --kubelet-client-certificate="$pki/apiserver-kubelet.crt" --kubelet-client-key="$pki/apiserver-kubelet.key" \
    --kubelet-preferred-address-types=InternalIP --endpoint-reconciler-type=lease \
    --enable-aggregator-routing --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key"
}

start_controllers() {
  local config="$run_folder/kube-controller-manager.conf"
  spawn control-plane kube-controller-manager kube-controller-manager --kubeconfig="$config" \
    --authentication-kubeconfig="$config" --authorization-kubeconfig="$config" --leader-elect=false \
    --service-account-private-key-file="$pki/accounts.key" --use-service-account-credentials \
    --root-ca-file="$pki/ca.crt" --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key"
}

start_scheduler() {
  local config="$run_folder/kube-scheduler.conf"
  spawn control-plane kube-scheduler kube-scheduler --kubeconfig="$config" \
    --authentication-kubeconfig="$config" --authorization-kubeconfig="$config" --leader-elect=false
}

start_control_plane() {
  make_cgroup control-plane
  start_etcd
  start_api_server
  until_true 90 kubectl get --raw /readyz \
    || missing "the API server does not become ready; see $logs/kube-apiserver.log and $logs/etcd.log"
  start_controllers
  start_scheduler
}

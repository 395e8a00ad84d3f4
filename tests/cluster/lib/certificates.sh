# shellcheck shell=bash
# One authority for the cluster, a key and a certificate for each part, and the kubeconfigs made of them.

pki="$run_folder/pki"

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$pki/$1.key"; }

make_authority() {
  new_key ca
  openssl req -x509 -new -key "$pki/ca.key" -days 3650 -subj /CN=prepl-test-cluster -out "$pki/ca.crt"
  new_key accounts
  openssl ec -in "$pki/accounts.key" -pubout -out "$pki/accounts.pub" 2>/dev/null
}

# certificate NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]
certificate() {
  local name="$1" subject="$2" names="${3:-DNS:$1}"
  new_key "$name"
  openssl req -new -key "$pki/$name.key" -subj "$subject" -out "$pki/$name.csr"
  openssl x509 -req -in "$pki/$name.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial \
    -days 3650 -extfile <(echo "subjectAltName=$names") -out "$pki/$name.crt" 2>/dev/null
}

# kubeconfig_of NAME FILE: reaches the cluster as the holder of that certificate.
kubeconfig_of() {
  local config=(kubectl config --kubeconfig="$2")
  "${config[@]}" set-cluster prepl-test --server="$api_server" --certificate-authority="$pki/ca.crt" --embed-certs
  "${config[@]}" set-credentials "$1" --client-certificate="$pki/$1.crt" --client-key="$pki/$1.key" --embed-certs
  "${config[@]}" set-context prepl-test --cluster=prepl-test --user="$1"
  "${config[@]}" use-context prepl-test
} >/dev/null

make_certificates() {
  mkdir -p "$pki"
  make_authority
  certificate apiserver /CN=kube-apiserver \
    "IP:$host_address,IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
  certificate apiserver-kubelet /O=system:masters/CN=apiserver-kubelet
  certificate front-proxy /CN=front-proxy
  local user
  certificate admin /O=system:masters/CN=admin
  for user in kube-controller-manager kube-scheduler kube-proxy; do certificate "$user" "/CN=system:$user"; done
  for user in "${nodes[@]}"; do
    certificate "$user" "/O=system:nodes/CN=system:node:$user" "DNS:$user,IP:$(node_address "$user")"
  done
  for user in admin kube-controller-manager kube-scheduler kube-proxy "${nodes[@]}"; do
    kubeconfig_of "$user" "$run_folder/$user.conf"
  done
}

# shellcheck shell=bash
# What Debian carries: installs what is missing, and nothing else.

# program package
debian_programs="
etcd etcd-server
containerd containerd
runc runc
iptables iptables
conntrack conntrack
socat socat
busybox busybox-static
mmdebstrap mmdebstrap
gcc gcc
openssl openssl
ip iproute2
python3 python3-minimal
"

missing_packages() {
  local program package
  while read -r program package; do
    [[ -z "$program" ]] || have "$program" || echo "$package"
  done <<<"$debian_programs"
  [[ -x /usr/lib/cni/bridge ]] || echo containernetworking-plugins
}

install_packages() {
  local packages
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]})) || return 0
  have apt-get || missing "missing here: ${packages[*]} (Debian's names). Install them and try again."
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${packages[@]}" >"$cache/apt.log" 2>&1 \
    || missing "apt-get could not install ${packages[*]}. Its words are in $cache/apt.log"
}

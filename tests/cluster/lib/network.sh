# shellcheck shell=bash
# Nodes are network namespaces on one bridge. The cluster reaches itself and this machine, nothing beyond.

firewall_rules=(
  "INPUT -i $bridge -j ACCEPT"
  "FORWARD -i $bridge -j REJECT"
  "FORWARD -i $bridge -o $bridge -j ACCEPT" # inserted last, so it stands first
)

make_bridge() {
  ip link add "$bridge" type bridge
  ip addr add "$host_address/24" dev "$bridge"
  ip link set "$bridge" up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  local rule
  # shellcheck disable=SC2086
  for rule in "${firewall_rules[@]}"; do iptables -w -I $rule; done
}

# make_node_network NODE
make_node_network() {
  local space link="prepl-${1#node-}" address
  space="$(node_namespace "$1")" address="$(node_address "$1")"
  ip netns add "$space"
  ip link add "$link" type veth peer name eth0 netns "$space"
  ip link set "$link" master "$bridge" up
  ip -n "$space" addr add "$address/24" dev eth0
  ip -n "$space" link set lo up
  ip -n "$space" link set eth0 up
  ip -n "$space" route add default via "$host_address"
  in_node "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  ip route add "$(node_pods "$1")" via "$address"
}

# in_node NODE COMMAND...: nsenter, as 'ip netns exec' mounts /sys anew and hides the cgroups.
in_node() {
  local space
  space="$(node_namespace "$1")"
  shift
  nsenter --net="/run/netns/$space" "$@"
}

remove_firewall_rules() {
  have iptables || return 0
  local rule
  for rule in "${firewall_rules[@]}"; do
    # shellcheck disable=SC2086
    while iptables -w -D $rule 2>/dev/null; do :; done
  done
}

remove_network() {
  local node
  for node in "${nodes[@]}"; do
    ip netns delete "$(node_namespace "$node")" 2>/dev/null || true
    ip link delete "prepl-${node#node-}" 2>/dev/null || true
  done
  ip link delete "$bridge" 2>/dev/null || true
  remove_firewall_rules
}

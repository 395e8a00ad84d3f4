# shellcheck shell=bash
# Undoes a run, whole or broken off at any point, from what is recorded outside of it.

# Not ours, but containerd and the kubelet make them where they are not there; the innermost first.
shared_folders=(/run/netns /run/containerd/s /run/containerd /var/log/containers /var/lib/cni/results /var/lib/cni
  /var/lib/kubelet/device-plugins /var/lib/kubelet)

# 'folder' is written last: without it nothing was changed yet.
record_before() {
  local folder
  mkdir -p "$before"
  cat /proc/sys/net/ipv4/ip_forward >"$before/ip_forward"
  for folder in "${shared_folders[@]}"; do [[ -e "$folder" ]] || echo "$folder"; done >"$before/absent"
  echo "$run_folder" >"$before/folder"
}

# The folder of the earlier run: another cache may have been named then.
recorded_folder() { cat "$before/folder" 2>/dev/null || echo "$run_folder"; }

mounts_below() { awk -v folder="$1/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r; }

unmount_below() {
  local mount
  mounts_below "$1" | while read -r mount; do umount "$mount" || umount --lazy "$mount" || true; done
}

# A shim writes down where its socket is; one that was killed leaves the socket.
remove_shim_sockets() {
  local file address
  [[ -d "$1" ]] || return 0
  find "$1" -path '*/io.containerd.runtime.v2.task/*/address' -type f | while read -r file; do
    address="$(cat "$file")"
    rm -f "${address#unix://}"
  done
}

# What containerd and the kubelet write to places that no setting moves.
remove_strays() {
  [[ ! -d /var/log/containers ]] || find /var/log/containers -type l -lname "$1/*" -delete
  [[ ! -d /var/lib/cni/results ]] || find /var/lib/cni/results -type f -exec grep -qF "$1/" {} \; -delete
  [[ ! -f "$before/folder" ]] || rm -f /var/lib/kubelet/device-plugins/kubelet{.sock,_internal_checkpoint}
}

remove_empty() {
  [[ -d "$1" ]] || return 0
  umount "$1" 2>/dev/null || true # ip-netns mounts its folder on itself
  rmdir "$1" || say "$1 was not there before and is in use now; it stays"
}

restore_before() {
  [[ -f "$before/folder" ]] || return 0
  cat "$before/ip_forward" >/proc/sys/net/ipv4/ip_forward
  local folder
  while read -r folder; do remove_empty "$folder"; done <"$before/absent"
}

clear_all() {
  local folder
  folder="$(recorded_folder)"
  end_processes
  remove_shim_sockets "$folder"
  unmount_below "$folder"
  remove_network
  remove_cgroups
  remove_strays "$folder"
  rm -rf --one-file-system "$folder"
  restore_before
  rm -rf "$before"
}

# What a run left, one thing a line.
left_behind() {
  cluster_processes | sed 's/^/process /'
  cgroup_folders | sed 's/^/cgroup /'
  mounts_below "$run_folder" | sed 's/^/mount /'
  ip netns list 2>/dev/null | grep -E '^prepl-node-' | sed 's/^/network namespace /' || true
  ip -o link 2>/dev/null | grep -oE ' (prepl0|prepl-[ab])[:@]' | sed 's/^/link/' || true
  ip route 2>/dev/null | grep -e "dev $bridge" | sed 's/^/route /' || true
  ! have iptables || iptables -w -S | grep -e "$bridge" | sed 's/^/firewall rule /' || true
  find "$run_folder" "$before" -maxdepth 0 2>/dev/null | sed 's/^/folder /' || true
}

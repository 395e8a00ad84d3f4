# shellcheck shell=bash
# Undoes a run, whole or broken off at any point, from what is recorded outside of it.

# Not ours, but containerd and the kubelet make them where they are not there; the innermost first.
shared_folders=(/run/containerd/s /run/containerd /var/log/containers /var/lib/cni/cache /var/lib/cni)

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

remove_log_links() {
  [[ ! -d /var/log/containers ]] || find /var/log/containers -type l -lname "$1/*" -delete
}

restore_before() {
  [[ -f "$before/folder" ]] || return 0
  cat "$before/ip_forward" >/proc/sys/net/ipv4/ip_forward
  local folder
  while read -r folder; do rmdir "$folder" 2>/dev/null || true; done <"$before/absent"
}

clear_all() {
  local folder
  folder="$(recorded_folder)"
  end_processes
  remove_shim_sockets "$folder"
  unmount_below "$folder"
  remove_network
  remove_cgroups
  remove_log_links "$folder"
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
  ip route 2>/dev/null | grep -E "$bridge|^10\.244\." | sed 's/^/route /' || true
  ! have iptables || iptables -w -S | grep -e "$bridge" | sed 's/^/firewall rule /' || true
  find "$run_folder" "$before" -maxdepth 0 2>/dev/null | sed 's/^/folder /' || true
}

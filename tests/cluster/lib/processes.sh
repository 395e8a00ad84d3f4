# shellcheck shell=bash
# Everything that the cluster runs is in one cgroup, joined before the program starts: the cgroup is the
# record of what to end, and a killed script cannot lose it.

cgroup=prepl-cluster

hierarchies() { awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts; }

# A cpuset without processors and memory takes no process.
inherit_cpuset() {
  local file
  for file in cpuset.cpus cpuset.mems; do
    [[ ! -f "$1/../$file" || -n "$(cat "$1/$file")" ]] || cat "$1/../$file" >"$1/$file"
  done
}

# cgroup v2 lends controllers level by level.
lend_controllers() {
  [[ -s "$1/cgroup.controllers" ]] || return 0
  sed -E 's/(^| )/ +/g' "$1/cgroup.controllers" >"$1/cgroup.subtree_control"
}

# make_cgroup NAME: below ours, with a leaf for daemons (under v2 only a leaf holds processes).
make_cgroup() {
  local hierarchy folder part
  for hierarchy in $(hierarchies); do
    folder="$hierarchy"
    for part in "$cgroup" "$1" daemons; do
      lend_controllers "$folder"
      folder="$folder/$part"
      mkdir -p "$folder"
      [[ ! -f "$folder/cpuset.mems" ]] || inherit_cpuset "$folder"
    done
  done
}

# spawn CGROUP NAME COMMAND...: outlives this script.
spawn() {
  local group="$1" name="$2" places=() hierarchy
  shift 2
  for hierarchy in $(hierarchies); do places+=("$hierarchy/$cgroup/$group/daemons/cgroup.procs"); done
  # shellcheck disable=SC2016
  setsid bash -c 'while [[ "$1" != -- ]]; do echo $$ >"$1"; shift; done; shift; exec "$@"' _ \
    "${places[@]}" -- "$@" >"$logs/$name.log" 2>&1 </dev/null &
}

cgroup_folders() {
  local hierarchy
  for hierarchy in $(hierarchies); do
    [[ ! -d "$hierarchy/$cgroup" ]] || find "$hierarchy/$cgroup" -depth -type d
  done
}

# Ids of what runs in our cgroup.
cluster_processes() {
  cgroup_folders | while read -r folder; do cat "$folder/cgroup.procs" 2>/dev/null || true; done | sort -un
}

no_processes() {
  local ids
  mapfile -t ids < <(cluster_processes)
  ((${#ids[@]})) || return 0
  kill -KILL "${ids[@]}" 2>/dev/null || true
  return 1
}

end_processes() { until_true 30 no_processes || say "these do not end: $(cluster_processes | tr '\n' ' ')"; }

remove_cgroups() {
  cgroup_folders | while read -r folder; do rmdir "$folder" 2>/dev/null || true; done
}

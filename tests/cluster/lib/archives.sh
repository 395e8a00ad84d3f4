# shellcheck shell=bash
# Images without a registry: an archive in the cache, brought into each node's containerd.

archives="$cache/images"

# archive NAME TAG OPTIONS-AND-LAYERS...: see image.py.
archive() {
  local name="$1" tag="$2"
  shift 2
  mkdir -p "$archives"
  python3 "$here/lib/image.py" "prepl.test/$name:$tag" "$archives/$name.tar" "$@" >"$archives/$name.id"
}

# import_image NODE NAME: nothing is done where the node has this very image.
import_image() {
  local mark
  mark="$(node_folder "$1")/imported/$2"
  ! cmp -s "$archives/$2.id" "$mark" || return 0
  ctr -a "$(node_socket "$1")" -n k8s.io images import "$archives/$2.tar" >/dev/null
  mkdir -p "${mark%/*}"
  cp "$archives/$2.id" "$mark"
}

# with_layer COMMAND...: the command fills the empty folder $layer.
with_layer() {
  layer="$(mktemp -d "$cache/.layer.XXXXXX")"
  chmod 755 "$layer"
  "$@"
  rm -rf "$layer"
}

pause_image() {
  gcc -Os -static -s -o "$layer/pause" "$here/lib/pause.c"
  archive pause 1 --entrypoint '["/pause"]' "$layer"
}

build_pause() { with_layer pause_image; }

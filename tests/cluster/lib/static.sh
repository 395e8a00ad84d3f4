# shellcheck shell=bash
# Rust programs that need nothing of the image they run in.

static_target="$cache/target"
static_triple="$(uname -m)-unknown-linux-gnu"
static_folder="$static_target/$static_triple/release"

has_package() { [[ -f "$source_root/$1/Cargo.toml" ]]; }

# Its own target folder: these flags would throw away the usual one. The triple is named so that the flags
# do not reach build scripts and macros, which cannot be static.
compile_static() {
  local package packages=()
  for package in sidecar operator cli; do
    ! has_package "$package" || packages+=(-p "prepl-$package")
  done
  (cd "$source_root" && RUSTFLAGS='-C target-feature=+crt-static' CARGO_TARGET_DIR="$static_target" \
    cargo build --quiet --release --locked --target "$static_triple" "${packages[@]}") >&2
}

# program_image NAME: the program alone.
program_image() {
  local program="prepl-$1"
  # What ships has no fault points: only a build for tests knows this variable.
  if grep -q PREPL_FAULT_POINT "$static_folder/$program"; then
    say "$program has fault points; tests alone may turn on the feature armed of prepl-fault"
    return 1
  fi
  cp "$static_folder/$program" "$layer/$program"
  archive "$1" dev --user 65532:65532 --entrypoint "[\"/$program\"]" "$layer"
}

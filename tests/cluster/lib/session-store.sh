# shellcheck shell=bash
# The Clojure session store: a Java runtime from Debian, Clojure and nREPL, and the example's source.

jre_home="$cache/jre-17-bookworm"

build_jre() { build_into "$jre_home" compile_jre; }

compile_jre() {
  mmdebstrap --quiet --variant=minbase --include=openjdk-17-jre-headless \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    bookworm "$1/root.tar" 2>"$cache/jre.log" \
    || missing "the Java runtime could not be brought together; see $cache/jre.log"
}

session_store_command='["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx96m", "-cp", "/app/lib/*:/app/src",
  "clojure.main", "-m", "session-store.core", "--nrepl", "7888", "--socket", "5555"]'

session_store_image() {
  local jars
  jars="$("$source_root/tests/runtimes/clojure/install")"
  mkdir -p "$layer/app/lib"
  # shellcheck disable=SC2086
  (IFS=: && cp $jars "$layer/app/lib/")
  cp -r "$source_root/examples/session-store-clojure/src" "$layer/app/src"
  archive session-store dev --user 65532:65532 --entrypoint "$session_store_command" "$jre_home/root.tar" "$layer"
}

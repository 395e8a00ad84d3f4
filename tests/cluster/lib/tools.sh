# shellcheck shell=bash
# What comes as Go modules: all of Kubernetes as one program, and Helm; built once into the cache.

kube_programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)

need_go() {
  have go || missing "Go is missing, so Kubernetes and Helm cannot be built. Install Go 1.24 or newer."
}

# build_into HOME COMMAND...: the command fills the folder named by its last argument; a rename puts it
# into place, so that a killed build leaves no half of one.
build_into() {
  local home="$1" work
  shift
  [[ ! -d "$home" ]] || return 0
  work="$(mktemp -d "$cache/.build.XXXXXX")"
  "$@" "$work" || { rm -rf "$work" && return 1; }
  chmod 755 "$work"
  mv -T "$work" "$home"
}

# variables PATH=VALUE...: sets variables of packages at link time.
variables() { printf -- '-X %s ' "$@"; }

compile_kube() {
  local program version=k8s.io/component-base/version
  need_go
  (cd "$here/lib/kube" && CGO_ENABLED=0 go build -buildvcs=false -o "$1/kube" -ldflags "-s -w \
    $(variables $version.gitVersion="v$kube_version" $version.gitMajor=1 $version.gitMinor=34)" .) >&2
  for program in "${kube_programs[@]}"; do ln -s kube "$1/$program"; done
}

# Without these, 'helm template' and 'helm lint' take the cluster for Kubernetes 1.20.
compile_helm() {
  local helm=helm.sh/helm/v3
  need_go
  GOBIN="$1" CGO_ENABLED=0 go install -buildvcs=false -ldflags "-s -w \
    $(variables $helm/internal/version.version="v$helm_version" \
      $helm/pkg/{chartutil,lint/rules}.k8sVersionMajor=1 $helm/pkg/{chartutil,lint/rules}.k8sVersionMinor=34)" \
    "$helm/cmd/helm@v$helm_version" >&2
}

build_kube() { build_into "$kube_home" compile_kube; }
build_helm() { build_into "$helm_home" compile_helm; }

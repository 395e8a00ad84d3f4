# shellcheck shell=bash
# Volumes for those who claim one: folders of this machine, which both nodes see. Nothing makes more of them.

volumes=4
volumes_folder="$run_folder/volumes"

storage_class() {
  cat <<YAML
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: prepl-test, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/no-provisioner
YAML
}

volume() {
  cat <<YAML
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: prepl-test-$1}
spec:
  storageClassName: prepl-test
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  hostPath: {path: $volumes_folder/$1, type: Directory}
YAML
}

# A pod's fsGroup does not reach folders of a node: they are made for the user that prepl runs as.
make_volumes() {
  local number
  for ((number = 0; number < volumes; number++)); do
    install -d -o 65532 -g 65532 -m 700 "$volumes_folder/$number"
  done
  { storage_class && for ((number = 0; number < volumes; number++)); do volume "$number"; done; } \
    | kubectl apply -f - >/dev/null
}

# Stands for the install script of k3s. The first line, which names the stub's folder, is put before it.
. "$stub/record.sh"
root=${stub%/stub}
if [ "$INSTALL_K3S_SKIP_DOWNLOAD" != true ] || [ ! -x "$root/usr/local/bin/k3s" ]; then
    echo 'no k3s program in place' >&2
    exit 1
fi
unit=k3s
if [ "$INSTALL_K3S_EXEC" = agent ]; then
    unit=k3s-agent
    [ -n "$K3S_URL" ] && [ -s "$root$K3S_TOKEN_FILE" ] || exit 1
fi
mkdir -p "$stub/api/apis/apps/v1/namespaces/kube-system/deployments"
cp "$stub/optional/traefik.json" "$stub/api/apis/apps/v1/namespaces/kube-system/deployments/traefik.json"
mkdir -p "$root/var/lib/rancher/k3s/server/manifests"
: > "$root/var/lib/rancher/k3s/server/manifests/local-storage.yaml"
mkdir -p "$root/etc/rancher/k3s" "$stub/api/api/v1/nodes" "$stub/api/apis/storage.k8s.io/v1/storageclasses"
: > "$root/etc/systemd/system/$unit.service"
echo active > "$stub/services/$unit"
[ "$unit" = k3s ] || exit 0
: > "$root/etc/rancher/k3s/k3s.yaml"
echo '{"metadata":{"name":"node"},"status":{"addresses":[{"type":"InternalIP","address":"192.0.2.10"}],"conditions":[{"type":"Ready","status":"True"}]}}' \
    > "$stub/api/api/v1/nodes/node.json"
echo '{"metadata":{"name":"local-path","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}' \
    > "$stub/api/apis/storage.k8s.io/v1/storageclasses/local-path.json"

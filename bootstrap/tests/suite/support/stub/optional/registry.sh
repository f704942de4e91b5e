# The registry behind Traefik, as curl sees it.
api=$stub/api
for url; do :; done
method=GET
size=0
rate=
while [ $# -gt 1 ]; do
    case $1 in
        --request) method=$2 ;;
        --upload-file) size=$(($(wc -c < "$2"))) ;;
        --limit-rate) rate=${2%K} ;;
        --cacert) [ -s "$2" ] || { echo 'curl: (77) error setting certificate verify locations' >&2; exit 77; } ;;
    esac
    shift
done
refuse() { echo "curl: (22) The requested URL returned error: $1" >&2; exit 22; }
[ -f "$api/apis/networking.k8s.io/v1/namespaces/registry/ingresses/registry.json" ] || refuse 404
if grep -qs '"REGISTRY_AUTH"' "$api/apis/apps/v1/namespaces/registry/deployments/registry.json"; then
    grep -q '^user = ' "$stub/input/$number" || refuse 401
fi
# Traefik ends a body that takes longer than its limit, which is a minute unless its arguments say otherwise.
limit=$(grep -o 'readTimeout=[0-9]*' "$api/apis/apps/v1/namespaces/kube-system/deployments/traefik.json" 2> /dev/null)
limit=${limit#readTimeout=}
if [ -n "$rate" ] && [ $((size / 1024 / rate)) -ge "${limit:-60}" ]; then
    echo 'curl: (92) HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)' >&2
    exit 92
fi
case $method in
    POST|PATCH)
        host=${url#https://}
        printf 'HTTP/2 202\r\nlocation: https://%s/v2/name/blobs/uploads/1?_state=%s\r\n\r\n' "${host%%/*}" "$number"
        ;;
    DELETE) ;;
    *) refuse 405 ;;
esac
exit 0

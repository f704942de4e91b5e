#!/bin/sh
# Stands for k3s: a service that tells systemd when it is ready, a kubelet that renews the lease of its node, and a kubectl
# that knows this node while the service runs. An agent is refused by any token but the one of the test.
agent=/var/lib/rancher/k3s/agent
ready=/run/k3s-is-ready
lease=/run/k3s-lease
kubelet_is_healthy() { [ -e "$ready" ] && kill -0 "$(cat "$ready")" 2>/dev/null; }
case "$1" in
--version)
    echo 'k3s version v1.35.5+k3s1 (stand-in)'
    echo 'go version go1.24'
    ;;
server | agent)
    trap 'rm -f "$ready"; exit 0' TERM INT
    if [ -e /run/k3s-crashes ]; then
        echo 'time="2026-11-25T18:06:29Z" level=fatal msg="flag provided but not defined: -x"'
        exit 1
    fi
    while [ "$1" = agent ] && ! cmp -s "$K3S_TOKEN_FILE" /e2e/token-of-the-server; do
        echo 'time="2026-11-25T18:06:29Z" level=info msg="Waiting to retrieve agent configuration: https://127.0.0.1:6444/v1-k3s/serving-kubelet.crt: 401 Unauthorized"'
        sleep 1
    done
    mkdir -p "$agent"
    # The names of an issuer and of a subject, which is system:node:node.
    printf -- '-----BEGIN CERTIFICATE-----\nBgNVBAMMD2szcy1jbGllbnQtY2FAMQYDVQQDDBBzeXN0ZW06bm9kZTpub2Rl\n-----END CERTIFICATE-----\n' \
        >"$agent/client-kubelet.crt"
    : >"$agent/kubelet.kubeconfig"
    echo $$ >"$ready"
    systemd-notify --ready
    while :; do
        date -u +%Y-%m-%dT%H:%M:%S.%6NZ >"$lease.new" && mv "$lease.new" "$lease"
        sleep 1 &
        wait $!
    done
    ;;
kubectl)
    shift
    while [ "${1#--}" != "$1" ]; do
        case "$1" in
        --server=http://127.0.0.1:10248)
            if kubelet_is_healthy; then
                printf ok
                exit 0
            fi
            echo 'The connection to the server 127.0.0.1:10248 was refused - did you specify the right host or port?' >&2
            exit 1
            ;;
        --kubeconfig) shift ;;
        esac
        shift
    done
    if ! [ -e "$ready" ]; then
        echo 'The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?' >&2
        exit 1
    fi
    case "$*" in
    'get --raw /api/v1/nodes/node')
        printf '{"metadata":{"name":"node"},"status":{"addresses":[{"type":"InternalIP","address":"10.11.12.13"}],
"nodeInfo":{"machineID":"%s","bootID":"%s"},
"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"%s"}]}}\n' \
            "$(cat /etc/machine-id)" "$(cat /proc/sys/kernel/random/boot_id)" "$(cat "$lease")"
        exit 0
        ;;
    'get --raw /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node')
        printf '{"spec":{"renewTime":"%s"}}\n' "$(cat "$lease")"
        exit 0
        ;;
    'get --raw /'*)
        # What the test has put there is an object of the cluster.
        path=/etc/k3s-objects/${3#/}
        if [ -f "$path" ]; then
            cat "$path"
            exit 0
        fi
        ;;
    esac
    echo 'Error from server (NotFound): the server could not find the requested resource' >&2
    exit 1
    ;;
*)
    echo "no such command: $1" >&2
    exit 64
    ;;
esac

# What a cluster does by itself, sourced by the stand-in of kubectl: webhooks whose certificate is known late, objects that
# controllers make after a while, certificates that are issued, a chart of k3s that takes its configuration up.

# Objects that somebody makes later: the first line says after how many questions, the second where, the rest what.
late() {
    mkdir -p "$stub/later"
    { echo "$1"; echo "$2"; cat; } > "$stub/later/$number.$(echo "$2" | tr / =)"
}

pass_time() {
    for file in "$stub"/later/*; do
        [ -f "$file" ] || continue
        { read -r left && read -r place; } < "$file"
        if [ "$left" -gt 1 ]; then
            sed -i "1s/.*/$((left - 1))/" "$file"
        else
            mkdir -p "$api${place%/*}"
            sed 1,2d "$file" > "$api$place.json"
            rm "$file"
        fi
    done
}

# Refuses as often as the first line of the file says, in the words of the rest.
refuse_for_a_while() {
    [ -f "$stub/apply-fault" ] || return 0
    read -r left < "$stub/apply-fault"
    [ "$left" -gt 0 ] || return 0
    sed -i "1s/.*/$((left - 1))/" "$stub/apply-fault"
    sed 1d "$stub/apply-fault" >&2
    exit 1
}

# What somebody else applied is theirs, and a claim keeps its size and its class.
refuse_what_cannot_change() {
    [ -f "$file" ] || return 0
    if grep -q '"manager":"kubectl-client-side-apply"' "$file"; then
        echo 'error: Apply failed with 1 conflict: conflict with "kubectl-client-side-apply": .spec.selector' >&2
        exit 1
    fi
    [ "$kind" = persistentvolumeclaims ] || return 0
    for field in storage storageClassName; do
        if [ "$(grep -o "\"$field\":\"[^\"]*\"" "$file")" != "$(grep -o "\"$field\":\"[^\"]*\"" "$stub/input/$number")" ]; then
            echo "The PersistentVolumeClaim \"$object\" is invalid: spec: Forbidden: spec is immutable after creation" \
                'except resources.requests and volumeAttributesClassName for bound claims' >&2
            exit 1
        fi
    done
}

# cert-manager's webhook fails closed, and the API server gets to know its certificate after the rollout.
admit() {
    case $1 in cert-manager.io/*) ;; *) return 0 ;; esac
    [ -f "$stub/webhook-refusals" ] || return 0
    read -r left < "$stub/webhook-refusals"
    [ "$left" -gt 0 ] || return 0
    echo $((left - 1)) > "$stub/webhook-refusals"
    echo 'Error from server (InternalError): Internal error occurred: failed calling webhook' \
        '"webhook.cert-manager.io": failed to call webhook: Post' \
        '"https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=30s":' \
        'tls: failed to verify certificate: x509: certificate signed by unknown authority' >&2
    exit 1
}

# issue NAMESPACE CERTIFICATE SECRET: the secret of a certificate.
issue() {
    mkdir -p "$api/api/v1/namespaces/$1/secrets"
    made=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    sed -e "s/^{\"metadata\":{\"name\":\"[^\"]*\"/{\"kind\":\"Secret\",\"metadata\":{\"name\":\"$3\",\
\"uid\":\"secret-$number\",\"namespace\":\"$1\",\"creationTimestamp\":\"$made\",\
\"annotations\":{\"cert-manager.io\/certificate-name\":\"$2\"}/" \
        "$stub/certificate.json" > "$api/api/v1/namespaces/$1/secrets/$3.json"
}

# The API server keeps the text that a secret is given in base64, and gives it back in no other way.
keep_in_base64() {
    given=$(grep -o '"stringData":{"[^"]*":"[^"]*"}' "$1") || return 0
    key=$(printf %s "$given" | cut -d '"' -f 4)
    kept=$(printf %b "$(printf %s "$given" | cut -d '"' -f 6)" | base64 | tr -d '\n')
    sed -i "s|\"stringData\":{[^}]*}|\"data\":{\"$key\":\"$kept\"}|" "$1"
}

# What follows from an object that was applied: $kind, $object, $namespace, $file and $uid tell which.
controllers() {
    case $kind in
        validatingwebhookconfigurations)
            [ -f "$stub/webhook-refusals" ] || echo 2 > "$stub/webhook-refusals"
            ;;
        services)
            mkdir -p "$api$path/endpoints"
            printf '{"kind":"Endpoints","metadata":{"name":"%s","namespace":"%s"},
"subsets":[{"addresses":[{"ip":"192.0.2.1"}]}]}\n' "$object" "$namespace" > "$api$path/endpoints/$object.json"
            ;;
        certificates)
            sed -i 's/"status":{/"status":{"notAfter":"2999-01-01T00:00:00Z",/' "$file"
            issue "$namespace" "$object" "$(field secretName)"
            ;;
        ingresses)
            # What cert-manager makes of an ingress: a certificate that belongs to it, and its secret.
            issued=$api/apis/cert-manager.io/v1/namespaces/$namespace/certificates
            mkdir -p "$issued"
            issue "$namespace" registry-tls registry-tls
            printf '{"kind":"Certificate","metadata":{"uid":"certificate-%s","name":"%s","namespace":"%s",
"ownerReferences":[{"uid":"%s"}]},"spec":{"secretName":"%s","issuerRef":{"kind":"ClusterIssuer","name":"%s"}}}\n' \
                "$number" registry-tls "$namespace" "${uid:-uid-$number}" registry-tls selfsigned \
                > "$issued/registry-tls.json"
            ;;
        helmchartconfigs)
            # k3s upgrades its chart of Traefik after a while.
            limit=$(grep -o 'readTimeout: [0-9a-z]*' "$stub/input/$number" | cut -d ' ' -f 2)
            sed "s|\\]}]|,\"--entryPoints.websecure.transport.respondingTimeouts.readTimeout=$limit\"]}]|" \
                "$stub/optional/traefik.json" |
                late 2 /apis/apps/v1/namespaces/kube-system/deployments/traefik
            ;;
    esac
}

# Stands for the install script of k3s. The first line, which names the stub's folder, is put before it. Like the real one
# it takes the former unit away first, starts nothing where nothing has changed, ends with 0 then, and blocks while it
# starts a service.
. "$stub/record.sh"
root=${stub%/stub}
if [ "$INSTALL_K3S_SKIP_DOWNLOAD" != true ] || [ ! -x "$root/usr/local/bin/k3s" ]; then
    echo 'no k3s program in place' >&2
    exit 1
fi
unit=k3s
role=server
if [ "$INSTALL_K3S_EXEC" = agent ]; then
    unit=k3s-agent
    role=agent
    [ -n "$K3S_URL" ] && [ -s "$root$K3S_TOKEN_FILE" ] || exit 1
fi
units=$root/etc/systemd/system
state=$stub/services/$unit
sums() { cat "$units/$unit.service" "$units/$unit.service.env" 2> /dev/null | sha256sum; }
before=$(sums)
rm -f "$units/$unit.service" "$units/$unit.service.env" "$state.enabled"
(
    umask 077
    export -p | sed -n 's/^export \(K3S_[A-Z_]*=.*\)/\1/p' > "$units/$unit.service.env"
)
type=notify
[ ! -f "$stub/k3s-type" ] || type=$(cat "$stub/k3s-type")
cat > "$units/$unit.service" << EOF
[Service]
Type=$type
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/systemd/system/$unit.service.env
ExecStart=/usr/local/bin/k3s \\
    $role

EOF
: > "$state.enabled"
[ "$INSTALL_K3S_SKIP_START" != true ] || exit 0
if [ "$before" = "$(sums)" ] && [ "$INSTALL_K3S_FORCE_RESTART" != true ]; then
    echo '[INFO]  No change detected so skipping service start'
    exit 0
fi
. "$stub/optional/k3s-start"
while [ "$(head -n 1 "$state")" != active ]; do sleep 1; done

#!/bin/sh
# Stands for the install script of k3s, and does with a program that is in place already what that one does: a link, and
# in place of the former ones a unit and an environment file. It starts the service, and waits until that is ready, unless
# it is told not to, or nothing has changed.
set -e
echo "$*" >>/var/log/k3s-install-calls

# What a test asks for at some point: `kill` takes the program that called us away, `fail` fails, `wait` waits until
# the file is gone.
point() {
    asked=$(cat "/run/k3s-install-$1" 2>/dev/null || true)
    case "$asked" in
    kill)
        rm "/run/k3s-install-$1"
        kill -KILL "$PPID"
        exit 1
        ;;
    fail)
        echo 'the unit cannot be written' >&2
        exit 3
        ;;
    wait)
        while [ -e "/run/k3s-install-$1" ]; do sleep 0.1; done
        ;;
    esac
}

[ "$INSTALL_K3S_SKIP_DOWNLOAD" = true ] || { echo 'downloads are not for this script' >&2; exit 1; }
[ -x /usr/local/bin/k3s ] || { echo 'the program is not in place' >&2; exit 1; }
[ -n "$INSTALL_K3S_VERSION" ] || { echo 'no version was given' >&2; exit 1; }
role=server
name=k3s
if [ "$INSTALL_K3S_EXEC" = agent ]; then
    role=agent
    name=k3s-agent
    [ -n "$K3S_URL" ] && [ -s "$K3S_TOKEN_FILE" ] || { echo 'an agent needs a server and a token' >&2; exit 1; }
fi
unit=/etc/systemd/system/$name.service

point start
before=$(cat "$unit" "$unit.env" 2>/dev/null | sha256sum)
ln -sf k3s /usr/local/bin/kubectl
systemctl disable "$name" >/dev/null 2>&1 || true
rm -f "$unit" "$unit.env"
(
    umask 077
    env | grep -E '^K3S_' | LC_ALL=C sort >"$unit.env" || true
)
# Agents were of the type exec once, and are of the type notify now.
type=$(cat /run/k3s-type 2>/dev/null || echo notify)
cat >"$unit" <<EOF
[Unit]
Description=Stand-in for k3s

[Service]
Type=$type
NotifyAccess=all
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-$unit.env
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStart=/usr/local/bin/k3s \\
    $role

[Install]
WantedBy=multi-user.target
EOF
point unit
systemctl enable "$unit"
systemctl daemon-reload
point enabled
[ "$INSTALL_K3S_SKIP_START" != true ] || exit 0
after=$(cat "$unit" "$unit.env" | sha256sum)
if [ "$before" = "$after" ] && [ "$INSTALL_K3S_FORCE_RESTART" != true ]; then
    echo 'No change detected so skipping service start'
    exit 0
fi
systemctl restart "$name"

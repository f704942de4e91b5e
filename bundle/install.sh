#!/bin/sh
# Fetches the bundle of this version, checks it against the checksum below, and runs it. Without a command, or where an
# option comes first, that is `bootstrap`.
set -eu
archive=@ARCHIVE@
sha256=@SHA256@
from=${PRODUCTIVE_K3S_BUNDLE_URL:-@RELEASE_URL@}
for program in curl sha256sum tar; do
    command -v "$program" >/dev/null || {
        echo "error: $program is not installed" >&2
        exit 1
    }
done
directory=$(mktemp -d)
trap 'rm -rf -- "$directory"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
echo "downloading $archive" >&2
curl --fail --silent --show-error --location --output "$directory/$archive" -- "$from/$archive"
echo "$sha256  $directory/$archive" | sha256sum --check --quiet - >&2 || {
    echo "error: $archive does not match the checksum of this installer" >&2
    exit 1
}
tar -xzf "$directory/$archive" -C "$directory"
case ${1:--} in
-*) set -- bootstrap "$@" ;;
esac
# Not by exec: the directory is removed when the program has ended. Its records are elsewhere and stay.
"$directory/@STEM@/productive-k3s-core.sh" "$@"

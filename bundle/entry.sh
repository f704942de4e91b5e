#!/bin/sh
# An entry point of the bundle: it finds the program for this machine and executes it. Everything else is in the program.
set -eu
root=$(dirname -- "$(readlink -f -- "$0")")/@TO_ROOT@
machine=$(uname -m)
case $machine in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) arch=$machine ;;
esac
program=$root/bin/$arch/bootstrap
if [ ! -x "$program" ]; then
    echo "error: this bundle has no program for $machine" >&2
    echo "help:   use a bundle that has bin/$arch/bootstrap; this one has:" "$root"/bin/* >&2
    exit 1
fi
exec "$program" as-bundle --root "$root" --entry @ENTRY@ -- "$@"

# Sourced by every stand-in: writes the call down, and lets it fail or hang when the test asked for that.
name=${0##*/}
case $0 in
    */usr/local/bin/*) stub=${0%/usr/local/bin/*}/stub ;;
    */stub/bin/*) stub=${0%/bin/*} ;;
esac
read -r number < "$stub/count"
number=$((number + 1))
echo "$number" > "$stub/count"
{
    printf '%s' "$name"
    for word; do printf ' [%s]' "$word"; done
    echo
} >> "$stub/calls"
export -p >> "$stub/environments"
# A stand-in that talks for as long as its input is open says so, for nothing may be read for it.
# Thousands of calls have nothing or one line to read, and for those no other program is started.
if [ -z "$streams" ]; then
    if IFS= read -r first; then
        { printf '%s\n' "$first" && cat; } > "$stub/input/$number"
    else
        printf '%s' "$first" > "$stub/input/$number"
    fi
fi
if [ -f "$stub/fail-at" ]; then
    read -r at < "$stub/fail-at"
    if [ "$at" = "$number" ]; then
        echo "injected fault in $name" >&2
        exit 70
    fi
fi
if [ -f "$stub/hang-in" ]; then
    read -r in < "$stub/hang-in"
    if [ "$in" = "$name" ]; then
        sleep 600 &
        echo $! > "$stub/hanging"
        wait
    fi
fi

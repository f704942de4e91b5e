# Sourced by curl for a request whose answer is read with its head. A server is a set of files in the folder https: the
# answer to a request is a file named by method and URL, with every slash turned into an equals sign. Beside it:
#   .exit      the code with which curl gives up, and its words
#   .login     the line of curl's configuration without which the server answers 401
#   .starting  how often the server answers 401 whatever it is told
# The file https.ca holds the authority that servers are signed by; without it they are signed by one of the host's.
method=GET insecure= authority=
for url; do :; done
while [ $# -gt 0 ]; do
    case $1 in
        --request) method=$2 ;;
        --insecure) insecure=yes ;;
        --cacert) authority=$2 ;;
    esac
    shift
done
host=${url#https://}
file=$stub/https/$method=$(printf %s "$host" | tr / =)
host=${host%%/*}
if [ -f "$file.exit" ]; then
    read -r code words < "$file.exit"
    echo "curl: ($code) $words" >&2
    exit "$code"
fi
if ! ls "$stub/https" 2> /dev/null | grep -qF "=$host="; then
    echo "curl: (7) Failed to connect to ${host%:*} port 443 after 0 ms: Couldn't connect to server" >&2
    exit 7
fi
if [ -z "$insecure" ] && [ -f "$stub/https.ca" ]; then
    if [ -z "$authority" ] || [ "$(cat "$authority")" != "$(cat "$stub/https.ca")" ]; then
        echo 'curl: (60) SSL certificate problem: unable to get local issuer certificate' >&2
        echo 'More details here: https://curl.se/docs/sslcerts.html' >&2
        exit 60
    fi
fi
refuse=
if [ -f "$file.starting" ]; then
    read -r left < "$file.starting"
    if [ "$left" -gt 0 ]; then
        echo $((left - 1)) > "$file.starting"
        refuse=yes
    fi
fi
if [ -f "$file.login" ] && ! grep -qxF -f "$file.login" "$stub/input/$number"; then
    refuse=yes
fi
if [ -n "$refuse" ]; then
    printf 'HTTP/2 401 \r\ncontent-type: text/plain\r\n\r\nUnauthorized'
elif [ -f "$file" ]; then
    cat "$file"
else
    printf 'HTTP/2 404 \r\ncontent-type: text/plain\r\n\r\n404 page not found\n'
fi
exit 0

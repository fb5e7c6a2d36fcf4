# The first attempt leaves something everywhere and fails; the second must find nothing of it.
set -eu
test "$(ls)" = "try.sh"
test ! -e "$1"
test -d "$2"
test -z "$(ls -A "$2")"
test -d "$(dirname "$3")"
test "$(head -n 1 try.sh | cut -c 1)" = "#"
if [ "$SPECFLOW_ATTEMPT" = 1 ]; then
    echo half > "$1"
    echo half > "$2/half"
    echo half > "$3"
    echo left > left
    echo spoiled > try.sh
    exit 1
fi
echo whole > "$1"
echo whole > "$2/whole"

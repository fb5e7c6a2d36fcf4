ls -A | tr '\n' ' ' > "$1"

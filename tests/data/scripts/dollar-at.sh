f() { echo $#; for a in "$@"; do echo "<$a>"; done; for a in "$*"; do echo "{$a}"; done; for a in $@; do echo "($a)"; done; }
f "a b" c "" d
set -- x "y z"
f "$@"
f
f "pre$@post"
IFS=,; f "$*"

set -e
false || echo a
if false; then :; fi
! true
false && true
echo b
(exit 4)
echo never

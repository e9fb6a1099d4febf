set -e
echo "$(false; echo kept)"
x=$(false)
echo never

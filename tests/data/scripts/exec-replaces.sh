trap "echo no" EXIT
echo before
exec echo after

trap "echo got" USR1
kill -USR1 $$
echo after
trap - USR1
kill -USR1 $$
echo never

trap "echo one" USR1
trap "echo two" USR1
kill -USR1 $$
trap "" USR1; kill -USR1 $$; echo ignored

trap "false; echo in" USR1
true; kill -USR1 $$; echo $?
(exit 5); echo $?

trap "echo parent" USR1
(kill -USR1 $(sh -c "echo \$PPID"); echo never); echo $?
kill -USR1 $$; echo end

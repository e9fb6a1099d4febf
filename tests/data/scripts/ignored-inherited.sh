trap "" TERM
sh -c 'kill -TERM $$; echo survived'
(kill -TERM $(sh -c "echo \$PPID"); echo sub)

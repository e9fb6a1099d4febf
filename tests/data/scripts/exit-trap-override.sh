trap "exit 9" 0
exit 1

# signals: 0.3 USR1
trap "echo usr" USR1; sleep 0.8 & wait $!; echo $?; wait; echo $?

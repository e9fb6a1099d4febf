# signals: 0.3 TERM 0.5 TERM 1.1 TERM
trap "echo TERM; sleep 0.4; echo done" TERM; sleep 5 & wait; echo w $?; wait; echo v $?; exit 3

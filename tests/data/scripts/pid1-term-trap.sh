# signals: 0.3 TERM
trap "echo TERM; exit 0" TERM; sleep 5 & wait

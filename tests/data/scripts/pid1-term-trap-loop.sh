# signals: 0.3 TERM
trap "echo TERM" TERM; for i in 1 2 3; do sleep 0.2; echo $i; done

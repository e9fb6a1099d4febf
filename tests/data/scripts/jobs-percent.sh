sleep 5 & sleep 6 &
kill %1; wait %1; echo $?
kill %2; wait; echo $?

(sleep 0.1; exit 4) & a=$!; (exit 5) & b=$!
wait $a; echo $?; wait $b; echo $?; wait; echo $?; wait 99999; echo $?

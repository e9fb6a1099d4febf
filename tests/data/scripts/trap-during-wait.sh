trap "echo trapped" TERM
(sleep 0.2; kill -TERM $$) &
sleep 0.8 & p=$!
wait $p; echo $?
wait $p; echo $?

# signals:
(trap "echo sub" TERM; sleep 0.4; echo subend) & p=$!; sleep 0.2; kill $p; wait $p; echo $?

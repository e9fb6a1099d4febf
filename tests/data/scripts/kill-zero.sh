kill -0 $$ && echo alive
sleep 0.2 & p=$!; kill -0 $p && echo runs; wait $p; echo $?

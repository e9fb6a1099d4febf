(sleep 0.3; echo new >> log; sleep 1.4; kill $!) 2>/dev/null &
echo old > log
tail -f log & t=$!
sleep 1.9; kill $t; wait $t; echo $?

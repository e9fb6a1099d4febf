sleep 5 & p=$!
kill $p
wait $p; echo $?
kill -0 $p 2>/dev/null || echo gone

trap "echo usr" USR1
(sleep 0.2; kill -USR1 $$; sleep 0.2; kill -USR1 $$) & k=$!
sleep 1 & p=$!
n=0; while kill -0 $p 2>/dev/null; do wait $p; n=$((n+1)); [ $n = 3 ] && break; done; echo $n

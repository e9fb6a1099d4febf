sleep 5 & p=$!; kill -9 $p; wait $p; echo $?
sh -c 'kill -9 $$' 2>/dev/null; echo $?
(sleep 0.2; kill -INT $$) & trap "echo int; exit 1" INT; sleep 0.6; echo never

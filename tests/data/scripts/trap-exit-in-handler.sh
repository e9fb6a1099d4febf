trap "echo t; exit 3" TERM
(sleep 0.2; kill $$) &
sleep 5 & wait
echo never

trap "echo trapped" TERM
(sleep 0.2; kill -TERM $$) &
sleep 0.6
echo "after sleep"
wait

(sleep 0.4; echo b) & (sleep 0.2; echo a) &
wait; echo c

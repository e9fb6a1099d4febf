sleep 0.1; echo a; sleep 0.1s; echo b; sleep .1; echo c; sleep 0; echo d

# shells: dash
timeout 0.2 sleep 5; echo $?
timeout 1 true; echo $?
timeout 1 sh -c "exit 7"; echo $?

# signals:
sh -c "kill -TERM 1; kill -KILL 1"; echo $?; sleep 0.3; echo alive

# shells: ash
busybox timeout 1 sleep 5; echo $?
busybox timeout 1 true; echo $?

i=0; until [ $i -ge 3 ]; do echo $i; i=$((i+1)); done; while false; do echo n; done; echo $?
while [ $i -gt 0 ]; do i=$((i-1)); [ $i = 1 ] && break; done; echo $i
